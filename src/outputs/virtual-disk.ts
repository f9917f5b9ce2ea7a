import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { MiB } from '../model/bytes.js';
import type { Command } from '../model/command.js';
import { sha256 } from '../model/sha256.js';
import { CHUNK_BYTES, writeData, writeFully } from '../images/sparse-write.js';
import type { Host } from '../host/host.js';
import type { Stage } from '../pipeline/stage.js';
import type { ToolsTree } from '../tools/tools-tree.js';
import { toolVersions } from '../tools/tools-tree.js';
import type { ImageInPlace, MadeOutput } from './output.js';
import { openOutput, recordOutput } from './output.js';

export const VIRTUAL_DISK_FORMATS = ['qcow2', 'vmdk'] as const;
/** What hypervisors read: QEMU, libvirt and Proxmox the first, VMware and VirtualBox the second. */
export type VirtualDiskFormat = (typeof VIRTUAL_DISK_FORMATS)[number];

export type VirtualDiskInput = {
  /** Key of the disk that the image was made from. */
  readonly imageKey: string;
  readonly image: ImageInPlace;
  readonly tools: ToolsTree;
  readonly format: VirtualDiskFormat;
};

/** Where the sandbox has the work folder. The name of the disk stands in a vmdk, so it never changes. */
const WORK = '/mnt';

/** The image once more as a hypervisor's disk, beside itself. */
export const virtualDiskStage: Stage<VirtualDiskInput, MadeOutput> = {
  name: 'virtual-disk',
  version: 1,
  group: 'Image',
  key: ({ imageKey, tools, format }) => ({ image: imageKey, format, tools: toolVersions(tools, ['qemu-utils']) }),
  commands: ({ format }) => [convertCommand(format)],

  async run({ imageKey, image, tools, format }, out, { host, report, work }) {
    const folder = join(work, 'disk');
    await mkdir(folder);
    report.step('copying the image');
    await image.read(async (read, sizeBytes) => {
      const raw = await open(join(folder, 'image'), 'w', 0o600);
      try {
        await raw.truncate(sizeBytes);
        for (let at = 0; at < sizeBytes; at += CHUNK_BYTES) {
          await writeData(raw, Buffer.from(await read(at, Math.min(CHUNK_BYTES, sizeBytes - at))), at);
        }
      } finally {
        await raw.close();
      }
    });
    report.step(`converting it to ${format}`);
    await convert(folder, tools, format, host);
    await rm(join(folder, 'image'));
    const made = join(folder, `disk.${format}`);
    if (format === 'vmdk') await pinContentId(made, sha256(imageKey).slice(0, 8));
    await recordOutput(out, await image.writeBeside(`.${format}`, (target) => copy(made, target)));
  },

  open: openOutput,
};

async function convert(folder: string, tools: ToolsTree, format: VirtualDiskFormat, host: Host): Promise<void> {
  const mounts = [{ source: folder, target: WORK, writable: true }];
  await host.runIn({ root: tools.root, mounts }, convertCommand(format));
  // Compared once more by the program that hypervisors use: a disk that differs must not leave this machine.
  const compare = ['compare', '-f', 'raw', '-F', format, join(WORK, 'image'), join(WORK, `disk.${format}`)];
  await host.runIn({ root: tools.root, mounts }, { file: 'qemu-img', args: compare });
}

/** One coroutine: several would place clusters in the order in which they end. */
function convertCommand(format: VirtualDiskFormat): Command {
  const options = format === 'qcow2' ? ['-c', '-o', 'compression_type=zstd'] : ['-o', 'subformat=monolithicSparse'];
  const [from, to] = [join(WORK, 'image'), join(WORK, `disk.${format}`)];
  return { file: 'qemu-img', args: ['convert', '-m', '1', '-f', 'raw', '-O', format, ...options, from, to] };
}

/**
 * qemu-img rolls the id that a vmdk's snapshots are held against. It stands in the descriptor, a text behind the first
 * sector with zeros to its end.
 */
async function pinContentId(file: string, id: string): Promise<void> {
  const handle = await open(file, 'r+');
  try {
    const head = Buffer.alloc(HEAD_BYTES);
    const { bytesRead } = await handle.read(head, 0, head.length, 0);
    const start = head.subarray(0, bytesRead).indexOf('# Disk DescriptorFile');
    const end = head.indexOf(0, start);
    if (start < 0 || end < 0) throw new TypeError('the vmdk has no descriptor');
    const pinned = Buffer.from(withContentId(head.toString('latin1', start, end), id), 'latin1');
    const room = Buffer.alloc(Math.max(pinned.length, end - start));
    pinned.copy(room);
    await writeFully(handle, room, start);
  } finally {
    await handle.close();
  }
}

/** The head of a sparse vmdk, its descriptor included: one sector and twenty more. */
const HEAD_BYTES = 64 * 1024;

/** A vmdk's descriptor with another id, of eight digits; qemu-img writes fewer where the first are zeros. */
export function withContentId(descriptor: string, id: string): string {
  const line = /^CID=[0-9a-f]+$/m;
  if (!line.test(descriptor)) throw new TypeError('the vmdk has no content id');
  return descriptor.replace(line, `CID=${id}`);
}

async function copy(path: string, target: FileHandle): Promise<MadeOutput> {
  const source = await open(path, 'r');
  const hash = createHash('sha256');
  let sizeBytes = 0;
  try {
    const buffer = Buffer.alloc(MiB);
    for (;;) {
      const { bytesRead } = await source.read(buffer, 0, buffer.length, sizeBytes);
      if (bytesRead === 0) return { sizeBytes, sha256: hash.digest('hex') };
      hash.update(buffer.subarray(0, bytesRead));
      await writeFully(target, buffer.subarray(0, bytesRead), sizeBytes);
      sizeBytes += bytesRead;
    }
  } finally {
    await source.close();
  }
}
