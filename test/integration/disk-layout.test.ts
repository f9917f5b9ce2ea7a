import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { GiB, KiB, MiB } from '../../src/model/bytes.js';
import { ext4 } from '../../src/filesystems/ext4.js';
import { diskFor, scriptFor, twoPartitions, type Asked, type TwoContents } from '../helpers/two-partitions.js';
import { ext4Geometry } from '../../src/formats/ext4/geometry.js';
import { fat32Geometry } from '../../src/formats/fat/geometry.js';
import { sandboxed } from '../../src/model/sandbox.js';
import { measureTree, type TreeEntry } from '../../src/model/tree-content.js';
import { readHostFacts } from '../../src/host/read-facts.js';
import { RealHost } from '../../src/host/real-host.js';

const root = inject('toolsTree');
const facts = readHostFacts(process.env);
const host = new RealHost({ facts, signal: new AbortController().signal, environment: process.env, offline: true });
const run = promisify(execFile);
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reswarm-layout-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

/** Runs a program of the tools tree with the test's folder at /mnt. */
async function tool(file: string, ...args: readonly string[]): Promise<string> {
  const mounts = [{ source: folder, target: '/mnt', writable: true }];
  const command = sandboxed({ root, mounts, cwd: '/mnt' }, { file, args }, facts.privilege);
  return (await run(command.file, command.args, { maxBuffer: 16 * MiB })).stdout;
}

async function emptyFile(name: string, sizeBytes: number): Promise<void> {
  await writeFile(join(folder, name), '');
  await truncate(join(folder, name), sizeBytes);
}

/** Partitions of the given sizes without headroom, which holds any estimate to its last block. */
function plan(content: TwoContents, boot: Asked = {}, rootAsked: Asked = {}) {
  return diskFor(twoPartitions({ boot, root: rootAsked }), content);
}

const nothing = { bytes: 0, files: 0 };

/** Makes an ext4 of that size from a folder, as a build does. */
async function mke2fs(from: string, sizeBytes: number, content: TwoContents['root']): Promise<void> {
  const [, { uuid, hashSeed, number, partUuid, fatSerial, label }] = plan({ boot: nothing, root: nothing }).partitions;
  const ids = { uuid, hashSeed, number, partUuid, fatSerial };
  const { file, args } = ext4.makeCommand({ label, ids, sizeBytes, content, sourceDateEpoch: 0 }, 'root.ext4');
  await tool(file, ...args.map((arg) => (arg === '/mnt' ? from : arg)));
}

function numberIn(text: string, pattern: RegExp): number {
  const found = pattern.exec(text)?.[1];
  if (found === undefined) throw new Error(`no ${pattern.source} in:\n${text}`);
  return Number(found);
}

describe('sfdisk', () => {
  it.each([
    ['automatic sizes', {}, {}],
    ['fixed sizes and a gap', { sizeBytes: 64 * MiB }, { startBytes: 100 * MiB, sizeBytes: 512 * MiB }],
    ['a start of its own', { startBytes: 8 * MiB }, {}],
  ])('reads back what was planned: %s', async (_, boot, rootRequest) => {
    const layout = plan(
      { boot: { bytes: 9 * MiB, files: 20 }, root: { bytes: 40 * MiB, files: 900 } },
      boot,
      rootRequest,
    );
    await emptyFile('disk.img', layout.totalBytes);
    await host.runIn(
      { root, mounts: [{ source: folder, target: '/mnt', writable: true }] },
      { file: 'sfdisk', args: ['--quiet', '--no-reread', '/mnt/disk.img'], stdin: scriptFor(layout) },
    );
    const { partitiontable } = JSON.parse(await tool('sfdisk', '-J', 'disk.img')) as { partitiontable: object };
    const [first, second] = layout.partitions;
    expect(partitiontable).toMatchObject({
      label: 'dos',
      id: `0x${layout.diskId}`,
      sectorsize: 512,
      partitions: [
        { start: first.offsetBytes / 512, size: first.sizeBytes / 512, type: 'c', bootable: true },
        { start: second.offsetBytes / 512, size: second.sizeBytes / 512, type: '83' },
      ],
    });
    const uuids = await tool('sfdisk', '--dump', 'disk.img');
    expect(uuids).toContain(`label-id: 0x${first.partUuid.slice(0, 8)}`);
  });
});

