import type { PlacedFile } from '../model/software.js';
import { chmod, mkdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Board } from '../model/board.js';
import type { RootPartition } from '../disk/disk-layout.js';
import { planDiskLayout } from '../disk/disk-layout.js';
import { EXT4_INODE_BYTES } from '../formats/ext4/geometry.js';
import { MiB } from '../model/bytes.js';
import type { Json } from '../model/json.js';
import type { Command } from '../model/command.js';
import { formatCommand } from '../model/command.js';
import type { Sandbox } from '../model/sandbox.js';
import type { TreeContent, TreeEntry } from '../model/tree-content.js';
import { measureTree } from '../model/tree-content.js';
import { UserError } from '../errors.js';
import type { Host } from '../host/host.js';
import type { Stage } from '../pipeline/stage.js';
import { placeFiles, runInImage } from './finish-root.js';
import type { ToolsTree } from '../tools/tools-tree.js';
import { toolVersions } from '../tools/tools-tree.js';
import { sha256 } from '../model/sha256.js';

/** A folder that is copied over the root file system; everything in it belongs to root afterwards. */
export type RootLayer = {
  readonly path: string;
  /** What stands for its bytes in the key. */
  readonly digest: string;
  /** Files from a git checkout carry the umask of whoever cloned it; these get 0644 or 0755. */
  readonly normaliseModes: boolean;
};

/** A file of few lines that the plan decides: fstab, hostname. Mode in octal digits, as chmod takes it. */
type RootText = { readonly path: string; readonly text: string; readonly mode?: number };

export type RootPartitionInput = {
  readonly tools: ToolsTree;
  /** The packages' file system. */
  readonly rootfs: { readonly tar: string; readonly digest: string };
  /** In order: a later one wins. */
  readonly layers: readonly RootLayer[];
  readonly texts: readonly RootText[];
  /** Lines for the device's os-release, behind Debian's own. */
  readonly osRelease?: string;
  readonly files?: readonly PlacedFile[];
  /** Programs of the image that finish it once all files are there: users, units. Emulated where it is not our architecture. */
  readonly inImage?: readonly Command[];
  readonly board: Pick<Board, 'id' | 'partitions'>;
  readonly sourceDateEpoch: number;
};

/** The ext4 root: packages, kernel modules, firmware of the board's radios, overlays, fstab. Writes `root.ext4` and `content.json`. */
export const rootPartitionStage: Stage<RootPartitionInput> = {
  name: 'root-partition',
  version: 1,
  key: (input) => ({
    tools: toolVersions(input.tools, ['e2fsprogs', 'libarchive13t64']),
    rootfs: input.rootfs.digest,
    layers: input.layers.map(({ digest, normaliseModes }) => ({ digest, normaliseModes })),
    texts: Object.fromEntries(
      input.texts.map(({ path, text, mode }) => [path, { sha256: sha256(text), mode: mode ?? null }]),
    ),
    osRelease: input.osRelease,
    ...(input.files === undefined || input.files.length === 0 ? {} : { files: input.files.map(fileKey) }),
    ...(input.inImage === undefined || input.inImage.length === 0 ? {} : { inImage: input.inImage.map(formatCommand) }),
    board: input.board.id,
    root: { ...input.board.partitions.root },
    alignmentBytes: input.board.partitions.alignmentBytes,
    sourceDateEpoch: input.sourceDateEpoch,
  }),

  async run(input, out, { host, report, work }) {
    const texts = join(work, 'texts');
    await mkdir(texts, { mode: 0o755 });
    await mkdir(join(work, 'root'), { mode: 0o755 });
    await writeTexts(input.texts, texts);
    const layers = [...input.layers, { path: texts, normaliseModes: false }];
    const sandbox: Sandbox = {
      root: input.tools.root,
      mounts: [
        { source: join(work, 'root'), target: '/mnt', writable: true },
        { source: out, target: '/media', writable: true },
        { source: input.rootfs.tar, target: '/run/rootfs.tar' },
        ...layers.map(({ path }, index) => ({ source: path, target: `/run/layer-${index}` })),
      ],
    };

    report.step('unpacking the root file system');
    await host.runIn(sandbox, {
      file: 'tar',
      args: [
        '--extract',
        '--file=/run/rootfs.tar',
        '--directory=/mnt',
        '--numeric-owner',
        '--preserve-permissions',
        '--xattrs',
        '--xattrs-include=*',
      ],
    });
    report.step('adding modules, firmware and overlays');
    for (const [index, layer] of layers.entries()) {
      await refuseOtherTypes(layer.path, `/run/layer-${index}`, sandbox, host);
      await host.runIn(sandbox, copyLayer(`/run/layer-${index}/`, layer.normaliseModes));
    }
    if (input.osRelease !== undefined) await extendOsRelease(input.osRelease, sandbox, host);
    await placeFiles(input.files ?? [], sandbox, host);
    await runInImage(input.inImage ?? [], join(work, 'root'), sandbox, host);
    await setTimes(sandbox, input.sourceDateEpoch, host);

    report.step('making the ext4 file system');
    const listed = await measure(sandbox, host);
    const generous = rootPartitionFor(input.board, listed);
    await makeExt4(generous, join(out, 'root.ext4'), sandbox, input.sourceDateEpoch, host);
    // Blocks of zeros became holes (programs for arm64 are padded to 64 KiB), so the content takes less than its files
    // add up to: a tenth of a whole image. Only the file system itself knows how much less.
    const content = { ...listed, bytes: await usedBytes(sandbox, host) };
    const partition = rootPartitionFor(input.board, content);
    if (partition.sizeBytes !== generous.sizeBytes) {
      await makeExt4(partition, join(out, 'root.ext4'), sandbox, input.sourceDateEpoch, host);
    }
    await writeFile(join(out, 'content.json'), JSON.stringify(content));
  },
};

