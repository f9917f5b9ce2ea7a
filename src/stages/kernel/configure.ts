import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { KconfigEntry } from '../../domain/kernel/kconfig.js';
import { explainLoss, parseKconfig } from '../../domain/kernel/kconfig.js';
import {
  formatRequests,
  lostRequests,
  mergeFragments,
  parseResolvedConfig,
} from '../../domain/kernel/kernel-config.js';
import type { FragmentFile } from '../../domain/kernel/kernel-config.js';
import type { Problem } from '../../errors.js';
import { UserError } from '../../errors.js';
import type { StageContext } from '../../pipeline/stage.js';
import type { KernelBuild } from './kernel-build.js';
import { inside } from './kernel-build.js';

/** A resolved configuration: option → value, those that are off left out. */
type Resolved = ReadonlyMap<string, string>;

/** Answers Kconfig's questions with the fragments. Throws UserError `kernel-option-lost` for each one that it dropped. */
export async function configure(
  fragments: readonly FragmentFile[],
  build: KernelBuild,
  context: StageContext,
): Promise<Resolved> {
  const resolved = await resolveConfig(fragments, build, context);
  const lost = await lostOptions(fragments, resolved, build);
  if (lost.length > 0) throw UserError.fromProblems(lost);
  return resolved;
}

/** What Kconfig makes of the fragments, lost ones and all. */
export async function resolveConfig(
  fragments: readonly FragmentFile[],
  build: KernelBuild,
  context: StageContext,
): Promise<Resolved> {
  context.report.step('configuring the kernel');
  const { requests } = mergeFragments(fragments);
  await writeFile(join(build.folder, 'requested.config'), formatRequests(requests));
  await build.make([`KCONFIG_ALLCONFIG=${inside.build}/requested.config`, 'allnoconfig']);
  return parseResolvedConfig(await readFile(join(build.folder, 'objects', '.config'), 'utf8'));
}

/** `kernel-option-lost` for every request that Kconfig did not keep, with what it depends on. */
export async function lostOptions(
  fragments: readonly FragmentFile[],
  resolved: Resolved,
  build: KernelBuild,
): Promise<readonly Problem[]> {
  const lost = lostRequests(mergeFragments(fragments).requests, resolved);
  if (lost.length === 0) return [];
  const entries = await readKconfig(
    join(build.folder, 'source'),
    lost.map(({ name }) => name.replace(/^CONFIG_/, '')),
  );
  const valueOf = (name: string): string => resolved.get(`CONFIG_${name}`) ?? 'n';
  return lost.map(({ name, problem }) => {
    const option = name.replace(/^CONFIG_/, '');
    return { ...problem, hint: explainLoss(option, entries.get(option) ?? [], valueOf) };
  });
}

/** The entries of some options, from all Kconfig files below a source tree. */
async function readKconfig(
  source: string,
  names: readonly string[],
): Promise<ReadonlyMap<string, readonly KconfigEntry[]>> {
  const found = new Map<string, KconfigEntry[]>();
  const files = await readdir(source, { recursive: true }).catch(() => []);
  for (const file of files.filter(
    (path) => /(^|\/)Kconfig[^/]*$/.test(path) && !/(^|\/)arch\/(?!arm64|x86)/.test(path),
  )) {
    const text = await readFile(join(source, file), 'utf8').catch(() => '');
    for (const entry of parseKconfig(text, file)) {
      if (names.includes(entry.name)) found.set(entry.name, [...(found.get(entry.name) ?? []), entry]);
    }
  }
  return found;
}