describe('what a FAT32 needs for itself', () => {
  it.each([36 * MiB, 64 * MiB, 260 * MiB, 264 * MiB, GiB, 9 * GiB])(
    'is never less than what mkfs.fat takes of %d bytes',
    async (sizeBytes) => {
      const { clusterBytes, clusters } = fat32Geometry(sizeBytes);
      await emptyFile('boot.vfat', sizeBytes);
      await tool(
        'mkfs.fat',
        ...['-F', '32', '-s', (clusterBytes / 512).toString()],
        ...['-R', '32', '-a', 'boot.vfat'],
      );
      const report = await tool('fsck.fat', '-n', '-v', 'boot.vfat');
      const real = numberIn(report, /(\d+) data clusters/);
      expect(clusters).toBeLessThanOrEqual(real);
      expect(clusters).toBeGreaterThan(real * 0.999);
      expect(await tool('minfo', '-i', 'boot.vfat', '::')).toContain('FAT32');
    },
  );

  it('leaves room for exactly the files that it was planned for', async () => {
    const sizes = Array.from({ length: 300 }, (_, index) => 1 + index * 400).concat(20 * MiB + 1);
    const content = measureTree(sizes.map((sizeBytes) => ({ type: 'file', sizeBytes })));
    const [boot] = plan({ boot: content, root: nothing }).partitions;
    expect(boot.sizeBytes).toBeGreaterThan(36 * MiB);
    await mkdir(join(folder, 'boot'));
    for (const [index, size] of sizes.entries()) {
      await writeFile(join(folder, 'boot', `a-file-with-a-rather-long-name-${index}.bin`), Buffer.alloc(size, 1));
    }
    await emptyFile('boot.vfat', boot.sizeBytes);
    await tool(
      'mkfs.fat',
      '-F',
      '32',
      '-s',
      (fat32Geometry(boot.sizeBytes).clusterBytes / 512).toString(),
      '-R',
      '32',
      '-a',
      'boot.vfat',
    );
    await tool('mcopy', '-sQ', '-i', 'boot.vfat', 'boot', '::/');
    await tool('fsck.fat', '-n', 'boot.vfat');
    expect((await tool('mdir', '-b', '-i', 'boot.vfat', '::/boot')).trim().split('\n')).toHaveLength(sizes.length);
  });
});

describe('what an ext4 needs for itself', () => {
  it.each([
    [20 * MiB, 100],
    [128 * MiB, 100],
    [132 * MiB, 100],
    // A last group of 4 MiB, which mke2fs leaves out for so many inodes.
    [132 * MiB, 30_000],
    [372 * MiB, 11_000],
    [372 * MiB, 60_000],
    [3 * GiB, 11_000],
    [16 * GiB, 11_000],
  ])('is never less than what mke2fs takes of %d bytes for %d files', async (sizeBytes, files) => {
    await mkdir(join(folder, 'empty'), { recursive: true });
    await emptyFile('root.ext4', sizeBytes);
    await mke2fs('empty', sizeBytes, { bytes: 0, files });
    const header = await tool('dumpe2fs', '-h', 'root.ext4');
    const taken = sizeBytes - numberIn(header, /^Free blocks: +(\d+)/m) * 4 * KiB;
    const { overheadBytes, inodes } = ext4Geometry(sizeBytes, files);
    expect(overheadBytes).toBeGreaterThanOrEqual(taken);
    expect(overheadBytes - taken).toBeLessThan(MiB);
    expect(numberIn(header, /^Inode count: +(\d+)/m)).toBe(inodes);
    await tool('e2fsck', '-fn', 'root.ext4');
  });

  it('is met by the smallest partition there is', async () => {
    const partition = plan({ boot: nothing, root: nothing }).partitions[1];
    await mkdir(join(folder, 'empty'), { recursive: true });
    await emptyFile('root.ext4', partition.sizeBytes);
    await mke2fs('empty', partition.sizeBytes, nothing);
    await tool('e2fsck', '-fn', 'root.ext4');
  });

  it('leaves room for exactly the tree that it was planned for', async () => {
    const entries: TreeEntry[] = [{ type: 'folder', sizeBytes: 0 }];
    for (let index = 0; index < 40; index += 1) {
      const name = join(folder, 'tree', `folder-${index}`);
      await mkdir(name, { recursive: true });
      entries.push({ type: 'folder', sizeBytes: 4096 });
      for (const size of [0, 1, 4096, 4097, 70_000, 1_000_000 + index]) {
        await writeFile(join(name, `file-${size}`), randomBytes(size));
        entries.push({ type: 'file', sizeBytes: size });
      }
    }
    const partition = plan({ boot: nothing, root: measureTree(entries) }).partitions[1];
    await emptyFile('root.ext4', partition.sizeBytes);
    await mke2fs('tree', partition.sizeBytes, measureTree(entries));
    await tool('e2fsck', '-fn', 'root.ext4');
    const header = await tool('dumpe2fs', '-h', 'root.ext4');
    const freeBytes = numberIn(header, /^Free blocks: +(\d+)/m) * 4 * KiB;
    expect(freeBytes).toBeLessThan(4 * MiB + MiB);
  });
});
