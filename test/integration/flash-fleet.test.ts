import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { MiB } from '../../src/model/bytes.js';
import { parseRecord, type WrittenEvent } from '../../src/fleet/record-lines.js';
import { cli, type CliResult, errorCode, resultOf } from '../helpers/cli.js';
import { IMAGE_BYTES, looksBootable } from '../helpers/flash-image.js';
import { type LoopCard, makeLoopCard } from '../helpers/loop-card.js';
import { FAT_OFFSET, inTools, makeSmallImage } from '../helpers/small-image.js';

let folder: string;
let image: string;
let fleet: string;
let first: LoopCard;
let second: LoopCard;

beforeAll(async () => {
  folder = await mkdtemp('/var/tmp/reswarm-flash-fleet-');
  ({ image } = await makeSmallImage(inject('toolsTree'), folder));
  fleet = join(folder, 'gates.yaml');
  await writeFile(fleet, 'devices:\n  - { name: gate-1 }\n  - { name: gate-2 }\n  - { name: gate-3 }\n');
  first = await makeLoopCard(join(folder, 'first.card'), IMAGE_BYTES + 8 * MiB);
  second = await makeLoopCard(join(folder, 'second.card'), IMAGE_BYTES + 8 * MiB);
});

afterAll(async () => {
  first.detach();
  second.detach();
  await rm(folder, { recursive: true });
});

async function flash(cards: readonly LoopCard[], ...more: string[]): Promise<CliResult> {
  const to = cards.flatMap(({ path }) => ['--to', path]);
  return cli(['flash', image, '--fleet', fleet, ...to, '--yes', '--json', ...more]);
}

async function hostnameOn(card: LoopCard): Promise<string> {
  const drive = ['-i', `${card.file.slice(folder.length + 1)}@@${FAT_OFFSET}`];
  const userData = await inTools(inject('toolsTree'), folder, 'mtype', [...drive, '::user-data']);
  return /^hostname: "?([^"]*)"?$/m.exec(userData)?.[1] ?? '';
}

async function written(): Promise<readonly WrittenEvent[]> {
  const { events } = parseRecord(await readFile(join(folder, 'gates.written.ndjson'), 'utf8'));
  return events.filter((event) => event.event === 'written');
}

function namesOf(result: CliResult): readonly unknown[] {
  return (resultOf(result) as unknown as { cards: { name?: string }[] }).cards.map(({ name }) => name);
}

// One after the other: each goes on where the last one left the list.
describe('cards of a fleet', () => {
  it('are not recorded, and their devices not used up, when the image is not the one that was named', async () => {
    const wrong = await flash([first], '--sha256', '0'.repeat(64));
    expect(errorCode(wrong)).toBe('image-digest-mismatch');
    expect(await looksBootable(first.path)).toBe(false);
    expect(await written()).toEqual([]);
  });

  it('leave no trace in a plan', async () => {
    const plan = await flash([first, second], '--dry-run');
    expect(plan.exitCode, plan.stdout).toBe(0);
    expect(resultOf(plan)).toMatchObject({ plan: { cards: [{ name: 'gate-1' }, { name: 'gate-2' }] } });
    expect(await written()).toEqual([]);
  });

  it('become the next devices of the list, each with its own name, and are recorded', async () => {
    const result = await flash([first, second]);
    expect(result.exitCode, result.stdout.slice(-2000)).toBe(0);
    expect(namesOf(result)).toEqual(['gate-1', 'gate-2']);
    expect(await Promise.all([first, second].map(hostnameOn))).toEqual(['gate-1', 'gate-2']);
    const { sha256 } = resultOf(result) as unknown as { sha256: string };
    const events = (await written()).toSorted((a, b) => a.device.localeCompare(b.device));
    expect(events).toMatchObject([
      { device: 'gate-1', card: { path: first.path }, imageSha256: sha256 },
      { device: 'gate-2', card: { path: second.path }, imageSha256: sha256 },
    ]);
  });

  it('are recorded with the digest of the overlay that "fleet images" makes', async () => {
    const out = join(folder, 'overlays');
    const made = await cli(['fleet', 'images', fleet, '--base', image, '--out', out, '--json']);
    expect(made.exitCode, made.stdout + made.stderr).toBe(0);
    const overlay = await readFile(join(out, 'gate-1.overlay'));
    const digest = createHash('sha256').update(overlay).digest('hex');
    expect((await written()).find(({ device }) => device === 'gate-1')?.overlaySha256).toBe(digest);
  });

  it('are compared with the device that is named, and only with that', async () => {
    expect((await flash([first], '--verify-only', '--only', 'gate-1')).exitCode).toBe(0);
    expect((await flash([first], '--verify-only', '--only', 'gate-2')).exitCode).toBe(1);
    expect(errorCode(await flash([first], '--verify-only'))).toBe('fleet-cards-mismatch');
  });

  it('end with the list, and a device is written again only when it is named', async () => {
    expect(errorCode(await flash([first, second]))).toBe('fleet-exhausted');
    expect(namesOf(await flash([first]))).toEqual(['gate-3']);
    expect(errorCode(await flash([first]))).toBe('fleet-exhausted');
    expect(namesOf(await flash([second], '--only', 'gate-1'))).toEqual(['gate-1']);
    expect((await written()).map(({ device }) => device).toSorted()).toEqual(['gate-1', 'gate-1', 'gate-2', 'gate-3']);
  });

  it('are one device each', async () => {
    for (const only of [['gate-1'], ['gate-1', 'gate-1']]) {
      const result = await flash([first, second], ...only.flatMap((name) => ['--only', name]));
      expect(errorCode(result)).toBe('fleet-cards-mismatch');
    }
  });
});
