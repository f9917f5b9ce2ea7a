import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from '../../host/network-fault.js';
import { canonicalJson } from '../../model/json.js';
import { kernelTarget } from '../../model/kernel-target.js';
import { sha256 } from '../../model/sha256.js';
import type { StageContext } from '../../pipeline/stage.js';
import { toolVersions } from '../../tools/tools-tree.js';
import { mergeFragments } from './fragments.js';
import type { KernelInput } from './kernel-build.js';
import { patchedFiles } from './patch-output.js';

/** Folders that are kept at most, the last used ones; each takes about 2 GB. */
const KEPT = 3;
/** Of the patches that are in the source. */
const PATCHES_FILE = 'patches.json';

type KeptPatches = { readonly texts: readonly string[]; readonly files: readonly string[] };

/** Folder of source and objects from an earlier build, and how much of it can be used. */
export type TakenBuild = {
  /** False: the source must be unpacked and patched anew. */
  readonly hasSource: boolean;
};

/**
 * Moves the folder of an earlier build of the same source to `folder`, where Kbuild then compiles only what another
 * configuration changes. It is moved and not copied: nobody else uses it meanwhile, and a build that is killed takes it
 * along, because a half-written object looks finished to make.
 *
 * @param folder must not exist yet
 */
export async function takeKeptBuild(input: KernelInput, folder: string, context: StageContext): Promise<TakenBuild> {
  try {
    await rename(join(context.shared.kernelBuilds, keptName(input)), folder);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return { hasSource: false };
    throw error;
  }
  const { texts, files } = await readPatches(folder);
  if (canonicalJson(texts) === canonicalJson(textsOf(input))) return { hasSource: true };
  await rm(join(folder, 'source'), { recursive: true });
  // What they had changed is compiled again: `touchPatched` makes it look new.
  await writePatches(folder, { texts: [], files });
  return { hasSource: false };
}

/** After the source was unpacked and patched: files that a patch changes, now or in the build before, are new to make. */
export async function touchPatched(input: KernelInput, folder: string): Promise<void> {
  const { files } = await readPatches(folder);
  const now = new Date();
  for (const file of new Set([...files, ...patchedFiles(input.patches)])) {
    // One that only the earlier patches had is gone, which Kbuild notices by itself.
    await utimes(join(folder, 'source', file), now, now).catch((error: unknown) => {
      if (systemCode(error) !== 'ENOENT') throw error;
    });
  }
  await writePatches(folder, { texts: textsOf(input), files: patchedFiles(input.patches) });
}

/** Keeps a build that is finished. Another one of the same source that finished first stays instead. */
export async function keepBuild(input: KernelInput, folder: string, context: StageContext): Promise<void> {
  const { kernelBuilds } = context.shared;
  await mkdir(kernelBuilds, { recursive: true });
  const now = new Date();
  await utimes(folder, now, now);
  // After a power cut an object without its bytes would look finished to make: they are on the disk before the name is.
  await context.host.run({ file: 'sync', args: ['--file-system', folder] });
  await rename(folder, join(kernelBuilds, keptName(input))).catch((error: unknown) => {
    if (!['ENOTEMPTY', 'EEXIST'].includes(systemCode(error) ?? '')) throw error;
  });
  for (const name of (await newestFirst(kernelBuilds)).slice(KEPT)) {
    // Renamed first: another build may want it this moment.
    const gone = join(context.work, `dropped-${name}`);
    await rename(join(kernelBuilds, name), gone).catch(() => undefined);
    await rm(gone, { recursive: true, force: true });
  }
}

/** Options on which nearly every object depends: builds that differ in them share nothing. */
const BASIC_OPTIONS = ['CONFIG_MODULES', 'CONFIG_PREEMPT_RT'];

/** The same for builds that share their objects. */
function keptName({ source, architecture, tools, fragments }: KernelInput): string {
  const { requests } = mergeFragments(fragments);
  const basics = requests
    .filter(({ name }) => BASIC_OPTIONS.includes(name))
    .map(({ name, value }) => `${name}=${value}`);
  const versions = toolVersions(tools, kernelTarget(architecture).compilers);
  return sha256(canonicalJson({ source: source.sha256, architecture, versions, basics })).slice(0, 16);
}

function textsOf({ patches }: KernelInput): readonly string[] {
  return patches.map(({ text }) => sha256(text));
}

async function readPatches(folder: string): Promise<KeptPatches> {
  const text = await readFile(join(folder, PATCHES_FILE), 'utf8').catch(() => undefined);
  return text === undefined ? { texts: [], files: [] } : (JSON.parse(text) as KeptPatches);
}

async function writePatches(folder: string, patches: KeptPatches): Promise<void> {
  await writeFile(join(folder, PATCHES_FILE), JSON.stringify(patches));
}

async function newestFirst(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder);
  const dated = await Promise.all(
    names.map(async (name) => ({ name, time: (await stat(join(folder, name))).mtimeMs })),
  );
  return dated.sort((a, b) => b.time - a.time).map(({ name }) => name);
}
