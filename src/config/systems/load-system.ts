import { dirname, resolve } from 'node:path';
import type { Problem } from '../../errors.js';
import { byPlace, chainProblems } from '../chain-problems.js';
import { readChainLayers } from '../chain/chain-statements.js';
import type { FileChain } from '../file-chain.js';
import { isMap, readFileChain } from '../file-chain.js';
import type { ImageStatements } from '../statements/statements.js';
import { statementsOfSystem } from '../statements/statements.js';
import { readPackages } from '../packages/package-statements.js';
import { readPartitionList } from '../partitions/read-partitions.js';
import { checkSoftwareRules } from '../software/software-rules.js';
import { resolveSoftware } from '../software/software.js';
import { systemKind } from '../schemas/system-kind.js';
import type { SystemDefinition } from '../schemas/system-schema.js';
import { systemSchema } from '../schemas/system-schema.js';
import { userlandProblems } from './userland-rules.js';

export type SystemRead = {
  readonly id: string;
  /** The system as its files say it, merged and with defaults: what a file without `extends` would hold. */
  readonly definition: SystemDefinition;
  readonly statements: ImageStatements;
  /** The system's file and the ones that it extends, nearest first. */
  readonly files: readonly string[];
};

export type SystemReadResult = { readonly loaded?: SystemRead; readonly problems: readonly Problem[] };

const WITHOUT_PARTITIONS = systemSchema.omit({ partitions: true });

/**
 * Reads a system file, merges what it extends and checks it as far as that goes without a board. Codes: those of
 * `readFileChain`, `problemsFromZod`, `readPartitionList` and `checkSoftwareRules`, `system-id-inherited`,
 * `system-partitions-missing`, and those of `userlandProblems`, `resolveSoftware`, `readPackages` and
 * `readChainLayers`.
 */
export async function readSystem(file: string, systemsDir: string): Promise<SystemReadResult> {
  const { chain, problems } = await readFileChain(file, systemKind(systemsDir));
  if (chain === undefined) return { problems };
  const parsed = WITHOUT_PARTITIONS.safeParse(withoutPartitions(chain.value), { reportInput: true });
  const { partitions, problems: ofPartitions } = readPartitionList(chain);
  const unreadable = [
    ...(parsed.success ? [] : chainProblems(parsed.error, chain, systemSchema)),
    ...ofPartitions,
    ...(partitions.length + ofPartitions.length === 0 ? [noPartitions(chain)] : []),
  ];
  if (!parsed.success || unreadable.length > 0) return { problems: unreadable.sort(byPlace) };

  const { software: written } = parsed.data;
  const { software, problems: ofSoftware } = await resolveSoftware(written, {
    resolvePath: (path, at) => resolve(dirname(chain.sourceOf(at).file), path),
    locate: chain.locate,
  });
  const { packages, problems: ofPackages } = await readPackages(parsed.data, chain, []);
  const { layers, problems: ofLayers } = await readChainLayers(parsed.data.layers ?? [], chain);
  const found = [
    ...inheritedId(chain, parsed.data.id),
    ...userlandProblems(parsed.data, chain),
    ...checkSoftwareRules(written).map(({ path, ...problem }) => ({ ...problem, ...chain.locate(path) })),
    ...ofPackages,
    ...ofSoftware,
    ...ofLayers,
  ];
  return {
    loaded: {
      id: parsed.data.id,
      definition: { ...parsed.data, partitions: partitions.map(({ name, said }) => ({ ...said, name })) },
      statements: statementsOfSystem(parsed.data, chain, { packages, chain: layers, software, partitions }),
      files: chain.sources.map((source) => source.file),
    },
    problems: found.sort(byPlace),
  };
}

function withoutPartitions(value: unknown): unknown {
  return isMap(value) ? Object.fromEntries(Object.entries(value).filter(([key]) => key !== 'partitions')) : value;
}

function noPartitions(chain: FileChain): Problem {
  return {
    code: 'system-partitions-missing',
    message: 'this system has no partitions',
    hint: 'List at least { name: boot, role: boot } and { name: root, role: root }.',
    ...chain.locate(['partitions']),
  };
}

/** Two systems of one id could not be told apart by what an image says of itself. */
function inheritedId(chain: FileChain, id: string): Problem[] {
  const [own, ...others] = chain.sources;
  if (others.length === 0 || chain.sourceOf(['id']) === own) return [];
  return [
    {
      code: 'system-id-inherited',
      message: `this system has no id of its own; "${id}" belongs to the system that it extends`,
      hint: 'Add "id: my-system".',
      file: own.file,
      line: 1,
      column: 1,
    },
  ];
}
