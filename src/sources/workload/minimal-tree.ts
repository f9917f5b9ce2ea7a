import { chmod, copyFile, mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { measureTree } from '../../model/tree-content.js';
import type { Json } from '../../model/json.js';
import type { Sandbox } from '../../model/sandbox.js';
import type { StageContext } from '../../pipeline/stage.js';
import type { ToolsTree } from '../../tools/tools-tree.js';
import type { Tree } from '../../tools/tree.js';
import { setTimes } from '../copy-folder.js';
import type { FullTree, TreeFile } from './full-tree.js';
import type { OwnFile } from './own-files.js';
import type { UnpackedPackages } from './unpacked-packages.js';

/** A program of the build's own for the device, and what stands for its bytes. */
export type BuiltProgram = { readonly path: string; readonly key: string };

export type MinimalTreeInput = {
  readonly packages: UnpackedPackages;
  /** What the root holds, folders before their content. */
  readonly files: readonly TreeFile[];
  readonly own: readonly OwnFile[];
  /** Everything that the root could have held: debug mode names what is left out. */
  readonly whole: FullTree;
  /** Text of /etc/reswarm/workload. */
  readonly settings: string;
  readonly init: BuiltProgram;
  readonly sourceDateEpoch: number;
};

/** Where the init looks: its settings, and the paths that the list leaves out. */
const SETTINGS = '/etc/reswarm/workload';
const LEFT_OUT = '/etc/reswarm/left-out';

/** The root of a minimal system: chosen files of packages, files of one's own, the init and its settings. */
export function minimalTree(input: MinimalTreeInput): Tree {
  const { files, init, sourceDateEpoch } = input;
  const written = writtenFiles(input);
  return {
    key: minimalKey(input, written),
    content: measureTree([...files, ...written].map(({ type, sizeBytes }) => ({ type, sizeBytes }))),
    async assemble(target, tools, context) {
      const own = join(context.work, 'minimal-own');
      await stageOwn(own, [...files, ...written]);
      await copyFile(init.path, join(own, 'init'));
      await chmod(join(own, 'init'), 0o755);
      await assemble({ target, own, files, sourceDateEpoch }, tools, context);
    },
  };
}

/** The settings, the left-out list and their folder. */
function writtenFiles({ settings, whole, files }: MinimalTreeInput): readonly TreeFile[] {
  const chosen = new Set(files.map(({ path }) => path));
  const leftOut = leftOutText(whole, chosen);
  const text = (path: string, content: string): TreeFile => {
    return { path, type: 'file', mode: 0o644, sizeBytes: Buffer.byteLength(content), text: content };
  };
  const folders = ['/etc', '/etc/reswarm'].filter((path) => !chosen.has(path));
  return [
    ...folders.map((path): TreeFile => ({ path, type: 'folder', mode: 0o755, sizeBytes: 0 })),
    text(SETTINGS, settings),
    ...(leftOut === '' ? [] : [text(LEFT_OUT, leftOut)]),
  ];
}

/** A line a path; folders end in `/`, links in `@`. */
function leftOutText(whole: FullTree, chosen: ReadonlySet<string>): string {
  const endings = { file: '', folder: '/', link: '@' } as const;
  return [...whole.files]
    .filter(({ path }) => !chosen.has(path))
    .map(({ path, type }) => `${path}${endings[type]}\n`)
    .sort()
    .join('');
}

function minimalKey(
  { packages, files, own, init, sourceDateEpoch }: MinimalTreeInput,
  written: readonly TreeFile[],
): Json {
  return {
    packages: packages.key,
    files: files.map(({ path, mode, text, target }) => [path, mode, text ?? null, target ?? null]),
    own: own.map(({ path, sha256 }) => [path, sha256 ?? null]),
    written: written.map(({ path, text }) => [path, text ?? null]),
    init: init.key,
    sourceDateEpoch,
  };
}

/** Everything that comes from no package, in a folder of its own with its modes. */
async function stageOwn(folder: string, files: readonly TreeFile[]): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const file of files.filter((one) => one.package === undefined)) {
    const path = join(folder, file.path);
    await mkdir(file.type === 'folder' ? path : dirname(path), { recursive: true });
    if (file.type === 'link') await symlink(file.target ?? '', path);
    else if (file.text !== undefined) await writeFile(path, file.text);
    else if (file.source !== undefined) await copyFile(file.source, path);
    if (file.type !== 'link') await chmod(path, file.mode);
  }
}

type Assembly = {
  readonly target: string;
  readonly own: string;
  readonly files: readonly TreeFile[];
  readonly sourceDateEpoch: number;
};

async function assemble(
  { target, own, files, sourceDateEpoch }: Assembly,
  tools: ToolsTree,
  context: StageContext,
): Promise<void> {
  const packaged = files.filter(({ package: name, type }) => name !== undefined && type !== 'folder');
  const list = join(context.work, 'minimal-files');
  await writeFile(list, packaged.map(({ path }) => `${path.slice(1)}\0`).join(''));
  const root = rootOf(packaged);
  const sandbox: Sandbox = {
    root: tools.root,
    mounts: [
      { source: target, target: '/mnt', writable: true },
      { source: own, target: '/srv' },
      { source: list, target: '/run/files' },
      ...(root === undefined ? [] : [{ source: root, target: '/run/packages' }]),
    ],
  };
  const options = ['-rlptH', '--chown=0:0'];
  if (root !== undefined) {
    const args = [...options, '--from0', '--files-from=/run/files', '/run/packages/', '/mnt/'];
    await context.host.runIn(sandbox, { file: 'rsync', args });
  }
  await context.host.runIn(sandbox, { file: 'rsync', args: [...options, '-K', '/srv/', '/mnt/'] });
  await context.host.runIn(sandbox, { file: 'chmod', args: ['0755', '/mnt'] });
  await setTimes(sourceDateEpoch, sandbox, context.host);
}

/** The folder that the packages were unpacked into. */
function rootOf(packaged: readonly TreeFile[]): string | undefined {
  const file = packaged.find(({ source }) => source !== undefined);
  return file?.source?.slice(0, -file.path.length);
}
