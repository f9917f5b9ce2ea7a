import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OutputCompression } from '../../src/formats/compression.js';
import { InterruptedError } from '../../src/errors.js';
import { readHostFacts } from '../../src/host/read-facts.js';
import { RealHost } from '../../src/host/real-host.js';
import { openDiskImage } from '../../src/images/disk-image.js';
import { withRawImage } from '../../src/images/raw-image.js';

let folder: string;
let image: Buffer;
let abort: AbortController;
let host: RealHost;
let storeTmp: string;

const PACK: Readonly<Record<OutputCompression, [string, ...string[]]>> = {
  xz: ['xz', '-c', '-1'],
  zst: ['zstd', '-c', '-q'],
  gz: ['gzip', '-c', '-1'],
};
const PACKINGS = Object.keys(PACK) as (keyof typeof PACK)[];

function pack(how: keyof typeof PACK, bytes: Buffer): Buffer {
  const [program, ...args] = PACK[how];
  return execFileSync(program, args, { input: bytes, maxBuffer: 2 ** 30 });
}

async function save(name: string, bytes: Uint8Array): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, bytes);
  return path;
}

async function contentOf(path: string): Promise<Buffer> {
  const source = await openDiskImage(path, host);
  try {
    const chunks: Uint8Array[] = [];
    for await (const chunk of source.stream()) chunks.push(Uint8Array.from(chunk));
    return Buffer.concat(chunks);
  } finally {
    await source.close();
  }
}

beforeAll(async () => {
  folder = await mkdtemp('/var/tmp/reswarm-source-');
  image = Buffer.concat([Buffer.alloc(2 ** 20), randomBytes(3 * 2 ** 20), Buffer.alloc(4 * 2 ** 20), randomBytes(700)]);
  image[510] = 0x55;
  image[511] = 0xaa;
  abort = new AbortController();
  const facts = { ...readHostFacts(process.env), cacheDir: join(folder, 'cache') };
  storeTmp = join(facts.cacheDir, 'v1', 'tmp');
  await mkdir(facts.cacheDir);
  host = new RealHost({ facts, signal: abort.signal, environment: process.env, offline: true });
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

describe('an image', () => {
  it.each(PACKINGS)('packed with %s streams as what it was, whatever its name', async (how) => {
    const path = await save(`${how}-misnamed.img`, pack(how, image));
    expect((await contentOf(path)).equals(image)).toBe(true);
  });

  it.each(PACKINGS)('of several %s streams in one file streams to the end of the last', async (how) => {
    const halves = [image.subarray(0, 2 ** 21), image.subarray(2 ** 21)];
    const path = await save(`two.${how}`, Buffer.concat(halves.map((half) => pack(how, half))));
    expect((await contentOf(path)).equals(image)).toBe(true);
  });

  it.each(PACKINGS)('cut short in its %s stream is named, with what the program said', async (how) => {
    const packed = pack(how, image);
    const path = await save(`short.img.${how}`, packed.subarray(0, packed.length - 100_000));
    await expect(contentOf(path)).rejects.toMatchObject({
      code: 'image-corrupt',
      message: expect.stringContaining(path) as string,
      details: expect.arrayContaining([expect.stringMatching(/unexpected end|premature|incomplete/i)]) as string[],
    });
  });

  it.each(PACKINGS)('with damaged bytes in its %s stream is named', async (how) => {
    const packed = pack(how, image);
    packed.fill(0xa5, packed.length >> 1, (packed.length >> 1) + 64);
    const path = await save(`damaged.img.${how}`, packed);
    await expect(contentOf(path)).rejects.toMatchObject({ code: 'image-corrupt' });
  });

  it.each([
    ['that is a text', Buffer.from('not an image\n'.repeat(100)), 'not-an-image'],
    ['that is empty', Buffer.alloc(0), 'not-an-image'],
    ['packed, that is a text', pack('xz', Buffer.from('no image\n'.repeat(100))), 'not-an-image'],
    ['packed with zip', Buffer.from('PK\u0003\u0004'.padEnd(600, 'x')), 'image-compression-unknown'],
  ])('%s is refused', async (_, bytes, code) => {
    const path = await save('refused', bytes);
    await expect(openDiskImage(path, host)).rejects.toMatchObject({ code });
  });

  it('that is not there, or is a folder, is refused', async () => {
    await expect(openDiskImage(join(folder, 'none'), host)).rejects.toMatchObject({
      code: 'image-not-found',
    });
    await expect(openDiskImage(folder, host)).rejects.toMatchObject({ code: 'not-an-image' });
  });

  it('that nothing here can unpack is named with the package to install', async () => {
    const path = await save('image.xz', pack('xz', image));
    const facts = host.facts;
    const bare = new RealHost({ facts, signal: abort.signal, environment: { PATH: folder }, offline: true });
    await expect(openDiskImage(path, bare)).rejects.toMatchObject({
      code: 'decompressor-missing',
      hints: [expect.stringContaining('xz-utils')],
    });
  });
});

describe('a raw image', () => {
  it('is the file itself where nothing is packed', async () => {
    const path = await save('plain.img', image);
    await withRawImage(path, host, async ({ path: raw }) => {
      expect(raw).toBe(path);
      await Promise.resolve();
    });
  });

  it('is a private copy with holes otherwise, and gone afterwards', async () => {
    const path = await save('image.zst', pack('zst', image));
    await withRawImage(path, host, async ({ path: raw }) => {
      expect((await readFile(raw)).equals(image)).toBe(true);
      const status = await stat(raw);
      expect(status.mode & 0o777).toBe(0o600);
      expect(status.blocks * 512).toBeLessThan(image.length - 3 * 2 ** 20);
    });
    expect(await readdir(storeTmp)).toEqual([]);
  });

  it('leaves nothing behind when its stream is broken or we are interrupted', async () => {
    const packed = pack('gz', image);
    const path = await save('image.gz', packed);
    await truncate(path, packed.length - 1000);
    await expect(withRawImage(path, host, () => Promise.resolve())).rejects.toMatchObject({
      code: 'image-corrupt',
    });
    const whole = await save('whole.gz', packed);
    const interrupt = new AbortController();
    const running = withRawImage(whole, host.until(interrupt.signal), async () => {
      interrupt.abort(new InterruptedError('SIGINT'));
      await host.until(interrupt.signal).run({ file: 'true', args: [] });
    });
    await expect(running).rejects.toMatchObject({ code: 'interrupted' });
    expect(await readdir(storeTmp)).toEqual([]);
  });
});

describe('a stream of a program', () => {
  it('ends the program when nobody reads on', async () => {
    const marker = join(folder, 'pid');
    for await (const chunk of host.stream({ file: 'sh', args: ['-c', `echo $$ >${marker}; exec yes`] })) {
      expect(chunk.length).toBeGreaterThan(0);
      break;
    }
    const pid = Number(await readFile(marker, 'utf8'));
    expect(() => process.kill(pid, 0)).toThrow();
  });
});
