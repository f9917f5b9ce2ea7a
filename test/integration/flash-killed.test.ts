import { spawn } from 'node:child_process';
import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { ByteRange } from '../../src/model/byte-range.js';
import { MiB } from '../../src/model/bytes.js';
import { cli, resultOf } from '../helpers/cli.js';
import { firstDifference, IMAGE_BYTES, looksBootable, makeFullImage, rangesOf } from '../helpers/flash-image.js';
import { type LoopCard, makeLoopCard, writeCard } from '../helpers/loop-card.js';

const RUN = join(import.meta.dirname, '../../bin/run.js');
const KILLS = 100;
const SEED = 20_261_121;
/** Enough for a kill in every phase; more would only take longer. */
const SIZES = { bootBytes: 9 * MiB, rootBytes: 5 * MiB };

let folder: string;
let image: string;
/** What is on a card that was in use before: whole and bootable. */
let old: { readonly image: string; readonly bytes: Buffer; readonly ranges: readonly ByteRange[] };
let ranges: readonly ByteRange[];
const cards: LoopCard[] = [];

beforeAll(async () => {
  folder = await mkdtemp('/var/tmp/reswarm-killed-');
  const made = await makeFullImage(inject('toolsTree'), join(folder, 'new'), SIZES);
  image = join(folder, 'image.img');
  await copyFile(made, image);
  ranges = await rangesOf(image);
  const oldImage = await makeFullImage(inject('toolsTree'), join(folder, 'old'), SIZES);
  old = { image: oldImage, bytes: await readFile(oldImage), ranges: await rangesOf(oldImage) };
  for (const name of ['one', 'two'])
    cards.push(await makeLoopCard(join(folder, `${name}.card`), IMAGE_BYTES + 8 * MiB));
});

afterAll(async () => {
  for (const card of cards) card.detach();
  await rm(folder, { recursive: true });
});

const env = () => ({ XDG_CACHE_HOME: join(folder, 'cache') });
const flash = (card: LoopCard): string[] => ['flash', image, '--to', card.path, '--yes', '--json'];

/** Kills the command with SIGKILL so long after its first touch of the card; undefined when it was done before. */
async function killedAfter(card: LoopCard, delayMs: number): Promise<{ readonly lastPhase: string | undefined }> {
  const child = spawn(process.execPath, [RUN, ...flash(card)], {
    env: { ...process.env, ...env() },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let lastPhase: string | undefined;
  createInterface({ input: child.stdout }).on('line', (line) => {
    const { type, phase } = JSON.parse(line) as { type?: string; phase?: string };
    if (type !== 'card-progress') return;
    if (lastPhase === undefined) setTimeout(() => child.kill('SIGKILL'), delayMs);
    lastPhase = phase;
  });
  await new Promise((resolve) => child.on('close', resolve));
  return { lastPhase };
}

describe('a run that is killed', () => {
  it(`at ${KILLS} random moments (seed ${SEED}) never leaves a card that looks bootable and is not whole`, async () => {
    const random = randomNumbers(SEED);
    const duration = await durationOf(cards[0]);
    const phases = new Map<string | undefined, number>();
    const killMany = async (card: LoopCard, kills: number): Promise<void> => {
      for (let kill = 0; kill < kills; kill += 1) {
        // Every fourth time the card has a whole old system on it; else it is as the last kill left it.
        if (kill % 4 === 0) await writeCard(card.path, 0, old.bytes);
        const { lastPhase } = await killedAfter(card, random() * duration * 1.2);
        phases.set(lastPhase, (phases.get(lastPhase) ?? 0) + 1);
        if (!(await looksBootable(card.path))) continue;
        const isWhole =
          (await firstDifference(image, card.path, ranges)) === undefined ||
          (await firstDifference(old.image, card.path, old.ranges)) === undefined;
        expect(isWhole, `after kill ${kill} while ${lastPhase ?? 'starting'}`).toBe(true);
      }
      const finished = await cli(flash(card), { env: env() });
      expect(finished.exitCode, finished.stderr).toBe(0);
      expect(await firstDifference(image, card.path, ranges)).toBeUndefined();
    };
    await Promise.all(cards.map((card) => killMany(card, KILLS / cards.length)));
    // The moments were spread over the work, not all before or after it.
    expect((phases.get('writing') ?? 0) + (phases.get('preparing') ?? 0)).toBeGreaterThan(KILLS / 10);
    expect(phases.get('reading-back') ?? 0).toBeGreaterThan(0);
  }, 1_800_000);

  it('goes on where it stopped, and believes nothing that is not there', async () => {
    const [card] = cards;
    if (card === undefined) throw new Error('no card');
    await writeCard(card.path, 0, old.bytes);
    // A checkpoint is written every two seconds, and when a run is stopped in good order.
    const stopped = await cli(['flash', image, '--to', card.path, '--yes', '--json', '--sha256', '0'.repeat(64)], {
      env: env(),
    });
    expect((resultOf(stopped) as { error?: { code: string } }).error?.code).toBe('image-digest-mismatch');
    expect(await looksBootable(card.path)).toBe(false);
    const spoilt = ranges.find(({ offsetBytes }) => offsetBytes > 2 * MiB)?.offsetBytes ?? 0;
    await writeCard(card.path, spoilt, Buffer.alloc(4096, 0xff));
    const finished = await cli(flash(card), { env: env() });
    const [result] = (resultOf(finished) as unknown as { cards: { resumedBytes: number }[] }).cards;
    expect(result?.resumedBytes).toBeGreaterThan(10 * MiB);
    expect(await firstDifference(image, card.path, ranges)).toBeUndefined();
  });
});

async function durationOf(card: LoopCard | undefined): Promise<number> {
  if (card === undefined) throw new Error('no card');
  const { events } = await cli(flash(card), { env: env() });
  const times = events
    .filter(({ type }) => type === 'card-progress' || type === 'card-finished')
    .map((event) => Date.parse(String(event.time)));
  return Math.max(50, Math.max(...times) - Math.min(...times));
}

/** mulberry32: small, and the same numbers for the same seed. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32;
  };
}
