import { execFile } from 'node:child_process';
import {
  lstat,
  mkdir,
  mkdtemp,
  open,
  readFile,
  readdir,
  readlink,
  rm,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { MiB } from '../../src/model/bytes.js';
import { sandboxed } from '../../src/model/sandbox.js';
import { sha256 } from '../../src/model/sha256.js';
import { readHostFacts } from '../../src/host/read-facts.js';
import { bytesOfName, nameOfBytes } from '../../src/formats/file-system/file-name.js';
import { openFileSystem } from '../../src/formats/file-systems.js';
import type { FileSystemReader } from '../../src/formats/file-system/file-system-reader.js';

const facts = readHostFacts(process.env);
const run = promisify(execFile);

let folder: string;
let expected: Readonly<Record<string, string>>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reswarm-file-systems-'));
  const tree = join(folder, 'tree');
  await mkdir(join(tree, 'etc/deep/er'), { recursive: true });
  await mkdir(join(tree, 'many'));
  await writeFile(join(tree, 'etc/fstab'), 'PARTUUID=1234abcd-02 / ext4 defaults 0 1\n');
  await writeFile(join(tree, 'etc/deep/er/short'), 'x'.repeat(100));
  await writeFile(join(tree, 'large'), Buffer.alloc(5 * MiB, 'not only zeros '));
  await writeFile(bytesOfName(join(tree, 'caf\udce9')), 'Latin-1');
  const sparse = await open(join(tree, 'sparse'), 'w');
  await sparse.write('end', 9 * MiB);
  await sparse.close();
  await symlink('etc/fstab', join(tree, 'link'));
  await symlink('x/'.repeat(60), join(tree, 'long-link'));
  for (let index = 0; index < 500; index += 1) {
    await writeFile(join(tree, 'many', `a-file-with-a-rather-long-name-${index}`), index.toString());
  }
  expected = await snapshot(tree);
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

async function tool(file: string, ...args: readonly string[]): Promise<string> {
  const mounts = [{ source: folder, target: '/mnt', writable: true }];
  const command = sandboxed({ root: inject('toolsTree'), mounts }, { file, args }, facts.privilege);
  return (await run(command.file, command.args, { maxBuffer: 64 * MiB })).stdout;
}

/** Of each file the digest, of each link where it leads. */
async function snapshot(dir: string, below = ''): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const bytes of await readdir(bytesOfName(dir + below), { encoding: 'buffer' })) {
    const name = `${below}/${nameOfBytes(bytes)}`;
    const place = bytesOfName(dir + name);
    const status = await lstat(place);
    if (status.isDirectory()) Object.assign(found, await snapshot(dir, name));
    else if (status.isSymbolicLink()) found[name] = `to ${nameOfBytes(await readlink(place, { encoding: 'buffer' }))}`;
    else found[name] = sha256(await readFile(place));
  }
  return found;
}

async function withReader<T>(image: string, use: (reader: FileSystemReader) => Promise<T>): Promise<T> {
  const file = await open(join(folder, image), 'r');
  try {
    const { size } = await file.stat();
    const found = await openFileSystem(
      async (offset, length) => {
        const buffer = Buffer.alloc(length);
        const { bytesRead } = await file.read(buffer, 0, length, offset);
        return buffer.subarray(0, bytesRead);
      },
      size,
      image,
    );
    if (found.reader === undefined) throw found.error ?? new Error('nothing known');
    return await use(found.reader);
  } finally {
    await file.close();
  }
}

async function readTree(reader: FileSystemReader): Promise<Record<string, string>> {
  const tree: Record<string, string> = {};
  for (const entry of await reader.entries()) {
    if (entry.kind === 'file') tree[entry.path] = sha256(await reader.bytes(entry));
    if (entry.kind === 'link') tree[entry.path] = `to ${entry.target ?? ''}`;
  }
  return tree;
}

async function emptyFile(name: string, sizeBytes: number): Promise<void> {
  await writeFile(join(folder, name), '');
  await truncate(join(folder, name), sizeBytes);
}

