import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { truncateSync } from 'node:fs';
import { chmod, copyFile, mkdir, mkdtemp, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { MiB } from '../../src/model/bytes.js';
import type { CliResult } from '../helpers/cli.js';
import { cli, errorCode, resultOf } from '../helpers/cli.js';
import { firstDifference, IMAGE_BYTES, looksBootable, makeFullImage, rangesOf } from '../helpers/flash-image.js';
import { attachLoopCard, type LoopCard, makeLoopCard, readCard } from '../helpers/loop-card.js';

const RUN = join(import.meta.dirname, '../../bin/run.js');
const CARD_BYTES = IMAGE_BYTES + 8 * MiB;

let folder: string;
let image: string;
const endings: (() => Promise<void> | void)[] = [];

beforeAll(async () => {
  // Not needed by anything else, so not a part of what `doctor` asks of a host.
  if (
    spawnSync('nbdkit', ['--version']).error !== undefined ||
    spawnSync('nbdfuse', ['--version']).error !== undefined
  ) {
    execFileSync('apt-get', ['update']);
    execFileSync('apt-get', ['install', '--yes', '--no-install-recommends', 'nbdkit', 'libnbd-bin']);
  }
  folder = await mkdtemp('/var/tmp/reswarm-faults-');
  image = await makeFullImage(inject('toolsTree'), join(folder, 'image'));
});

afterAll(async () => {
  for (const end of endings.reverse()) await end();
  await rm(folder, { recursive: true, force: true });
});

type Card = { readonly failure?: { readonly code: string; readonly badRanges: readonly Bad[] } };
type Bad = { readonly offsetBytes: number; readonly sizeBytes: number; readonly reason: string };

function cardsOf(result: CliResult): readonly Card[] {
  return (resultOf(result) as unknown as { cards: readonly Card[] }).cards;
}

async function flash(cards: readonly LoopCard[], ...more: string[]): Promise<CliResult> {
  const to = cards.flatMap(({ path }) => ['--to', path]);
  return cli(['flash', image, ...to, '--yes', '--json', ...more], { env: { XDG_CACHE_HOME: join(folder, 'cache') } });
}

async function goodCard(name: string, sizeBytes = CARD_BYTES): Promise<LoopCard> {
  const card = await makeLoopCard(join(folder, name), sizeBytes);
  endings.push(() => {
    card.detach();
  });
  return card;
}

/** A card whose file is served by nbdkit, so that it fails as nbdkit is told. */
async function faultyCard(name: string, nbdkit: readonly string[]): Promise<LoopCard> {
  const mount = join(folder, name);
  await mkdir(mount);
  const served = join(mount, 'disk');
  await writeFile(served, '');
  const server: ChildProcess = spawn('nbdfuse', [served, '--command', 'nbdkit', '--single', ...nbdkit], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  for (let tries = 0; (await stat(served)).size !== CARD_BYTES; tries += 1) {
    if (tries === 100 || server.exitCode !== null) throw new Error(`nbdfuse does not serve ${nbdkit.join(' ')}`);
    await sleep(100);
  }
  const card = attachLoopCard(served, true);
  endings.push(async () => {
    card.detach();
    const ended = new Promise((resolve) => server.once('exit', resolve));
    spawnSync('umount', ['--lazy', served]);
    server.kill();
    await ended;
  });
  return card;
}

/** nbdkit's own copy of a card: a byte of it stays what it is, whatever is written. */
async function stuckByte(name: string, offsetBytes: number): Promise<LoopCard> {
  const file = join(folder, `${name}.data`);
  await writeFile(file, '');
  await truncate(file, CARD_BYTES);
  const script = join(folder, `${name}.sh`);
  await writeFile(
    script,
    `#!/bin/sh
case "$1" in
  get_size) echo ${CARD_BYTES} ;;
  can_write | can_flush) exit 0 ;;
  pread) dd if=${file} iflag=skip_bytes,count_bytes skip="$4" count="$3" bs=1M status=none ;;
  pwrite)
    dd of=${file} oflag=seek_bytes seek="$4" bs=1M conv=notrunc status=none
    printf '\\252' | dd of=${file} oflag=seek_bytes seek=${offsetBytes} bs=1 conv=notrunc status=none ;;
  flush) exit 0 ;;
  *) exit 2 ;;
esac
`,
  );
  await chmod(script, 0o700);
  return faultyCard(name, ['sh', script]);
}

/** Its size becomes 0, as that of a reader whose card goes. */
function takeOut(card: LoopCard, writer: ChildProcess): void {
  // A write that is under way would make the file larger again.
  writer.kill('SIGSTOP');
  execFileSync('sleep', ['0.5']);
  truncateSync(card.file, 0);
  execFileSync('losetup', ['--set-capacity', card.path]);
  writer.kill('SIGCONT');
}

describe('a card that fails', () => {
  it('with a byte that never changes is found by the read-back, and the place is named', async () => {
    const stuck = FAT_DATA + 5 * MiB + 1234;
    const bad = await stuckByte('stuck', stuck);
    const good = await goodCard('beside-stuck');
    const result = await flash([bad, good]);
    expect(result.exitCode).toBe(1);
    const [first, second] = cardsOf(result);
    expect(first?.failure?.code).toBe('card-read-back-differs');
    expect(first?.failure?.badRanges).toEqual([
      { offsetBytes: stuck - (stuck % 512), sizeBytes: 512, reason: expect.stringContaining('differs') as string },
    ]);
    expect(await looksBootable(bad.path)).toBe(false);
    expect(second?.failure).toBeUndefined();
    expect(await firstDifference(image, good.path, await rangesOf(image))).toBeUndefined();
  });

  it('with errors when it is written ends alone, and the other one is finished', async () => {
    const file = await dataFile('broken.data');
    const bad = await faultyCard('broken', ['--filter=error', 'file', file, 'error-pwrite-rate=100%', 'error=EIO']);
    const good = await goodCard('beside-broken');
    const result = await flash([good, bad]);
    expect(result.exitCode).toBe(1);
    const [first, second] = cardsOf(result);
    expect(first?.failure).toBeUndefined();
    expect(second?.failure?.code).toBe('card-unwritable');
    expect(await firstDifference(image, good.path, await rangesOf(image))).toBeUndefined();
  });

  it('now and then is written again where it failed, until all of it is there', async () => {
    const file = await dataFile('flaky.data');
    const flaky = await faultyCard('flaky', ['--filter=error', 'file', file, 'error-pread-rate=2%', 'error=EIO']);
    const result = await flash([flaky]);
    const [card] = cardsOf(result);
    // Luck decides whether a place fails three times; then it is named.
    if (card?.failure === undefined) expect(await firstDifference(image, file, await rangesOf(image))).toBeUndefined();
    else {
      expect(['card-read-back-differs', 'card-unwritable']).toContain(card.failure.code);
      expect(card.failure.badRanges.length).toBeGreaterThan(0);
    }
  });

  it('that is slow keeps nobody waiting for ever', async () => {
    const file = await dataFile('slow.data');
    const slow = await faultyCard('slow', ['--filter=delay', 'file', file, 'delay-write=200ms']);
    const good = await goodCard('beside-slow');
    const result = await flash([slow, good]);
    expect(result.exitCode, result.stdout.slice(-2000)).toBe(0);
    for (const card of [file, good.path]) {
      expect(await firstDifference(image, card, await rangesOf(image))).toBeUndefined();
    }
    const ends = result.events.filter(({ type }) => type === 'card-finished').map(({ device }) => device);
    expect(ends).toEqual([good.path, slow.path]);
  });

  it('because it was taken out is told from one that is broken, and the others are finished', async () => {
    const file = await dataFile('beside-gone.data');
    // Slow, so that there is still something to write when the other one goes.
    const slow = await faultyCard('beside-gone', ['--filter=delay', 'file', file, 'delay-write=100ms']);
    const gone = await goodCard('gone');
    const child = spawn(
      process.execPath,
      [RUN, 'flash', image, '--to', gone.path, '--to', slow.path, '--yes', '--json'],
      { env: { ...process.env, XDG_CACHE_HOME: join(folder, 'cache') }, stdio: ['ignore', 'pipe', 'ignore'] },
    );
    let isTaken = false;
    let last = '';
    createInterface({ input: child.stdout }).on('line', (line) => {
      last = line;
      const { device, phase } = JSON.parse(line) as { device?: string; phase?: string };
      if (isTaken || device !== gone.path || phase !== 'writing') return;
      isTaken = true;
      takeOut(gone, child);
    });
    expect(await new Promise((resolve) => child.on('close', resolve))).toBe(1);
    const { cards } = JSON.parse(last) as { cards: readonly Card[] };
    expect(cards.map(({ failure }) => failure?.code)).toEqual(['card-gone', undefined]);
    expect(await firstDifference(image, file, await rangesOf(image))).toBeUndefined();
  });

  it('because the file behind it has no room is told from one that is broken', async () => {
    const mount = join(folder, 'full');
    await mkdir(mount);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'none', mount]);
    endings.push(() => {
      execFileSync('umount', [mount]);
    });
    const card = await makeLoopCard(join(mount, 'card'), CARD_BYTES);
    endings.push(() => {
      card.detach();
    });
    const result = await flash([card]);
    expect(result.exitCode).toBe(1);
    expect(['card-full', 'card-unwritable']).toContain(cardsOf(result)[0]?.failure?.code);
    expect(await looksBootable(card.path)).toBe(false);
  });
});

