import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { removeOutdatedNeighbours } from '../../../src/provision/outdated-neighbours.js';

const sum = (name: string): string => `${'a'.repeat(64)}  ${name}\n`;
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reswarm-neighbours-'));
  for (const name of ['gate.img', 'gate.img.bmap', 'gate.img.sha256', 'gate.img.xz', 'gate.json', 'other.img.bmap']) {
    await writeFile(join(folder, name), '');
  }
});

afterEach(() => rm(folder, { recursive: true }));

it('takes away what describes the image as it was, and nothing of its packed copy or of other images', async () => {
  const others = sum('gate.img.xz') + sum('other.img');
  await writeFile(join(folder, 'SHA256SUMS'), sum('gate.img') + sum('gate.img.bmap') + others);
  expect(await removeOutdatedNeighbours(join(folder, 'gate.img'))).toEqual([
    'gate.img.bmap',
    'gate.img.sha256',
    'its lines of SHA256SUMS',
  ]);
  expect(await readFile(join(folder, 'SHA256SUMS'), 'utf8')).toBe(others);
  expect(await readdir(folder)).toEqual(['SHA256SUMS', 'gate.img', 'gate.img.xz', 'gate.json', 'other.img.bmap']);
  expect(await removeOutdatedNeighbours(join(folder, 'gate.img'))).toEqual([]);
});

it('removes a SHA256SUMS that has no line left', async () => {
  await writeFile(join(folder, 'SHA256SUMS'), sum('gate.img'));
  expect(await removeOutdatedNeighbours(join(folder, 'gate.img'))).toContain('its SHA256SUMS');
  expect(await readdir(folder)).not.toContain('SHA256SUMS');
});
