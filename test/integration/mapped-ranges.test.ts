import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, open, readFile, readdir, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { ByteRange } from '../../src/model/byte-range.js';
import { totalBytes } from '../../src/model/byte-range.js';
import { MiB } from '../../src/model/bytes.js';
import { sandboxed } from '../../src/model/sandbox.js';
import { readHostFacts } from '../../src/host/read-facts.js';
import { fileReader } from '../../src/host/file-reader.js';
import { mappedRanges } from '../../src/images/used-ranges.js';

const facts = readHostFacts(process.env);
const run = promisify(execFile);
const GARBAGE = 0xff;
const START = 4 * MiB;

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reswarm-mapped-'));
  await mkdir(join(folder, 'tree/deep/er'), { recursive: true });
  for (let index = 0; index < 300; index += 1) {
    const name = `tree/${index % 3 === 0 ? 'deep/' : ''}file-${index}`;
    await writeFile(join(folder, name), Buffer.alloc((index * 977) % 90_000, `content of ${index} `));
  }
  // Zeros that a program relies on: a map by zero scanning would leave them out.
  await writeFile(join(folder, 'tree/deep/er/zeros'), Buffer.alloc(3 * MiB));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

/** Runs a program of the tools tree with the test's folder at /mnt. */
async function tool(file: string, ...args: readonly string[]): Promise<string> {
  const mounts = [{ source: folder, target: '/mnt', writable: true }];
  const command = sandboxed({ root: inject('toolsTree'), mounts }, { file, args }, facts.privilege);
  return (await run(command.file, command.args, { maxBuffer: 64 * MiB })).stdout;
}

async function mapOf(image: string): Promise<readonly ByteRange[]> {
  const file = await open(image, 'r');
  try {
    return await mappedRanges(fileReader(file), (await stat(image)).size);
  } finally {
    await file.close();
  }
}

/** What a card holds that was full of garbage before only the mapped ranges were written to it. */
async function copyMapped(image: string, card: string): Promise<readonly ByteRange[]> {
  const ranges = await mapOf(image);
  const bytes = await readFile(image);
  const copy = Buffer.alloc(bytes.length, GARBAGE);
  for (const { offsetBytes, sizeBytes } of ranges) {
    bytes.copy(copy, offsetBytes, offsetBytes, offsetBytes + sizeBytes);
  }
  await writeFile(card, copy);
  return ranges;
}

/** One partition at START, without and with the file system image in it. */
async function disk(name: string, type: string, sizeBytes: number): Promise<string> {
  const image = join(folder, `${name}.img`);
  await writeFile(image, '');
  await truncate(image, START + sizeBytes);
  await writeFile(join(folder, 'table'), `label: dos\nstart=${START / 512}, size=${sizeBytes / 512}, type=${type}\n`);
  await tool('sh', '-c', `sfdisk -q /mnt/${name}.img < /mnt/table`);
  return image;
}

async function treeDigest(path: string): Promise<string> {
  const hash = createHash('sha256');
  const names = (await readdir(path, { recursive: true })).filter((name) => !name.startsWith('lost+found')).sort();
  for (const name of names) {
    hash.update(`${name}\n`);
    if ((await stat(join(path, name))).isFile()) hash.update(await readFile(join(path, name)));
  }
  return hash.digest('hex');
}

const EXT4 = [
  { name: 'as-built', sizeBytes: 300 * MiB, options: ['-t', 'ext4', '-b', '4096', '-E', 'lazy_itable_init=0'] },
  { name: 'lazy', sizeBytes: 300 * MiB, options: ['-t', 'ext4', '-b', '4096', '-E', 'lazy_itable_init=1'] },
  { name: 'small-blocks', sizeBytes: 90 * MiB, options: ['-t', 'ext4', '-b', '1024'] },
  { name: 'narrow', sizeBytes: 200 * MiB, options: ['-t', 'ext4', '-b', '2048', '-O', '^64bit,^metadata_csum'] },
  { name: 'sparse2', sizeBytes: 300 * MiB, options: ['-t', 'ext4', '-b', '1024', '-O', 'sparse_super2'] },
  { name: 'no-flex', sizeBytes: 300 * MiB, options: ['-t', 'ext4', '-b', '4096', '-O', '^flex_bg,^resize_inode'] },
  { name: 'ext3', sizeBytes: 150 * MiB, options: ['-t', 'ext3', '-b', '1024'] },
  {
    name: 'ext2-all-copies',
    sizeBytes: 150 * MiB,
    options: ['-t', 'ext2', '-b', '1024', '-O', '^sparse_super,^resize_inode'],
  },
  { name: 'bigalloc', sizeBytes: 300 * MiB, options: ['-t', 'ext4', '-O', 'bigalloc', '-C', '16384'] },
  { name: 'bigalloc-1k', sizeBytes: 90 * MiB, options: ['-t', 'ext4', '-b', '1024', '-O', 'bigalloc', '-C', '4096'] },
  { name: 'meta-bg', sizeBytes: 300 * MiB, options: ['-t', 'ext4', '-b', '1024', '-O', 'meta_bg,^resize_inode'] },
];

