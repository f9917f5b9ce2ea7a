import { copyFile, chmod, mkdir, readFile, rename, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../errors.js';
import type { Host } from '../host/host.js';
import type { Architecture } from '../model/architecture.js';
import type { InitramfsFileSystem, RootCompression, RootFile } from '../model/initramfs.js';
import { SQUASHFS_IN_INITRAMFS, initramfsName } from '../model/initramfs.js';
import type { Sandbox } from '../model/sandbox.js';
import type { Stage, StageContext } from '../pipeline/stage.js';
import type { ToolsTree } from '../tools/tools-tree.js';
import { toolVersions } from '../tools/tools-tree.js';
import type { Tree } from '../tools/tree.js';
import { compressRootCommand } from './compress-root.js';
import { cpioCommand, listRootFiles, makeCpio } from './cpio.js';
import { IMAGES_INSIDE, TREE_INSIDE } from './file-system.js';
import { SQUASHFS_BLOCK_BYTES, squashfsCommand } from './squashfs.js';

export type InitramfsInput = {
  readonly tools: ToolsTree;
  readonly tree: Tree;
  readonly filesystem: InitramfsFileSystem;
  readonly compression: RootCompression;
  /** Of the programs in the tree. */
  readonly architecture: Architecture;
  /** For `squashfs`: the static program that mounts it, on this machine, and what stands for its bytes. */
  readonly init?: { readonly path: string; readonly digest: string };
  /** Seconds since 1970. */
  readonly sourceDateEpoch: number;
};

/** The root of a small system as the boot loader hands it to the kernel. */
export type Initramfs = {
  readonly key: string;
  readonly path: string;
  /** Its name on the boot partition: `initramfs.zst`. */
  readonly name: string;
  readonly sizeBytes: number;
  /** Of the archive before it is compressed: what it takes of memory, a squashfs as it is. */
  readonly unpackedBytes: number;
  /** Files of the root, unpacked. */
  readonly files: readonly RootFile[];
};

type Recorded = Pick<Initramfs, 'unpackedBytes' | 'files'>;

/** What is known of the archive, beside it. */
const RECORD = 'initramfs.json';
const WORK_INSIDE = '/srv';

/**
 * Puts a tree into the archive of a small system. Throws UserError `initramfs-file-too-large`, and
 * `initramfs-without-init` where the kernel would find nothing to start.
 */
export const initramfsStage: Stage<InitramfsInput, Initramfs> = {
  name: 'initramfs',
  version: 1,
  group: 'Root archive',

  key: ({ tools, tree, filesystem, compression, architecture, init, sourceDateEpoch }) => ({
    tools: toolVersions(tools, TOOLS),
    tree: tree.key,
    filesystem,
    compression,
    // Decides the filter of xz and nothing else.
    architecture: compression === 'xz' ? architecture : null,
    init: filesystem === 'squashfs' ? digestOf(init) : null,
    sourceDateEpoch,
  }),

  commands: (input, { jobs }) => {
    const { filesystem, compression } = input;
    const archive = initramfsName(filesystem, 'none');
    if (filesystem === 'squashfs') {
      return [squashfsCommand(SQUASHFS_IN_INITRAMFS, squashfsOptions(input), jobs), cpioCommand(archive)];
    }
    if (compression === 'none') return [cpioCommand(archive)];
    const contentBytes = input.tree.content?.bytes ?? 0;
    return [cpioCommand(archive), compressRootCommand(archive, { ...input, compression, contentBytes }, jobs)];
  },

  async run(input, out, context) {
    const { host, report, work } = context;
    const tree = join(work, 'tree');
    await mkdir(tree, { mode: 0o755 });
    await input.tree.assemble(tree, input.tools, context);
    const sandbox = sandboxOf(input.tools, tree, work, out);
    const files = await listRootFiles(sandbox, host);
    const unpackedBytes =
      input.filesystem === 'squashfs'
        ? await archiveSquashfs(input, out, sandbox, context)
        : await archiveFiles(input, out, sandbox, context);
    report.step('recording what is in it');
    const recorded: Recorded = { unpackedBytes, files };
    await writeFile(join(out, RECORD), JSON.stringify(recorded));
  },

  async open({ key, path }, { filesystem, compression }) {
    const name = initramfsName(filesystem, compression);
    const { size } = await stat(join(path, name));
    const recorded = JSON.parse(await readFile(join(path, RECORD), 'utf8')) as Recorded;
    return { key, path: join(path, name), name, sizeBytes: size, ...recorded };
  },
};

const TOOLS = ['cpio', 'squashfs-tools', 'xz-utils', 'zstd'];

function digestOf(init: InitramfsInput['init']): string {
  if (init === undefined) throw new TypeError('a squashfs in an initramfs has no /init that mounts it');
  return init.digest;
}

function sandboxOf(tools: ToolsTree, tree: string, work: string, out: string): Sandbox {
  return {
    root: tools.root,
    mounts: [
      { source: tree, target: TREE_INSIDE, writable: true },
      { source: work, target: WORK_INSIDE, writable: true },
      { source: out, target: IMAGES_INSIDE, writable: true },
    ],
  };
}

function squashfsOptions({ compression, architecture, sourceDateEpoch }: InitramfsInput) {
  return { compression, architecture, sourceDateEpoch, blockBytes: SQUASHFS_BLOCK_BYTES.most };
}

async function archiveFiles(
  { filesystem, compression, architecture }: InitramfsInput,
  out: string,
  sandbox: Sandbox,
  { host, report, work, jobs }: StageContext,
): Promise<number> {
  await requireInit(sandbox, host);
  await warnOfCapabilities(sandbox, { host, report });
  report.step('making the archive');
  const plain = initramfsName(filesystem, 'none');
  await makeCpio(`${WORK_INSIDE}/${plain}`, { path: work, inside: WORK_INSIDE }, sandbox, host);
  const { size } = await stat(join(work, plain));
  if (compression === 'none') {
    await rename(join(work, plain), join(out, plain));
    return size;
  }
  report.step(`compressing it with ${compression}`);
  const command = compressRootCommand(
    `${WORK_INSIDE}/${plain}`,
    { compression, contentBytes: size, architecture },
    jobs,
  );
  await host.runIn(sandbox, command, { stdoutFile: join(out, initramfsName(filesystem, compression)) });
  return size;
}

/** The archive around a squashfs holds two files and nothing else: `/init` makes the folders that it mounts on. */
async function archiveSquashfs(
  input: InitramfsInput,
  out: string,
  sandbox: Sandbox,
  { host, report, work, jobs }: StageContext,
): Promise<number> {
  report.step('making the squashfs');
  const outer = join(work, 'outer');
  await mkdir(outer, { mode: 0o755 });
  const image = join(outer, SQUASHFS_IN_INITRAMFS);
  await host.runIn(
    sandbox,
    squashfsCommand(`${WORK_INSIDE}/outer/${SQUASHFS_IN_INITRAMFS}`, squashfsOptions(input), jobs),
  );
  await chmod(image, 0o644);
  const init = join(outer, 'init');
  await copyFile(input.init?.path ?? '', init);
  await chmod(init, 0o755);
  const time = input.sourceDateEpoch;
  for (const path of [image, init, outer]) await utimes(path, time, time);
  const archive = initramfsName('squashfs', input.compression);
  const around = sandboxOf(input.tools, outer, work, out);
  await makeCpio(`${IMAGES_INSIDE}/${archive}`, { path: work, inside: WORK_INSIDE }, around, host);
  return (await stat(join(out, archive))).size;
}

async function requireInit(sandbox: Sandbox, host: Host): Promise<void> {
  const { stdout } = await host.runIn({ ...sandbox, cwd: TREE_INSIDE }, { file: 'sh', args: ['-c', INIT] });
  if (stdout.trim() === 'there') return;
  throw new UserError('initramfs-without-init', 'The root has no /init that could be run, which the kernel starts', {
    hints: ['Put the program there, or a link to it.'],
  });
}

/** A link may lead to an absolute path, which is one of the device. */
const INIT = 'if [ -L init ] || { [ -f init ] && [ -x init ]; }; then echo there; fi';

/** The format has no extended attributes, and a program without its capabilities may fail late. */
async function warnOfCapabilities(sandbox: Sandbox, { host, report }: Pick<StageContext, 'host' | 'report'>) {
  const args = [
    '--recursive',
    '--physical',
    '--no-dereference',
    '--absolute-names',
    '-m',
    '^security\\.capability$',
    '.',
  ];
  const { stdout } = await host.runIn({ ...sandbox, cwd: TREE_INSIDE }, { file: 'getfattr', args });
  const paths = [...stdout.matchAll(/^# file: \.(.*)$/gm)].map(([, path = '']) => path).sort();
  if (paths.length === 0) return;
  report.warn(
    `An archive holds no file capabilities; lost at ${paths.join(', ')}.`,
    'With filesystem: squashfs they are kept. Programs that root starts need none.',
  );
}