/** What the tree of a finished root partition holds. */
export async function readTreeContent(out: string): Promise<TreeContent> {
  return JSON.parse(await readFile(join(out, 'content.json'), 'utf8')) as TreeContent;
}

/**
 * The root partition for its content. What the boot partition holds moves it and never changes it, so that a
 * changed seed does not make the root file system anew.
 */
function rootPartitionFor(board: RootPartitionInput['board'], content: TreeContent): RootPartition {
  return planDiskLayout(board, { boot: { bytes: 0, files: 0 }, root: content }).partitions[1];
}

async function makeExt4(
  partition: RootPartition,
  image: string,
  sandbox: Sandbox,
  sourceDateEpoch: number,
  host: Host,
): Promise<void> {
  await rm(image, { force: true });
  await writeFile(image, '');
  await truncate(image, partition.sizeBytes);
  await host.runIn(sandbox, {
    file: 'mke2fs',
    args: mke2fsArguments(partition, '/mnt', IMAGE_INSIDE),
    env: { SOURCE_DATE_EPOCH: sourceDateEpoch.toString() },
  });
}

/** What the files take, the file system's own structures left out. */
async function usedBytes(sandbox: Sandbox, host: Host): Promise<number> {
  const { stdout } = await host.runIn(sandbox, { file: 'dumpe2fs', args: ['-h', IMAGE_INSIDE] });
  const field = (name: string): number => Number(new RegExp(`^${name}: +(\\d+)$`, 'm').exec(stdout)?.[1]);
  const blocks = field('Block count') - field('Free blocks') - field('Overhead clusters');
  return blocks * field('Block size');
}

const IMAGE_INSIDE = '/media/root.ext4';

export function mke2fsArguments(partition: RootPartition, folder: string, image: string): readonly string[] {
  return [
    '-q',
    ...['-t', 'ext4', '-d', folder, '-L', partition.label, '-U', partition.uuid],
    ...['-b', partition.blockBytes.toString(), '-I', EXT4_INODE_BYTES.toString(), '-N', partition.inodes.toString()],
    // No share for root alone: on a device of one purpose that is only lost space.
    ...['-m', '0', '-J', `size=${partition.journalBytes / MiB}`],
    // Inode tables are zeros in a new image file already; nothing is left for the device to do in the background.
    ...['-E', `hash_seed=${partition.hashSeed},lazy_itable_init=0,nodiscard,root_owner=0:0`],
    image,
    (partition.sizeBytes / partition.blockBytes).toString(),
  ];
}

