import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { KconfigFile } from './kconfig.js';
import { entriesOf, explainLoss, parseKconfig } from './kconfig.js';
import { formatRequests, lostRequests, mergeFragments, parseResolvedConfig } from './fragments.js';
import type { FragmentFile } from './fragments.js';
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
  const files = await readKconfig(join(build.folder, 'source'));
  const valueOf = (name: string): string => resolved.get(`CONFIG_${name}`) ?? 'n';
  return lost.map(({ name, problem }) => {
    const option = name.replace(/^CONFIG_/, '');
    return { ...problem, hint: explainLoss(option, entriesOf(option, files), valueOf) };
  });
}

/** All Kconfig files below a source tree that an arm64 or x86 kernel is made of, by their path in it. */
export async function readKconfig(source: string): Promise<ReadonlyMap<string, KconfigFile>> {
  const names = (await readdir(source, { recursive: true }).catch(() => [])).filter(
    (path) => /(^|\/)Kconfig[^/]*$/.test(path) && !/^arch\/(?!Kconfig|arm64\/|x86\/)/.test(path),
  );
  const texts = names.map(async (name) => readFile(join(source, name), 'utf8').catch(() => ''));
  const files = (await Promise.all(texts)).map(
    (text, at) => [names[at] ?? '', parseKconfig(text, names[at] ?? '')] as const,
  );
  return new Map(files);
}