describe('an ext file system of mke2fs', () => {
  it.each([
    ['ext4', ''],
    ['ext4', '-O ^64bit,^metadata_csum'],
    ['ext4', '-b 1024'],
    ['ext4', '-O bigalloc -C 65536'],
    ['ext4', '-b 1024 -O bigalloc -C 8192'],
    ['ext4', '-O inline_data -I 256'],
    ['ext4', '-O inline_data,^metadata_csum -I 1024 -b 1024'],
    ['ext4', '-O casefold -E encoding=utf8'],
    ['ext4', '-O encrypt'],
    ['ext4', '-O project -I 256'],
    ['ext4', '-O ea_inode'],
    ['ext4', '-O meta_bg,^resize_inode'],
    ['ext4', '-O meta_bg,^resize_inode -b 1024 -g 2048'],
    ['ext4', '-O sparse_super2'],
    ['ext4', '-O large_dir'],
    ['ext4', '-O mmp'],
    ['ext4', '-O verity'],
    ['ext4', '-O ^flex_bg'],
    ['ext4', '-O ^dir_index -I 128'],
    ['ext4', '-O fast_commit'],
    ['ext4', '-O ^extent,^64bit -b 2048'],
    ['ext3', ''],
    ['ext2', '-b 1024'],
    ['ext2', '-O none'],
  ])('%s %s is read as it was put in, and says what dumpe2fs says', async (kind, options) => {
    await emptyFile('ext.img', 80 * MiB);
    const words = options.split(' ').filter((word) => word !== '');
    await tool('mke2fs', '-q', '-F', '-t', kind, '-L', 'trial', ...words, '-d', '/mnt/tree', '/mnt/ext.img');
    await tool('e2fsck', '-fn', '/mnt/ext.img');
    const listing = await tool('dumpe2fs', '-h', '/mnt/ext.img');
    const said = (name: string): number => Number(new RegExp(`^${name}: +(\\d+)$`, 'm').exec(listing)?.[1]);
    await withReader('ext.img', async (reader) => {
      expect(await readTree(reader)).toEqual(expected);
      expect(reader.facts).toMatchObject({
        label: 'trial',
        uuid: /^Filesystem UUID: +(\S+)$/m.exec(listing)?.[1],
        sizeBytes: said('Block count') * said('Block size'),
        freeBytes: said('Free blocks') * said('Block size'),
        inodes: { total: said('Inode count'), free: said('Free inodes') },
        dirty: false,
      });
    });
  });
});

describe('a FAT of mkfs.fat', () => {
  it.each([
    ['fat32', 80, ['-F', '32', '-s', '1']],
    ['fat32', 80, ['-F', '32', '-S', '4096', '-s', '1']],
    ['fat32', 80, ['-F', '32', '-f', '1']],
    ['fat16', 80, ['-F', '16']],
    ['fat16', 80, ['-F', '16', '-S', '2048']],
    ['fat12', 80, ['-F', '12', '-s', '64']],
  ] as const)('%s of %i MiB (%j) is read as mtools wrote it', async (kind, sizeMiB, options) => {
    await emptyFile('fat.img', sizeMiB * MiB);
    await tool('mkfs.fat', ...options, '-n', 'TRIAL', '-i', '1a2b3c4d', '/mnt/fat.img');
    const names = ['etc', 'large', 'sparse', 'many'].map((name) => `/mnt/tree/${name}`);
    await tool('mcopy', '-s', '-i', '/mnt/fat.img', ...names, '::/');
    await tool('mdel', '-i', '/mnt/fat.img', '::/many/a-file-with-a-rather-long-name-7');
    await tool('fsck.fat', '-n', '/mnt/fat.img');
    await withReader('fat.img', async (reader) => {
      const left = Object.entries(expected).filter(
        ([path]) => /^\/(etc|large|sparse|many)/.test(path) && !path.endsWith('-name-7'),
      );
      expect(await readTree(reader)).toEqual(Object.fromEntries(left));
      expect(reader.facts).toMatchObject({ kind, label: 'TRIAL', uuid: '1A2B-3C4D', sizeBytes: sizeMiB * MiB });
      expect((await reader.readFile('/ETC/FSTAB'))?.toString()).toContain('PARTUUID');
    });
  });
});
