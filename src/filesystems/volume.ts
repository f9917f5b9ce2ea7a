import { mkdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PartitionIdentity } from '../model/disk.js';
import type { VolumeSpec } from '../model/image-spec.js';
import type { Sandbox } from '../model/sandbox.js';
import type { TreeContent, TreeEntry } from '../model/tree-content.js';
import { measureTree } from '../model/tree-content.js';
import type { Host } from '../host/host.js';
import type { Stage } from '../pipeline/stage.js';
import type { ToolsTree } from '../tools/tools-tree.js';
import { toolVersions } from '../tools/tools-tree.js';
import type { Tree } from '../tools/tree.js';
import type { FileSystem, VolumeRequest } from './file-system.js';
import { IMAGES_INSIDE, TREE_INSIDE } from './file-system.js';
import { volumeSize } from './size.js';

export type VolumeInput = {
  readonly tools: ToolsTree;
  readonly volume: Pick<VolumeSpec, 'label' | 'sizeBytes' | 'headroomBytes' | 'headroomShare'>;
  readonly tree: Tree;
  readonly ids: PartitionIdentity;
  readonly alignmentBytes: number;
  /** Where its partition begins, for a file system that knows its place. */
  readonly offsetBytes?: number;
  /** Seconds since 1970. */
  readonly sourceDateEpoch: number;
};

/** A file system in a file of exactly its partition's size. */
export type Volume = {
  readonly key: string;
  readonly path: string;
  readonly sizeBytes: number;
  readonly content: TreeContent;
};

type MadeVolume = Pick<Volume, 'sizeBytes' | 'content'>;

/** Puts a tree into a file system. @param name of its partition: "root" */
export function volumeStage(name: string, fs: FileSystem): Stage<VolumeInput, Volume> {
  const image = `${name}.${fs.name}`;
  const inside = `${IMAGES_INSIDE}/${image}`;
  return {
    name: `${name}-partition`,
    version: 2,
    group: `${name.slice(0, 1).toUpperCase()}${name.slice(1)} partition`,

    key: ({ tools, volume, tree, ids, alignmentBytes, offsetBytes, sourceDateEpoch }) => ({
      fs: { name: fs.name, version: fs.version },
      tools: toolVersions(tools, fs.tools),
      tree: tree.key,
      volume: {
        label: volume.label,
        sizeBytes: volume.sizeBytes,
        headroomBytes: volume.headroomBytes,
        ...(volume.headroomShare === undefined ? {} : { headroomShare: volume.headroomShare }),
      },
      ids: { ...ids },
      alignmentBytes,
      offsetBytes: fs.knowsItsPlace ? (offsetBytes ?? 0) : null,
      sourceDateEpoch,
    }),

    commands(input) {
      const { content } = input.tree;
      if (content === undefined) return [];
      const sizeBytes = fs.sizedByMaking ? 0 : volumeSize(name, input.volume, content, fs, input.alignmentBytes);
      return [fs.makeCommand(requestOf(input, sizeBytes, content), image)];
    },

    async run(input, out, context) {
      const { host, report, work } = context;
      const folder = join(work, 'tree');
      await mkdir(folder, { mode: 0o755 });
      await input.tree.assemble(folder, input.tools, context);
      const sandbox: Sandbox = {
        root: input.tools.root,
        mounts: [
          { source: folder, target: TREE_INSIDE, writable: true },
          { source: out, target: IMAGES_INSIDE, writable: true },
        ],
      };
      report.step(`making the ${fs.name} file system`);
      const listed = input.tree.content ?? (await measure(sandbox, host));
      const sizeOf = (content: TreeContent): number =>
        volumeSize(name, input.volume, content, fs, input.alignmentBytes);
      const path = join(out, image);
      const make = async (content: TreeContent, sizeBytes: number): Promise<void> => {
        await emptyFile(path, sizeBytes);
        await fs.make(requestOf(input, sizeBytes, content), inside, sandbox, host);
      };
      const made = fs.sizedByMaking ? makeThenMeasure : measureThenMake;
      const volume = await made({
        path,
        listed,
        sizeOf,
        make,
        usedContent: async () => fs.usedContent?.(listed, inside, sandbox, host),
      });
      await writeFile(join(out, 'volume.json'), JSON.stringify(volume));
    },

    async open({ key, path }) {
      const made = JSON.parse(await readFile(join(path, 'volume.json'), 'utf8')) as MadeVolume;
      return { key, path: join(path, image), ...made };
    },
  };
}

type Making = {
  /** Of the volume's file. */
  readonly path: string;
  readonly listed: TreeContent;
  readonly sizeOf: (content: TreeContent) => number;
  readonly make: (content: TreeContent, sizeBytes: number) => Promise<void>;
  readonly usedContent: () => Promise<TreeContent | undefined>;
};

/** In a file of the right size, and once more where the file system knows better what the content takes. */
async function measureThenMake({ listed, sizeOf, make, usedContent }: Making): Promise<MadeVolume> {
  const first = sizeOf(listed);
  await make(listed, first);
  const content = (await usedContent()) ?? listed;
  const sizeBytes = sizeOf(content);
  if (sizeBytes !== first) await make(content, sizeBytes);
  return { sizeBytes, content };
}

/** The rest of the partition stays a hole. */
async function makeThenMeasure({ path, listed, sizeOf, make }: Making): Promise<MadeVolume> {
  await make(listed, 0);
  const content = { ...listed, bytes: (await stat(path)).size };
  const sizeBytes = sizeOf(content);
  await truncate(path, sizeBytes);
  return { sizeBytes, content };
}

function requestOf(input: VolumeInput, sizeBytes: number, content: TreeContent): VolumeRequest {
  const { ids, offsetBytes, sourceDateEpoch } = input;
  return { label: input.volume.label, ids, sizeBytes, content, offsetBytes, sourceDateEpoch };
}

async function emptyFile(path: string, sizeBytes: number): Promise<void> {
  await rm(path, { force: true });
  // 0600: a boot partition holds a device's seed.
  await writeFile(path, '', { mode: 0o600 });
  await truncate(path, sizeBytes);
}

const ENTRY_TYPES: Readonly<Record<string, TreeEntry['type']>> = { f: 'file', d: 'folder', l: 'link' };

/** Further hard links to a file take no room of their own. */
async function measure(sandbox: Sandbox, host: Host): Promise<TreeContent> {
  const { stdout } = await host.runIn(sandbox, { file: 'find', args: [TREE_INSIDE, '-printf', '%y %s %i\\n'] });
  const seen = new Set<string>();
  const entries: TreeEntry[] = [];
  for (const line of stdout.trimEnd().split('\n')) {
    const [type = '', size = '0', inode = ''] = line.split(' ');
    if (seen.has(inode)) continue;
    seen.add(inode);
    entries.push({ type: ENTRY_TYPES[type] ?? 'other', sizeBytes: Number(size) });
  }
  return measureTree(entries);
}