async function makeExt4(name: string, sizeBytes: number, options: readonly string[]): Promise<string> {
  const image = await disk(name, '83', sizeBytes);
  // Not empty before: what mke2fs leaves as it was must not be taken for its own.
  const file = await open(image, 'r+');
  try {
    for (let at = 0; at < sizeBytes; at += MiB) await file.write(Buffer.alloc(MiB, 0x5a), 0, MiB, START + at);
  } finally {
    await file.close();
  }
  const extended = options.indexOf('-E');
  const plain = extended < 0 ? options : options.filter((_, index) => index !== extended && index !== extended + 1);
  const more = [`offset=${START}`, 'nodiscard', ...(extended < 0 ? [] : [options[extended + 1] ?? ''])].join(',');
  await tool('mke2fs', '-q', ...plain, '-E', more, '-d', '/mnt/tree', `/mnt/${name}.img`, `${sizeBytes / 1024}k`);
  return image;
}

describe('the map of an ext file system', () => {
  it.each(EXT4)('holds what dumpe2fs calls used ($name)', async ({ name, sizeBytes, options }) => {
    const image = await makeExt4(`free-${name}`, sizeBytes, options);
    await run('dd', [`if=${image}`, `of=${join(folder, 'partition')}`, 'bs=1M', `skip=${START / MiB}`, 'status=none']);
    const listing = await tool('dumpe2fs', '/mnt/partition');
    const blockBytes = Number(/^Block size: +(\d+)$/m.exec(listing)?.[1]);
    const blocks = Number(/^Block count: +(\d+)$/m.exec(listing)?.[1]);
    const free = new Uint8Array(blocks);
    for (const [, line = ''] of listing.matchAll(/^ {2}Free blocks: ([\d, -]+)$/gm)) {
      for (const [, from, until] of line.matchAll(/(\d+)(?:-(\d+))?/g)) {
        free.fill(1, Number(from), Number(until ?? from) + 1);
      }
    }
    const mapped = new Uint8Array(blocks);
    const ranges = (await mapOf(image)).filter(({ offsetBytes }) => offsetBytes >= START);
    for (const { offsetBytes, sizeBytes: bytes } of ranges) {
      mapped.fill(1, (offsetBytes - START) / blockBytes, (offsetBytes - START + bytes) / blockBytes);
    }
    const left = [...mapped.keys()].filter((block) => free[block] === 0 && mapped[block] === 0);
    expect(left, 'used blocks outside of the map').toEqual([]);
    const spare = [...mapped.keys()].filter((block) => free[block] === 1 && mapped[block] === 1);
    expect(spare, 'free blocks in the map').toEqual([]);
    await rm(image);
  });

  it.each(EXT4)('is all that a card full of garbage needs ($name)', async ({ name, sizeBytes, options }) => {
    const image = await makeExt4(name, sizeBytes, options);
    const card = join(folder, 'card.img');
    const ranges = await copyMapped(image, card);
    expect(totalBytes(ranges)).toBeLessThan(0.6 * (await stat(image)).size);
    await tool('e2fsck', '-fn', `/mnt/card.img?offset=${START}`);
    const out = join(folder, 'out');
    await rm(out, { recursive: true, force: true });
    await mkdir(out);
    await tool('debugfs', '-R', 'rdump / /mnt/out', `/mnt/card.img?offset=${START}`);
    expect(await treeDigest(out)).toBe(await treeDigest(join(folder, 'tree')));
    await rm(image);
  });

  it('is the whole partition while its journal is not played back', async () => {
    const sizeBytes = 64 * MiB;
    const image = await disk('journal', '83', sizeBytes);
    await tool('mke2fs', '-q', '-t', 'ext4', '-E', `offset=${START}`, '/mnt/journal.img', `${sizeBytes / 1024}k`);
    await tool('debugfs', '-w', '-R', 'feature needs_recovery', `/mnt/journal.img?offset=${START}`);
    expect((await mapOf(image)).at(-1)).toEqual({ offsetBytes: START, sizeBytes });
  });

  it('is the whole partition when a bitmap was damaged', async () => {
    const sizeBytes = 64 * MiB;
    const image = await disk('damaged', '83', sizeBytes);
    await tool('mke2fs', '-q', '-t', 'ext4', '-E', `offset=${START}`, '/mnt/damaged.img', `${sizeBytes / 1024}k`);
    await tool('debugfs', '-w', '-R', 'freeb 20 8', `/mnt/damaged.img?offset=${START}`);
    await tool('debugfs', '-w', '-R', 'set_bg 0 free_blocks_count 1', `/mnt/damaged.img?offset=${START}`);
    expect((await mapOf(image)).at(-1)).toEqual({ offsetBytes: START, sizeBytes });
  });
});

