import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readTinySeed, type TinySeedFiles } from '../../src/seeds/tiny/tiny-seed.js';
import { compileSeedReader, expectedOutput, runSeedReader, type SeedBytes } from '../helpers/seed-reader.js';
import { TINY_SEEDS } from '../helpers/tiny-seeds.js';

let folder: string;
let program: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tiny-seeds-'));
  program = await compileSeedReader(folder);
});

afterAll(() => rm(folder, { recursive: true, force: true }));

/** As `seed check` reads files; undefined for what it refuses to read as text. */
function filesOf(seed: SeedBytes): TinySeedFiles | undefined {
  try {
    const decode = (bytes: string | Buffer): string =>
      new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.from(bytes));
    const entries = Object.entries(seed).map(([file, bytes]) => [file, { file, text: decode(bytes) }] as const);
    return entries.some(([, { text }]) => text.includes('\0')) ? undefined : Object.fromEntries(entries);
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

describe('the reader of a tiny system and the checker agree', () => {
  test.each(TINY_SEEDS.filter(([, , isFine]) => isFine))('on %s, which is applied', async (_name, seed) => {
    const { status, errors, output } = await runSeedReader(program, seed, join(folder, 'work'));
    const checked = readTinySeed(filesOf(seed) ?? {});
    expect({ status, errors, problems: checked.problems }).toEqual({ status: 0, errors: '', problems: [] });
    expect(output).toEqual(expectedOutput(checked.seed));
  });

  test.each(TINY_SEEDS.filter(([, , isFine]) => !isFine))('on %s, which is refused', async (_name, seed) => {
    const { status, errors } = await runSeedReader(program, seed, join(folder, 'work'));
    expect(status).toBe(1);
    expect(errors).toMatch(/^reswarm: error seed-(text|yaml|key|value) [a-z-]+:\d+:\d+: /);
    const files = filesOf(seed);
    if (files !== undefined) expect(readTinySeed(files).problems).not.toEqual([]);
  });
});

test('what is right is applied beside what is wrong', async () => {
  const userData = '#cloud-config\nhostname: gate\npackages: [vim]\nruncmd: [date, 5]\n';
  const { status, output } = await runSeedReader(program, { userData }, join(folder, 'work'));
  expect(status).toBe(1);
  expect(Object.keys(output ?? {})).toEqual(['hostname']);
});

test('a folder without a seed is told apart', async () => {
  expect(await runSeedReader(program, {}, join(folder, 'work'))).toEqual({ status: 3, errors: '', output: undefined });
});
