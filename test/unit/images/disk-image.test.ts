import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RealHost } from '../../../src/host/real-host.js';
import { readHostFacts } from '../../../src/host/read-facts.js';
import { isDrive, openDiskImage } from '../../../src/images/disk-image.js';
import { readBootVolume } from '../../../src/images/volumes.js';
import { withRawImage, withWritableImage } from '../../../src/images/raw-image.js';
import { gptDisk, LINUX_DATA, mbrDisk } from '../../helpers/partition-tables.js';

let folder: string;
let host: RealHost;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reswarm-disk-image-'));
  const facts = { ...readHostFacts(process.env), cacheDir: join(folder, 'cache') };
  host = new RealHost({ facts, signal: new AbortController().signal, environment: process.env, offline: true });
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function file(name: string, bytes: Uint8Array): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, bytes);
  return path;
}

const image = (type: number, sectors = 2048): Buffer => mbrDisk(4096, [{ type, start: 2048, sectors }]);

/** What `inspect` and `boot` need first. */
async function lookAt(path: string): Promise<unknown> {
  return withRawImage(path, host, async (raw) => {
    const table = await raw.partitions();
    await readBootVolume(raw, table);
    return table;
  });
}

describe('a disk image', () => {
  it('has a name, a size, a table and bytes', async () => {
    const path = await file('good.img', image(0x0c));
    await withRawImage(path, host, async (raw) => {
      expect(raw).toMatchObject({ name: path, path, isDrive: false, compression: 'none', sizeBytes: 4096 * 512 });
      expect((await raw.partitions()).partitions).toMatchObject([{ number: 1, offsetBytes: 2048 * 512 }]);
      expect(Buffer.from(await raw.read(510, 2)).toString('hex')).toBe('55aa');
      expect(await raw.read(4096 * 512 - 1, 100)).toHaveLength(1);
      expect(await raw.read(4096 * 512 + 5, 100)).toHaveLength(0);
      expect(raw.traffic.readBytes).toBeGreaterThan(0);
    });
  });

  it('that is packed keeps its name, and its copy is read', async () => {
    const path = await file('packed.img', gzipSync(image(0x0c)));
    await withRawImage(path, host, async (raw) => {
      expect(raw.name).toBe(path);
      expect(raw.path).not.toBe(path);
      expect(await raw.read(0, 4096)).toEqual(image(0x0c).subarray(0, 4096));
    });
  });

  it('that is packed is named by what a person knows when it is wrong', async () => {
    const path = await file('packed-cut.img.gz', gzipSync(image(0x0c).subarray(0, 4000 * 512)));
    await expect(lookAt(path)).rejects.toMatchObject({
      code: 'image-truncated',
      message: expect.stringMatching(new RegExp(`^${path}.*2 MiB.*1.95 MiB`)) as string,
    });
  });

  it.each([
    ['empty.img', Buffer.alloc(0), 'not-an-image'],
    ['zeros.img', Buffer.alloc(4096), 'not-an-image'],
    ['text.img', Buffer.from('#!/bin/sh\n'.repeat(100)), 'not-an-image'],
    ['bare-table.img', mbrDisk(4096, []), 'not-an-image'],
    ['packed-zeros.img', gzipSync(Buffer.alloc(4096)), 'not-an-image'],
    ['cut.img', image(0x0c).subarray(0, 4000 * 512), 'image-truncated'],
    ['cut-logicals.img', image(0x05, 4096), 'image-truncated'],
    ['linux-only.img', image(0x83), 'no-boot-partition'],
    [
      'gpt-linux-only.img',
      gptDisk(4096, [{ type: LINUX_DATA, guid: LINUX_DATA, first: 64, last: 99 }]),
      'no-boot-partition',
    ],
    ['gpt-without-one.img', image(0xee), 'partition-table-invalid'],
    ['promised-fat.img', image(0x0c), 'boot-partition-unreadable'],
    ['seven.img', Buffer.from('377abcaf271c'.padEnd(1024, '0'), 'hex'), 'image-compression-unknown'],
  ])('is refused: %s', async (name, bytes, code) => {
    await expect(lookAt(await file(name, bytes))).rejects.toMatchObject({ code });
  });

  it.each<[string, (path: string) => Promise<unknown>]>([
    ['reading', async (path) => (await openDiskImage(path, host)).close()],
    ['reading all of it', (path) => withRawImage(path, host, () => Promise.resolve())],
    ['writing', (path) => withWritableImage(path, host, () => Promise.resolve())],
  ])('that is not there, or no file, is refused in the same words for %s', async (_, use) => {
    const path = join(folder, 'nothing.img');
    await expect(use(path)).rejects.toMatchObject({ code: 'image-not-found', message: `There is no image at ${path}` });
    await expect(use(folder)).rejects.toMatchObject({ code: 'not-an-image' });
    await expect(use('/dev/null')).rejects.toMatchObject({ code: 'not-an-image' });
    const below = join(await file('a-file', Buffer.from('x')), 'nothing.img');
    await expect(use(below)).rejects.toMatchObject({ code: 'image-not-readable' });
  });

  it('that is packed cannot be changed in place', async () => {
    const path = await file('packed-in-place.img', gzipSync(image(0x0c)));
    await expect(withWritableImage(path, host, () => Promise.resolve())).rejects.toMatchObject({
      code: 'image-compressed',
      hints: [expect.stringContaining('--output') as string],
    });
  });

  it('is a drive only where a block device is', async () => {
    expect(await isDrive(folder)).toBe(false);
    expect(await isDrive(join(folder, 'nothing.img'))).toBe(false);
  });
});
