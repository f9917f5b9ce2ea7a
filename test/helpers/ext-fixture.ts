import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import type { FoundFileSystem } from '../../src/formats/file-systems.js';
import { openFileSystem } from '../../src/formats/file-systems.js';
import type { FileSystemReader } from '../../src/formats/file-system/file-system-reader.js';
import type { ReadAt } from '../../src/model/read-at.js';

export const EXT_FIXTURES = [
  'ext4',
  'ext4-csum',
  'ext3',
  'ext2',
  'inline-data',
  'bigalloc',
  'meta-bg',
  'large-blocks',
] as const;

export const FSTAB = 'PARTUUID=1234abcd-02 / ext4 defaults 0 1\nPARTUUID=1234abcd-01 /boot vfat defaults 0 2\n';

/** Of each file the content, of each link where it leads; folders are not named. One name is Latin-1. */
export const TREE: Readonly<Record<string, Buffer | string>> = {
  '/etc/fstab': Buffer.from(FSTAB),
  '/etc/hostname': Buffer.from('fixture\n'),
  '/same': Buffer.from('fixture\n'),
  '/big': Buffer.from(Uint8Array.from({ length: 300 * 1024 }, (_, at) => at * 7 + (at >> 8) * 13)),
  '/sparse': sparse(),
  '/short': 'etc/fstab',
  '/long': `etc/${'../etc/'.repeat(13)}fstab`,
  '/loop': 'loop',
  '/caf\udce9': Buffer.from('latin-1\n'),
  '/grün': Buffer.from('utf-8\n'),
  ...Object.fromEntries(
    Array.from({ length: 60 }, (_, index) => [`/many/a-name-of-some-length-${index}`, Buffer.from(index.toString())]),
  ),
};

function sparse(): Buffer {
  const bytes = Buffer.alloc(200 * 1024 + 3);
  bytes.write('begin');
  bytes.write('end', 200 * 1024);
  return bytes;
}

/** The bytes of a partition; test/fixtures/ext4/README.md says how they were made. */
export function extFixture(name: string): Buffer {
  return gunzipSync(readFileSync(`test/fixtures/ext4/${name}.img.gz`));
}

export function readFrom(bytes: Uint8Array): ReadAt {
  return (offset, size) => Promise.resolve(bytes.slice(offset, offset + size));
}

export async function findIn(bytes: Uint8Array): Promise<FoundFileSystem> {
  return openFileSystem(readFrom(bytes), bytes.length, 'the partition');
}

export async function readerOf(bytes: Uint8Array): Promise<FileSystemReader> {
  const { reader, error } = await findIn(bytes);
  if (reader === undefined) throw error ?? new Error('no file system');
  return reader;
}
