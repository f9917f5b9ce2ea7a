import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readImageTable } from '../../../src/images/image-table.js';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reswarm-table-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function file(name: string, bytes: Uint8Array): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, bytes);
  return path;
}

function image(type: number, sizeSectors: number): Buffer {
  const bytes = Buffer.alloc(4096 * 512);
  bytes.writeUInt8(type, 446 + 4);
  bytes.writeUInt32LE(2048, 446 + 8);
  bytes.writeUInt32LE(sizeSectors, 446 + 12);
  bytes.writeUInt16LE(0xaa55, 510);
  return bytes;
}

describe('readImageTable', () => {
  it('finds the boot partition', async () => {
    const path = await file('good.img', image(0x0c, 2048));
    expect(await readImageTable(path)).toMatchObject({
      path,
      sizeBytes: 4096 * 512,
      boot: { number: 1, offsetBytes: 2048 * 512, sizeBytes: 2048 * 512 },
    });
  });

  it.each([
    ['empty.img', Buffer.alloc(0), 'not-an-image'],
    ['zeros.img', Buffer.alloc(4096), 'not-an-image'],
    ['text.img', Buffer.from('#!/bin/sh\n'.repeat(100)), 'not-an-image'],
    ['bare-table.img', image(0, 0), 'not-an-image'],
    ['cut.img', image(0x0c, 2048).subarray(0, 4000 * 512), 'image-truncated'],
    ['linux-only.img', image(0x83, 2048), 'no-boot-partition'],
    ['gpt.img', image(0xee, 2048), 'no-boot-partition'],
    ['packed.img.gz', gzipSync('x'), 'image-compressed'],
    ['packed.img.xz', Buffer.from('fd377a585a000004', 'hex'), 'image-compressed'],
    ['packed.img.zst', Buffer.from('28b52ffd0458', 'hex'), 'image-compressed'],
  ])('refuses %s', async (name, bytes, code) => {
    await expect(readImageTable(await file(name, bytes))).rejects.toMatchObject({ code, exitCode: 2 });
  });

  it('refuses a folder and a path where nothing is', async () => {
    await expect(readImageTable(folder)).rejects.toMatchObject({ code: 'not-an-image' });
    await expect(readImageTable(join(folder, 'nothing.img'))).rejects.toMatchObject({ code: 'image-not-found' });
    const below = join(await file('a-file', Buffer.from('x')), 'nothing.img');
    await expect(readImageTable(below)).rejects.toMatchObject({ code: 'image-not-readable' });
  });
});
