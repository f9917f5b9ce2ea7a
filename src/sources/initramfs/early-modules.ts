import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import type { StageContext } from '../../pipeline/stage.js';
import type { ToolsTree } from '../../tools/tools-tree.js';
import { UserError } from '../../errors.js';
import { moduleClosure } from './module-closure.js';

/** Modules of a kernel that an early user space loads. */
export type EarlyModules = {
  /** Folder with `usr/lib/modules/<release>/`, depmod's files included, and what stands for its bytes. */
  readonly path: string;
  readonly digest: string;
  /** Those that are wanted; what they need comes by itself, and what is built in counts. */
  readonly names: readonly string[];
  /** Loaded where the kernel has them. */
  readonly ifThere?: readonly string[];
};

/**
 * Copies the modules below /lib/modules, unpacked, for the archive is compressed as a whole, and lists them in the order
 * in which they are loaded. Throws UserError `kernel-module-missing`.
 */
export async function placeModules(
  { path, names, ifThere = [] }: EarlyModules,
  { tools, base, context }: { readonly tools: ToolsTree; readonly base: string; readonly context: StageContext },
): Promise<void> {
  const folder = join(path, 'usr/lib/modules');
  const [release = ''] = await readdir(folder);
  const lists = await readLists(join(folder, release));
  const { paths, problems } = moduleClosure(names, lists);
  if (problems.length > 0) throw UserError.fromProblems(problems);
  const more = moduleClosure(ifThere, lists).paths.filter((one) => !paths.includes(one));
  const all = [...paths, ...more];
  const target = join(base, 'usr/lib/modules');
  for (const from of all) await unpackModule(join(folder, release, from), target, tools, context);
  await mkdir(join(base, 'usr/lib/early'), { recursive: true, mode: 0o755 });
  await writeFile(join(base, 'usr/lib/early/modules'), all.map((one) => `${fileName(one)}\n`).join(''));
}

/** depmod writes all of them, be they empty. */
async function readLists(folder: string) {
  const read = (name: string): Promise<string> => readFile(join(folder, `modules.${name}`), 'utf8');
  const [dep, builtin, softdep, alias] = await Promise.all(['dep', 'builtin', 'softdep', 'alias'].map(read));
  return { dep: dep ?? '', builtin: builtin ?? '', softdep: softdep ?? '', alias: alias ?? '' };
}

const UNPACKERS: Readonly<Record<string, string>> = { '.xz': 'xz', '.zst': 'zstd', '.gz': 'gzip' };

async function unpackModule(path: string, to: string, { root }: ToolsTree, { host }: StageContext): Promise<void> {
  const program = UNPACKERS[extname(path)];
  const out = join(to, fileName(path));
  if (program === undefined) return copyFile(path, out);
  const sandbox = { root, mounts: [{ source: path, target: '/run/module' }] };
  await host.runIn(
    sandbox,
    { file: program, args: ['--decompress', '--stdout', '--quiet', '/run/module'] },
    { stdoutFile: out },
  );
}

function fileName(path: string): string {
  return basename(path).replace(/\.(xz|zst|gz)$/, '');
}
