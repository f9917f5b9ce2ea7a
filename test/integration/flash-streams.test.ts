import { execFile, execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { MiB } from '../../src/model/bytes.js';
import { IMAGE_BYTES, makeFullImage } from '../helpers/flash-image.js';
import { cutAfter, type Handler, serve, startServer, status } from '../helpers/fault-server.js';
import { type LoopCard, makeLoopCard, readCard } from '../helpers/loop-card.js';
import { gptDisk, LINUX_DATA } from '../helpers/partition-tables.js';

const RUN = join(import.meta.dirname, '../../bin/run.js');
const CARD_BYTES = IMAGE_BYTES + 8 * MiB;

let folder: string;
let image: Buffer;
let packed: Buffer;
let card: LoopCard;
let second: LoopCard;
const endings: (() => void)[] = [];

async function newCard(name: string): Promise<LoopCard> {
  const made = await makeLoopCard(join(folder, name), CARD_BYTES);
  endings.push(() => {
    made.detach();
  });
  return made;
}

beforeAll(async () => {
  folder = await mkdtemp('/var/tmp/reswarm-streams-');
  const path = await makeFullImage(inject('toolsTree'), join(folder, 'image'));
  image = await readFile(path);
  packed = gzipSync(image, { level: 1 });
  card = await newCard('one.card');
  second = await newCard('two.card');
});

afterAll(async () => {
  for (const end of endings.reverse()) end();
  await rm(folder, { recursive: true, force: true });
});

type Ran = { readonly exitCode: number; readonly error?: string; readonly sha256?: string; readonly warnings: number };

/** Runs `flash` with bytes at its standard input, and looks at what it says last. */
async function flash(
  from: string,
  more: readonly string[] = [],
  input?: Iterable<Uint8Array>,
  to = [card],
): Promise<Ran> {
  const args = [RUN, 'flash', from, ...to.flatMap(({ path }) => ['--to', path]), '--yes', '--json', ...more];
  return new Promise((resolve) => {
    const env = { ...process.env, XDG_CACHE_HOME: join(folder, 'cache') };
    const child = execFile(process.execPath, args, { env, maxBuffer: 64 * MiB }, (error, stdout) => {
      const events = stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as { type?: string; sha256?: string; error?: { code: string } });
      const last = events.at(-1);
      resolve({
        exitCode: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1,
        ...(last?.error === undefined ? {} : { error: last.error.code }),
        ...(last?.sha256 === undefined ? {} : { sha256: last.sha256 }),
        warnings: events.filter(({ type }) => type === 'warning').length,
      });
    });
    if (child.stdin === null) return;
    child.stdin.on('error', () => undefined);
    Readable.from(input ?? []).pipe(child.stdin);
  });
}

function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

async function holdsImage({ path }: LoopCard): Promise<boolean> {
  return (await readCard(path, 0, image.length)).equals(image);
}

async function hasTable({ path }: LoopCard): Promise<boolean> {
  return (await readCard(path, 0, 4096)).some((byte) => byte !== 0);
}

/** A server of a folder: what is not in it is not found. */
function serveFolder(files: Readonly<Record<string, Handler>>): Handler {
  return (request, response) => {
    (files[request.url ?? ''] ?? status(404))(request, response);
  };
}