describe('the map of a FAT', () => {
  it.each([
    { name: 'fat-small', sizeBytes: 64 * MiB, options: ['-F', '32'] },
    { name: 'fat-clusters', sizeBytes: 300 * MiB, options: ['-F', '32', '-s', '8'] },
    { name: 'fat-large-sectors', sizeBytes: 300 * MiB, options: ['-F', '32', '-S', '4096', '-s', '1'] },
    { name: 'fat16', sizeBytes: 64 * MiB, options: ['-F', '16'] },
    { name: 'fat12', sizeBytes: 64 * MiB, options: ['-F', '12', '-s', '64'] },
  ])('is all that a card full of garbage needs ($name)', async ({ name, sizeBytes, options }) => {
    const image = await disk(name, 'c', sizeBytes);
    await writeFile(join(folder, 'fat'), '');
    await truncate(join(folder, 'fat'), sizeBytes);
    await tool('mkfs.fat', ...options, '/mnt/fat');
    await tool('sh', '-c', 'mcopy -s -i /mnt/fat /mnt/tree/* ::/');
    await tool('mdel', '-i', '/mnt/fat', '::/file-1', '::/file-100');
    await run('dd', [
      `if=${join(folder, 'fat')}`,
      `of=${image}`,
      'bs=1M',
      `seek=${START / MiB}`,
      'status=none',
      'conv=notrunc',
    ]);
    const card = join(folder, 'card.img');
    const ranges = await copyMapped(image, card);
    expect(totalBytes(ranges)).toBeLessThan(0.5 * (await stat(image)).size);
    await run('dd', [`if=${card}`, `of=${join(folder, 'fat')}`, 'bs=1M', `skip=${START / MiB}`, 'status=none']);
    await tool('fsck.fat', '-n', '/mnt/fat');
    const out = join(folder, 'out');
    await rm(out, { recursive: true, force: true });
    await mkdir(out);
    await tool('sh', '-c', 'mcopy -s -n -i /mnt/fat ::/* /mnt/out/');
    await copyFile(join(folder, 'tree/file-1'), join(out, 'file-1'));
    await copyFile(join(folder, 'tree/file-100'), join(out, 'file-100'));
    expect(await treeDigest(out)).toBe(await treeDigest(join(folder, 'tree')));
    await rm(image);
  });
});

describe('the map of a disk', () => {
  it('has the partition table, not the gap before the first partition', async () => {
    const image = await disk('table', '83', 8 * MiB);
    expect(await mapOf(image)).toEqual([
      { offsetBytes: 0, sizeBytes: 512 },
      { offsetBytes: START, sizeBytes: 8 * MiB },
    ]);
  });

  it('has the gap too where a boot loader may lie in it', async () => {
    const image = await disk('loader', '83', 8 * MiB);
    const file = await open(image, 'r+');
    await file.write(Buffer.from([0xeb, 0x63, 0x90]), 0, 3, 0);
    await file.close();
    expect(await mapOf(image)).toEqual([{ offsetBytes: 0, sizeBytes: START + 8 * MiB }]);
  });

  it.each([
    { title: 'no partition table', bytes: Buffer.alloc(2 * MiB, 7) },
    { title: 'a few bytes', bytes: Buffer.from('short') },
  ])('is everything with $title', async ({ bytes }) => {
    const image = join(folder, 'plain');
    await writeFile(image, bytes);
    expect(await mapOf(image)).toEqual([{ offsetBytes: 0, sizeBytes: bytes.length }]);
  });

  it('has both copies of a GPT', async () => {
    const image = join(folder, 'gpt.img');
    await writeFile(image, '');
    await truncate(image, 16 * MiB);
    await writeFile(join(folder, 'table'), 'label: gpt\nstart=2048, size=4M\n');
    await tool('sh', '-c', 'sfdisk -q /mnt/gpt.img < /mnt/table');
    expect(await mapOf(image)).toEqual([
      { offsetBytes: 0, sizeBytes: 34 * 512 },
      { offsetBytes: MiB, sizeBytes: 4 * MiB },
      // The page in which the backup begins.
      { offsetBytes: 16 * MiB - 5 * 4096, sizeBytes: 5 * 4096 },
    ]);
  });

  it('is everything when a partition goes beyond the end', async () => {
    const image = await disk('cut', '83', 8 * MiB);
    await truncate(image, 6 * MiB);
    expect(await mapOf(image)).toEqual([{ offsetBytes: 0, sizeBytes: 6 * MiB }]);
  });
});