async function writeTexts(texts: readonly RootText[], folder: string): Promise<void> {
  for (const { path, text, mode } of texts) {
    const file = join(folder, path);
    await mkdir(dirname(file), { recursive: true, mode: 0o755 });
    await writeFile(file, text);
    await chmod(file, mode ?? 0o644);
  }
}

/** A folder where the image has a file, or the other way round: rsync would stop without a word of whose, or replace it. */
const OTHER_TYPES = `cd "$0"
find . -mindepth 1 -type d -exec sh -c 'for p; do [ ! -e "/mnt/$p" ] || [ -d "/mnt/$p" ] || echo "folder $p"; done' sh {} +
find . ! -type d -exec sh -c 'for p; do [ -L "/mnt/$p" ] || [ ! -d "/mnt/$p" ] || echo "file $p"; done' sh {} +`;

async function refuseOtherTypes(path: string, inside: string, sandbox: Sandbox, host: Host): Promise<void> {
  const { stdout } = await host.runIn(sandbox, { file: 'sh', args: ['-c', OTHER_TYPES, inside] });
  const [type, place] = /^(folder|file) \.\/(.*)$/m.exec(stdout)?.slice(1) ?? [];
  if (type === undefined) return;
  const other = type === 'file' ? 'folder' : 'file';
  throw new UserError(
    'overlay-type-differs',
    `The overlay ${path} has a ${type} ${place ?? ''}, the image a ${other}`,
    {
      hints: ['Take it out of the overlay, or give it another name.'],
    },
  );
}

/** -K: /lib is a link to /usr/lib and stays one. */
function copyLayer(from: string, normaliseModes: boolean) {
  const modes = normaliseModes ? ['--chmod=Du=rwx,Dgo=rx,Fu=rwX,Fgo=rX'] : [];
  return { file: 'rsync', args: ['-rlptDK', '--chown=0:0', ...modes, from, '/mnt/'] };
}

/**
 * /etc/os-release, a link to Debian's own file, becomes a copy with more lines. The package's file stays as it is, and
 * its next upgrade makes the link again: then no line of ours speaks of a system that is another one by now.
 */
async function extendOsRelease(lines: string, sandbox: Sandbox, host: Host): Promise<void> {
  const copy = '/mnt/etc/os-release';
  await host.runIn(sandbox, { file: 'cp', args: ['--remove-destination', '/mnt/usr/lib/os-release', copy] });
  await host.runIn(sandbox, { file: 'tee', args: ['--append', copy], stdin: lines });
}

/** Layers come from checkouts and unpacked packages: their times say when somebody cloned or built. */
async function setTimes(sandbox: Sandbox, sourceDateEpoch: number, host: Host): Promise<void> {
  const date = `@${sourceDateEpoch}`;
  await host.runIn(sandbox, {
    file: 'find',
    args: ['/mnt', '-newermt', date, '-exec', 'touch', '--no-dereference', `--date=${date}`, '{}', '+'],
  });
}

async function measure(sandbox: Sandbox, host: Host): Promise<TreeContent> {
  const listing = await host.runIn(sandbox, { file: 'find', args: ['/mnt', '-printf', '%y %s %i\\n'] });
  const seen = new Set<string>();
  const entries: TreeEntry[] = [];
  for (const line of listing.stdout.trimEnd().split('\n')) {
    const [type = '', size = '0', inode = ''] = line.split(' ');
    if (seen.has(inode)) continue;
    seen.add(inode);
    entries.push({ type: ENTRY_TYPES[type] ?? 'other', sizeBytes: Number(size) });
  }
  return measureTree(entries);
}

function fileKey({ sha256, to, mode, owner, unpack }: PlacedFile): Json {
  return { sha256, to, mode, owner, unpack: unpack === undefined ? null : { ...unpack } };
}

const ENTRY_TYPES: Readonly<Record<string, TreeEntry['type']>> = { f: 'file', d: 'folder', l: 'link' };
