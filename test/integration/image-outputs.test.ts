import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, open, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { MiB } from '../../src/model/bytes.js';
import { suffixOf } from '../../src/formats/compression.js';
import { formatBmap } from '../../src/formats/bmap.js';
import { totalBytes } from '../../src/model/byte-range.js';
import { updateChecksums } from '../../src/formats/checksum-list.js';
import { readHostFacts } from '../../src/host/read-facts.js';
import { RealHost } from '../../src/host/real-host.js';
import type { StageReporter } from '../../src/pipeline/reporter.js';
import { compressImage } from '../../src/outputs/compress.js';
import { fileReader } from '../../src/host/file-reader.js';
import { makeBlockMap } from '../../src/outputs/block-map.js';
import { mappedRanges } from '../../src/images/used-ranges.js';
import { ROOT_OFFSET, inTools, makeSmallImage } from '../helpers/small-image.js';

const tools = inject('toolsTree');
const run = promisify(execFile);
const silent: StageReporter = { step: () => undefined, progress: () => undefined, warn: () => undefined };

let abort: AbortController;
let host: RealHost;
let folder: string;
let image: string;
let sizeBytes: number;

beforeAll(async () => {
  abort = new AbortController();
  host = new RealHost({
    facts: readHostFacts(process.env),
    signal: abort.signal,
    environment: process.env,
    offline: true,
  });
  folder = await mkdtemp(join(tmpdir(), 'reswarm-outputs-'));
  image = (await makeSmallImage(tools, folder)).image;
  sizeBytes = (await stat(image)).size;
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

type Packed = { readonly sizeBytes: number; readonly sha256: string };

async function pack(compression: 'gz' | 'xz' | 'zst', jobs: number, name: string, report = silent): Promise<Packed> {
  const source = await open(image);
  const target = await open(join(folder, name), 'w');
  try {
    const content = { read: fileReader(source), sizeBytes };
    return await compressImage(content, target, { compression, jobs, tools: { root: tools } }, host, report);
  } finally {
    await source.close();
    await target.close();
  }
}

/** Writes the map of the image beside it; returns how many bytes it has mapped. */
async function writeMap(): Promise<number> {
  const source = await open(image);
  try {
    const read = fileReader(source);
    const used = await mappedRanges(read, sizeBytes);
    const map = await makeBlockMap(read, { sizeBytes, used }, host, silent);
    await writeFile(`${image}.bmap`, formatBmap(map));
    return totalBytes(used);
  } finally {
    await source.close();
  }
}

/** bmaptool checks each range against the map as it reads. */
async function bmaptoolCopy(source: string): Promise<Buffer> {
  await rm(join(folder, 'card'), { force: true });
  await inTools(tools, folder, 'bmaptool', ['copy', '--bmap', 'disk.img.bmap', source, 'card']);
  return readFile(join(folder, 'card'));
}

describe('the block map', () => {
  it("is what Debian's bmaptool copies by: file systems are whole, free space is not written", async () => {
    const mappedBytes = await writeMap();
    expect(mappedBytes).toBeLessThan(sizeBytes);
    const card = await bmaptoolCopy('disk.img');
    await inTools(tools, folder, 'e2fsck', ['-fn', `card?offset=${ROOT_OFFSET}`]);
    expect(await inTools(tools, folder, 'debugfs', ['-R', 'cat /etc/os-release', `card?offset=${ROOT_OFFSET}`])).toBe(
      await readFile(join(folder, 'root/etc/os-release'), 'utf8'),
    );
    expect(card.equals(await readFile(image))).toBe(true);
    // bmaptool made it anew, with holes where the map has nothing.
    expect((await stat(join(folder, 'card'))).blocks * 512).toBeLessThan(mappedBytes + MiB);
  });

  it('is what bmaptool finds damage by', async () => {
    await writeMap();
    const damaged = join(folder, 'damaged.img');
    await copyFile(image, damaged);
    const handle = await open(damaged, 'r+');
    // Within the superblock, which is always mapped.
    await handle.write(Buffer.from('damage'), 0, 6, ROOT_OFFSET + 1024 + 120);
    await handle.close();
    await expect(bmaptoolCopy('damaged.img')).rejects.toMatchObject({
      stderr: expect.stringContaining('checksum mismatch') as string,
    });
  });
});

const PROGRAMS = { gz: 'gzip', xz: 'xz', zst: 'zstd' } as const;

describe.each(['gz', 'xz', 'zst'] as const)('an image packed as %s', (compression) => {
  const name = `disk.img${suffixOf(compression)}`;

  it('has the same bytes with one processor and with many, and is the image again when it is unpacked', async () => {
    const one = await pack(compression, 1, 'one');
    const many = await pack(compression, 4, name);
    expect(many).toEqual(one);
    expect((await stat(join(folder, name))).size).toBe(many.sizeBytes);
    expect((await run('sha256sum', [join(folder, name)])).stdout).toContain(many.sha256);
    const script = `${PROGRAMS[compression]} --decompress --stdout ${name} | cmp - disk.img`;
    await inTools(tools, folder, 'sh', ['-c', script]);
  });

  it('is written by bmaptool with the map of the image', async () => {
    await writeMap();
    await pack(compression, 2, name);
    await bmaptoolCopy(name);
    await inTools(tools, folder, 'e2fsck', ['-fn', `card?offset=${ROOT_OFFSET}`]);
  });
});

it('packing ends when it is interrupted', async () => {
  const stopping = {
    ...silent,
    progress: ({ done }: { done: number }) => {
      if (done > 0) abort.abort();
    },
  };
  await expect(pack('xz', 2, 'stopped', stopping)).rejects.toMatchObject({ code: 'interrupted' });
});

describe('SHA256SUMS', () => {
  it('is read by sha256sum, with what it said of other files, and finds damage', async () => {
    await writeFile(join(folder, 'notes'), 'mine\n');
    const { stdout: before } = await run('sha256sum', ['--binary', 'notes'], { cwd: folder });
    const { stdout } = await run('sha256sum', ['disk.img'], { cwd: folder });
    const sha256 = stdout.slice(0, 64);
    await writeFile(join(folder, 'SHA256SUMS'), updateChecksums(before, [{ name: 'disk.img', sha256 }]));
    const checked = await run('sha256sum', ['--check', '--strict', 'SHA256SUMS'], { cwd: folder });
    expect(checked.stdout).toBe('disk.img: OK\nnotes: OK\n');
    await writeFile(join(folder, 'notes'), 'not mine\n');
    await expect(run('sha256sum', ['--check', 'SHA256SUMS'], { cwd: folder })).rejects.toMatchObject({ code: 1 });
  });
});