describe('nothing is written', () => {
  it('to a card that is smaller than the image', async () => {
    const small = await goodCard('small', IMAGE_BYTES - MiB);
    expect(errorCode(await flash([small]))).toBe('device-refused');
  });

  it('when the same card is named twice, by another path too', async () => {
    const card = await goodCard('twice');
    expect(errorCode(await flash([card, card]))).toBe('card-named-twice');
    const link = join(folder, 'link-to-card');
    execFileSync('ln', ['-s', card.path, link]);
    expect(errorCode(await flash([card, { ...card, path: link }]))).toBe('card-named-twice');
  });

  it('of an image that was not copied to its end', async () => {
    const card = await goodCard('cut');
    const cut = join(folder, 'cut.img');
    await copyFile(image, cut);
    await truncate(cut, IMAGE_BYTES / 2);
    const before = await readCard(card.path, 0, MiB);
    expect(errorCode(await cli(['flash', cut, '--to', card.path, '--yes', '--json']))).toBe('image-truncated');
    expect((await readCard(card.path, 0, MiB)).equals(before)).toBe(true);
  });

  it('bootable when the image is not the one that its sha256 names', async () => {
    const card = await goodCard('wrong');
    expect(errorCode(await flash([card], '--sha256', 'ab'.repeat(32)))).toBe('image-digest-mismatch');
    expect(await looksBootable(card.path)).toBe(false);
  });
});

/** Somewhere in the large file on the FAT. */
const FAT_DATA = 4 * MiB;

async function dataFile(name: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, '');
  await truncate(path, CARD_BYTES);
  return path;
}
