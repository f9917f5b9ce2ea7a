import { dirname, resolve } from 'node:path';
import type { Problem } from '../../errors.js';
import type { ExerciseStep, HttpRequest, Workload, WorkloadCheck, WorkloadFile } from '../../model/workload.js';
import { byPlace, chainProblems } from '../chain-problems.js';
import type { FileChain } from '../file-chain.js';
import { readFileChain } from '../file-chain.js';
import { readPackages } from '../packages/package-statements.js';
import { workloadKind } from '../schemas/workload-kind.js';
import type { WorkloadDefinition } from '../schemas/workload-schema.js';
import { workloadSchema } from '../schemas/workload-schema.js';
import type { Path } from '../yaml-source.js';
import { workloadProblems } from './workload-rules.js';

export type WorkloadRead = {
  readonly workload: Workload;
  /** The workload as its files say it, merged and with defaults: what a file without `extends` would hold. */
  readonly definition: WorkloadDefinition;
  /** The workload's file and the ones that it extends, nearest first. */
  readonly files: readonly string[];
};

export type WorkloadReadResult = { readonly loaded?: WorkloadRead; readonly problems: readonly Problem[] };

/**
 * Reads a workload file, merges what it extends and checks it as far as that goes without packages. Codes: those of
 * `readFileChain`, `problemsFromZod`, `readPackages` and `workloadProblems`, and `workload-id-inherited`.
 */
export async function readWorkload(file: string, workloadsDir: string): Promise<WorkloadReadResult> {
  const { chain, problems } = await readFileChain(file, workloadKind(workloadsDir));
  if (chain === undefined) return { problems };
  const parsed = workloadSchema.safeParse(chain.value, { reportInput: true });
  if (!parsed.success) return { problems: chainProblems(parsed.error, chain, workloadSchema).sort(byPlace) };
  const { packages, problems: ofPackages } = await readPackages(parsed.data, chain, []);
  const workload = resolveWorkload(parsed.data, chain, packages);
  const found = [...inheritedId(chain, parsed.data.id), ...ofPackages, ...(await workloadProblems(workload, chain))];
  return {
    loaded: { workload, definition: parsed.data, files: chain.sources.map((source) => source.file) },
    problems: found.sort(byPlace),
  };
}

type Packages = Pick<Workload, 'packages' | 'packageFiles' | 'repositories'>;

function resolveWorkload(definition: WorkloadDefinition, chain: FileChain, packages: Packages): Workload {
  const at = (...path: Path) => chain.locate(path);
  const fromFile = (path: string, ...place: Path): string => resolve(dirname(at(...place).file), path);
  const placed = (key: 'files' | 'compile'): readonly WorkloadFile[] =>
    Object.entries(definition[key]).map(([source, target]) => ({
      source: fromFile(source, key, source),
      target,
      at: at(key, source),
    }));
  return {
    id: definition.id,
    description: definition.description,
    packages: packages.packages,
    packageFiles: packages.packageFiles,
    repositories: packages.repositories,
    files: placed('files'),
    programs: placed('compile'),
    command: definition.command,
    env: definition.env,
    user: definition.user,
    workingFolder: definition.workingFolder,
    ports: definition.ports,
    check: checkOf(definition.check),
    exercise: definition.exercise.map((step, index): ExerciseStep =>
      'script' in step ? { script: fromFile(step.script, 'exercise', index, 'script') } : { http: requestOf(step) },
    ),
    restart: definition.restart,
    writable: definition.writable,
    list: definition.list === undefined ? undefined : fromFile(definition.list, 'list'),
    include: definition.include,
    exclude: definition.exclude,
    locales: definition.locales,
    at: {
      command: at('command'),
      check: at('check'),
      list: at('list'),
      packages: at('packages'),
      user: at('user'),
      locales: at('locales'),
    },
  };
}

type WrittenCheck = WorkloadDefinition['check'];

function checkOf(check: WrittenCheck): WorkloadCheck | undefined {
  if (check === undefined) return undefined;
  return 'command' in check ? { command: check.command } : { http: requestOf(check) };
}

function requestOf({ http, status, expect }: Extract<NonNullable<WrittenCheck>, { http: string }>): HttpRequest {
  const [, port = '', path = '/'] = /^:(\d+)(\/.*)$/.exec(http) ?? [];
  return { port: Number(port), path, status, ...(expect === undefined ? {} : { expect }) };
}

/** Two workloads of one id could not be told apart by what an image says of itself. */
function inheritedId(chain: FileChain, id: string): Problem[] {
  const [own, ...others] = chain.sources;
  if (others.length === 0 || chain.sourceOf(['id']) === own) return [];
  return [
    {
      code: 'workload-id-inherited',
      message: `this workload has no id of its own; "${id}" belongs to the workload that it extends`,
      hint: 'Add "id: my-workload".',
      file: own.file,
      line: 1,
      column: 1,
    },
  ];
}
