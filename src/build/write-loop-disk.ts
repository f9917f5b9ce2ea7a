import type { FileHandle } from 'node:fs/promises';
import { stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Partition } from '../model/disk.js';
import { ReswarmError } from '../errors.js';
import type { Host } from '../host/host.js';
import type { StageReporter } from '../pipeline/reporter.js';
import type { DiskParts, WrittenDisk } from '../outputs/disk.js';
import { consumeDisk, diskBytes, readTable } from '../outputs/disk.js';
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
  const { disk, tools, tableScript } = parts;
  await file.handle.truncate(disk.totalBytes);
  return withLoopDevice(file.path, host, async (loop, device) => {
    report.step(`writing through ${loop}`);
    await host.runIn(
      { root: tools.root, mounts: [{ source: loop, target: loop, device: true }] },
      { file: 'sfdisk', args: ['--quiet', loop], stdin: tableScript },
    );
    // sfdisk had the kernel read the table; a kernel without MBR support is told of the partitions one by one.
    await host.run({ file: 'partx', args: ['--update', loop] });
    const table = await readTable(device, disk);
    const nodes = new Map<Partition, FileHandle>();
    try {
      for (const partition of disk.partitions) nodes.set(partition, await openNode(loop, partition.number, host));
      const written = await consumeDisk(diskBytes(parts, table, host.signal), report, disk, async (chunk, position) => {
        const partition = disk.partitions.find(
          ({ offsetBytes, sizeBytes }) => position >= offsetBytes && position < offsetBytes + sizeBytes,
        );
        const node = partition && nodes.get(partition);
        // Between the partitions there are the zeros of a new file.
        if (partition && node) await writeData(node, chunk, position - partition.offsetBytes);
      });
      for (const node of nodes.values()) await node.sync();
      return written;
    } finally {
      for (const node of nodes.values()) await node.close();
    }
  });
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
