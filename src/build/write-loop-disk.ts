import type { FileHandle } from 'node:fs/promises';
import { stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Partition } from '../model/disk.js';
import { ReswarmError } from '../errors.js';
import type { Host } from '../host/host.js';
import type { StageReporter } from '../pipeline/reporter.js';
import type { DiskParts, TableBytes, WrittenDisk } from '../outputs/disk.js';
import { consumeDisk, diskBytes, readTable, withBootCode } from '../outputs/disk.js';
import { writeData } from '../images/sparse-write.js';
import { withLoopDevice } from '../drives/loop-device.js';

/**
 * Writes a disk into a new file through a loop device: sfdisk partitions the device, and each partition's image goes
 * to its node. The bytes are those of `writeDisk`.
 *
 * @param file the empty file, open for writing, and its path
 */
export async function writeLoopDisk(
  parts: DiskParts,
  file: { readonly handle: FileHandle; readonly path: string },
  host: Host,
  report: StageReporter,
): Promise<WrittenDisk> {
  const { disk, tools, tableScript, bootCode } = parts;
  await file.handle.truncate(disk.totalBytes);
  return withLoopDevice(file.path, host, async (loop, device) => {
    report.step(`writing through ${loop}`);
    await host.runIn(
      { root: tools.root, mounts: [{ source: loop, target: loop, device: true }] },
      { file: 'sfdisk', args: ['--quiet', loop], stdin: tableScript },
    );
    // sfdisk had the kernel read the table; a kernel without MBR support is told of the partitions one by one.
    await host.run({ file: 'partx', args: ['--update', loop] });
    const table = withBootCode(await readTable(device, disk), bootCode, disk);
    const written = await writeVolumes(parts, table, loop, host, report);
    // Only when no partition is open any more: the kernel gives a drive away as a whole or in parts.
    if (bootCode !== undefined) await writeTable(loop, table, host);
    return written;
  });
}

/** Each partition's image to its node; the sha256 is that of the whole disk. */
async function writeVolumes(
  parts: DiskParts,
  table: TableBytes,
  loop: string,
  host: Host,
  report: StageReporter,
): Promise<WrittenDisk> {
  const { disk } = parts;
  const nodes = new Map<Partition, FileHandle>();
  try {
    for (const partition of disk.partitions) nodes.set(partition, await openNode(loop, partition.number, host));
    const written = await consumeDisk(diskBytes(parts, table, host.signal), report, disk, async (chunk, position) => {
      const partition = disk.partitions.find(
        ({ offsetBytes, sizeBytes }) => position >= offsetBytes && position < offsetBytes + sizeBytes,
      );
      const node = partition && nodes.get(partition);
      // Between the partitions there are sfdisk's table and the zeros of a new file.
      if (partition && node) await writeData(node, chunk, position - partition.offsetBytes);
    });
    for (const node of nodes.values()) await node.sync();
    return written;
  } finally {
    for (const node of nodes.values()) await node.close();
  }
}

/** The table once more, with the boot loader: what sfdisk wrote stays as it is. */
async function writeTable(loop: string, table: TableBytes, host: Host): Promise<void> {
  const device = await host.openDevice(loop, { access: 'write' });
  try {
    for (const { offsetBytes, bytes } of table) await writeData(device, bytes, offsetBytes);
    await device.sync();
  } finally {
    await device.close();
  }
}

const CHECKS = 30;
const BETWEEN_CHECKS_MS = 100;

/** devtmpfs has the node at once; udev may need a moment. */
async function openNode(loop: string, number: number, host: Host): Promise<FileHandle> {
  const path = `${loop}p${number}`;
  for (let check = 0; check < CHECKS; check += 1) {
    const status = await stat(path).catch(() => undefined);
    if (status?.isBlockDevice() === true) return host.openDevice(path, { access: 'write' });
    await sleep(BETWEEN_CHECKS_MS);
  }
  throw new ReswarmError('loop-partition-missing', `${loop} got no node for its partition: there is no ${path}`, {
    hints: ["A container whose /dev is not the kernel's shows none. Leave out --loop: the image is the same."],
  });
}