/** Cuts every answer after so many bytes, and sends the rest when it is asked for that. */
function cutting(bytes: Buffer, count: number): Handler {
  return (request, response) => {
    const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const headers = { etag: '"one"', 'content-length': bytes.length - start };
    const range = { 'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` };
    response.writeHead(start === 0 ? 200 : 206, start === 0 ? headers : { ...headers, ...range });
    const part = bytes.subarray(start, start + count);
    response.write(part, () => {
      if (start + part.length === bytes.length) response.end();
      else setTimeout(() => response.destroy(), 20);
    });
  };
}

function inPieces(bytes: Buffer): readonly Buffer[] {
  return Array.from({ length: Math.ceil(bytes.length / MiB) }, (_, index) =>
    bytes.subarray(index * MiB, (index + 1) * MiB),
  );
}

describe('an image of a web server', () => {
  it('is written to several cards while it comes, packed, and held to the digests beside it', async () => {
    const sums = Buffer.from(`${sha256Of(packed)}  image.img.gz\n${sha256Of(image)}  image.img\n`);
    const files = { '/a/image.img.gz': serve(packed), '/a/SHA256SUMS': serve(sums) };
    await using server = await startServer(serveFolder(files));
    const ran = await flash(`${server.url}/a/image.img.gz`, [], [], [card, second]);
    expect(ran).toMatchObject({ exitCode: 0, sha256: sha256Of(image) });
    expect([await holdsImage(card), await holdsImage(second)]).toEqual([true, true]);
  });

  it('goes on where connections were cut', async () => {
    await using server = await startServer(serveFolder({ '/image.img': cutting(image, 17 * MiB + 1) }));
    expect(await flash(`${server.url}/image.img`)).toMatchObject({ exitCode: 0, sha256: sha256Of(image) });
    expect(await holdsImage(card)).toBe(true);
    expect(server.requests.filter(({ headers }) => headers.range !== undefined).length).toBeGreaterThan(2);
  });

  it('leaves no partition table when its digest is another one, and says so', async () => {
    const sums = serve(Buffer.from(`${'0'.repeat(64)}  image.img.gz\n`));
    await using server = await startServer(
      serveFolder({ '/image.img.gz': serve(packed), '/image.img.gz.sha256': sums }),
    );
    const ran = await flash(`${server.url}/image.img.gz`);
    expect(ran).toMatchObject({ exitCode: 1, error: 'image-digest-mismatch', warnings: 1 });
    expect(await hasTable(card)).toBe(false);
  });

  it('leaves no partition table when the server has another version, or does not go on', async () => {
    const start = 20 * MiB;
    let answers = 0;
    const changes: Handler = (request, response) => {
      answers += 1;
      (answers < 3 ? cutAfter(start, image) : serve(image, '"two"'))(request, response);
    };
    await using server = await startServer(serveFolder({ '/a.img': changes, '/b.img': cutAfter(start, image) }));
    expect(await flash(`${server.url}/a.img`)).toMatchObject({ exitCode: 1, error: 'image-changed' });
    expect(await hasTable(card)).toBe(false);
    expect(await flash(`${server.url}/b.img`)).toMatchObject({ exitCode: 1, error: 'download-cut' });
    expect(await hasTable(card)).toBe(false);
  });

  it('is refused before anything is written where it is no image, or not there', async () => {
    await flash('-', [], inPieces(image));
    const page = serve(Buffer.from('<!DOCTYPE html><html>Please log in</html>'));
    const loop = status(302, { location: '/loop' });
    await using server = await startServer(serveFolder({ '/page': page, '/loop': loop }));
    expect(await flash(`${server.url}/page`)).toMatchObject({ exitCode: 2, error: 'image-is-a-web-page' });
    expect(await flash(`${server.url}/loop`)).toMatchObject({ exitCode: 1, error: 'download-redirected' });
    expect(await flash(`${server.url}/none`)).toMatchObject({ exitCode: 1, error: 'download-not-found' });
    const signature = ['--signature', 'a.sig', '--keyring', 'a.gpg'];
    expect(await flash(`${server.url}/none`, signature)).toMatchObject({ error: 'signature-needs-file' });
    expect(await holdsImage(card)).toBe(true);
  });
});

describe('an image at standard input', () => {
  it.each(['plain', 'packed'])('is written to several cards, %s', async (how) => {
    const ran = await flash('-', [], inPieces(how === 'plain' ? image : packed), [card, second]);
    expect(ran).toMatchObject({ exitCode: 0, sha256: sha256Of(image) });
    expect([await holdsImage(card), await holdsImage(second)]).toEqual([true, true]);
    expect(await flash('-', ['--verify-only'], inPieces(packed))).toMatchObject({ exitCode: 0 });
  });

  it('that ends too early leaves no partition table', async () => {
    const early = await flash('-', [], inPieces(image.subarray(0, IMAGE_BYTES - MiB)));
    expect(early).toMatchObject({ exitCode: 1, error: 'image-truncated', warnings: 1 });
    expect(await hasTable(card)).toBe(false);
    const cut = await flash('-', [], inPieces(packed.subarray(0, -5)));
    expect(cut).toMatchObject({ exitCode: 1, error: 'image-corrupt' });
    expect(await hasTable(card)).toBe(false);
  });

  it('of nothing is no image', async () => {
    expect(await flash('-')).toMatchObject({ exitCode: 2, error: 'not-an-image' });
  });

  it('stops at Ctrl-C though nobody sends anything more', async () => {
    const args = [RUN, 'flash', '-', '--to', card.path, '--yes', '--json'];
    const env = { ...process.env, XDG_CACHE_HOME: join(folder, 'cache') };
    const child = spawn(process.execPath, args, { env, stdio: ['pipe', 'pipe', 'ignore'] });
    child.stdin.on('error', () => undefined);
    child.stdin.write(packed.subarray(0, packed.length / 2));
    child.stdout.on('data', (text: Buffer) => {
      if (text.includes('"writing"')) child.kill('SIGINT');
    });
    expect(await new Promise((resolve) => child.on('close', resolve))).toBe(130);
    expect(await hasTable(card)).toBe(false);
  });
});

describe('an image with sectors of 4096 bytes', () => {
  it('is written to a drive that has them too, and to no other', async () => {
    const disk = gptDisk(4096, [{ type: LINUX_DATA, guid: LINUX_DATA, first: 256, last: 3000 }], { sectorBytes: 4096 });
    const path = join(folder, 'large.img');
    await writeFile(path, disk);
    const file = join(folder, 'large.card');
    await writeFile(file, '');
    await truncate(file, 32 * MiB);
    const large = execFileSync('losetup', ['--find', '--show', '--sector-size', '4096', file], { encoding: 'utf8' });
    const drive = { path: large.trim(), file, detach: () => void execFileSync('losetup', ['--detach', large.trim()]) };
    try {
      for (const from of [path, '-']) {
        const input = from === '-' ? inPieces(disk) : [];
        expect(await flash(from, [], input)).toMatchObject({ exitCode: 1, error: 'device-refused' });
        expect(await flash(from, [], input, [drive])).toMatchObject({ exitCode: 0 });
        expect((await readCard(drive.path, 0, disk.length)).equals(disk)).toBe(true);
      }
      expect(await flash('-', [], inPieces(image), [drive])).toMatchObject({ exitCode: 1, error: 'device-refused' });
    } finally {
      drive.detach();
    }
  });
});
