import { copyFile, mkdir, truncate, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fat32Geometry } from '../formats/fat/geometry.js';
import type { Command } from '../model/command.js';
import type { Sandbox } from '../model/sandbox.js';
import type { Stage } from '../pipeline/stage.js';
import type { ToolsTree } from '../tools/tools-tree.js';
import { toolVersions } from '../tools/tools-tree.js';
import { sha256 } from '../model/sha256.js';

/** One file of the FAT: copied from a stage's result (whose digest says which bytes) or written from text. */
export type BootFile = { readonly name: string } & (
  { readonly source: string; readonly digest: string } | { readonly text: string }
);

export type BootPartitionInput = {
  readonly tools: ToolsTree;
  readonly files: readonly BootFile[];
  readonly label: string;
  /** Eight hex digits. */
  readonly serial: string;
  readonly sizeBytes: number;
  /** Where the partition begins on the disk; the FAT says so itself. */
  readonly offsetBytes: number;
  /** Seconds; the time of every file and of the volume. */
  readonly sourceDateEpoch: number;
};

/** The FAT32 that the firmware reads and the device mounts at /boot. Writes `boot.vfat`. */
export const bootPartitionStage: Stage<BootPartitionInput> = {
  name: 'boot-partition',
  version: 1,
  key: (input) => ({
    tools: toolVersions(input.tools, ['dosfstools', 'mtools']),
    files: Object.fromEntries(input.files.map((file) => [file.name, 'text' in file ? sha256(file.text) : file.digest])),
    label: input.label,
    serial: input.serial,
    sizeBytes: input.sizeBytes,
    offsetBytes: input.offsetBytes,
    sourceDateEpoch: input.sourceDateEpoch,
  }),

  async run(input, out, { host, report, work }) {
    report.step(`copying ${input.files.length} files`);
    const content = join(work, 'boot');
    for (const file of input.files) await stageFile(file, content, input.sourceDateEpoch);

    const image = join(out, 'boot.vfat');
    await writeFile(image, '', { mode: 0o600 });
    await truncate(image, input.sizeBytes);
    const sandbox: Sandbox = {
      root: input.tools.root,
      mounts: [
        { source: out, target: '/mnt', writable: true },
        { source: content, target: '/srv' },
      ],
      cwd: '/srv',
    };
    const env = { SOURCE_DATE_EPOCH: input.sourceDateEpoch.toString() };
    await host.runIn(sandbox, { ...mkfsFatCommand(input, '/mnt/boot.vfat'), env });
    await host.runIn(sandbox, {
      file: 'mcopy',
      // -s: folders too, -p -m: keep mode and time, -Q: stop at the first failure
      args: ['-spmQ', '-i', '/mnt/boot.vfat', ...topLevelNames(input.files), '::/'],
      env: { ...env, MTOOLS_SKIP_CHECK: '1' },
    });
  },
};

const SECTOR_BYTES = 512;

export function mkfsFatCommand(
  partition: Pick<BootPartitionInput, 'label' | 'serial' | 'sizeBytes' | 'offsetBytes'>,
  image: string,
): Command {
  const sectorsPerCluster = fat32Geometry(partition.sizeBytes).clusterBytes / SECTOR_BYTES;
  return {
    file: 'mkfs.fat',
    args: [
      // Fixed times. It also sets a serial number of its own, so it stands before ours.
      '--invariant',
      ...['-F', '32', '-S', SECTOR_BYTES.toString(), '-s', sectorsPerCluster.toString(), '-R', '32', '-f', '2'],
      // Clusters start where the content says they do, not where mkfs.fat would like them: the size was planned for it.
      ...['-a', '-h', (partition.offsetBytes / SECTOR_BYTES).toString()],
      ...['-n', partition.label, '-i', partition.serial],
      image,
    ],
  };
}

async function stageFile(file: BootFile, folder: string, time: number): Promise<void> {
  const path = join(folder, file.name);
  await mkdir(dirname(path), { recursive: true });
  if ('text' in file) await writeFile(path, file.text, { mode: 0o600 });
  else await copyFile(file.source, path);
  await utimes(path, time, time);
  for (let parent = dirname(path); parent.length >= folder.length; parent = dirname(parent)) {
    await utimes(parent, time, time);
  }
}

/** Sorted: the order of a FAT's directory entries is the order of copying. */
function topLevelNames(files: readonly BootFile[]): readonly string[] {
  return [...new Set(files.map((file) => file.name.split('/')[0] ?? file.name))].sort();
}
