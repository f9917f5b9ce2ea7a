import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtemp, open, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MiB } from '../../src/model/bytes.js';
import { cli, resultOf } from '../helpers/cli.js';
import { attachLoopCard, type LoopCard } from '../helpers/loop-card.js';

const cards: LoopCard[] = [];
let folder: string;
let image: string;

beforeAll(async () => {
  if (spawnSync('bmaptool', ['--version']).error !== undefined) {
    execFileSync('apt-get', ['install', '--yes', '--no-install-recommends', 'bmap-tools']);
  }
  folder = await mkdtemp('/var/tmp/reswarm-flashed-');
  image = join(folder, 'rpi4.img');
  const built = await cli(['build', '--board', 'rpi4', '--yes', '--json', '--output', image, '--compress', 'zst']);
  expect(built.exitCode, built.stdout.slice(-2000) + built.stderr).toBe(0);
});

afterAll(async () => {
  for (const card of cards) card.detach();
  await rm(folder, { recursive: true });
});

/** A card that was used before: where nothing is written, nothing is zero. */
async function usedCard(name: string): Promise<LoopCard> {
  const path = join(folder, name);
  const file = await open(path, 'wx');
  const junk = Buffer.alloc(MiB, 0xa5);
  const sizeBytes = (await stat(image)).size + 64 * MiB;
  for (let position = 0; position < sizeBytes; position += MiB) await file.write(junk, 0, MiB, position);
  await file.close();
  const card = attachLoopCard(path);
  cards.push(card);
  return card;
}

async function expectBoots(card: LoopCard): Promise<void> {
  const checked = await cli(['boot', card.path, '--check', '--json', '--timeout', '3000']);
  expect(checked.exitCode, checked.stdout.slice(-4000)).toBe(0);
  expect(resultOf(checked)).toMatchObject({ passed: true });
}

describe('a card that was in use before', () => {
  it('boots when the packed image was flashed to it', async () => {
    const card = await usedCard('flashed');
    const flashed = await cli(['flash', `${image}.zst`, '--to', card.path, '--yes', '--json']);
    expect(flashed.exitCode, flashed.stdout.slice(-2000)).toBe(0);
    await expectBoots(card);
  });

  it('boots when bmaptool wrote it by our block map', async () => {
    const card = await usedCard('copied');
    execFileSync('bmaptool', ['-q', 'copy', '--bmap', `${image}.bmap`, image, card.path]);
    await expectBoots(card);
  });
});
