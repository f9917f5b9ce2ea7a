import { spawn } from 'node:child_process';
import { appendFile, mkdtemp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { deviceStates, parseRecord, type FleetEvent } from '../../../src/fleet/record-lines.js';
import { isClaimed, thisClaimant } from '../../../src/fleet/fleet-claims.js';
import { readRecord, recordPathOf, recordWritten, updateRecord } from '../../../src/fleet/fleet-record.js';

let folder: string;
let record: string;
const { signal } = new AbortController();

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reswarm-record-'));
  record = join(folder, 'gates.written.ndjson');
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

const written = (device: string, cid = 'aa') => ({
  device,
  at: '2026-11-21T10:00:00.000Z',
  card: { path: '/dev/sdb', cid },
  imageSha256: '00'.repeat(32),
});

describe('the record of a fleet', () => {
  it.each([
    ['/x/gates.yaml', '/x/gates.written.ndjson'],
    ['/x/gates.csv', '/x/gates.written.ndjson'],
    ['/x/flocks', '/x/flocks.written.ndjson'],
    ['/x/v1.2', '/x/v1.2.written.ndjson'],
  ])('of %s lies at %s', (fleet, path) => {
    expect(recordPathOf(fleet)).toBe(path);
  });

  it('is empty before anything was written', async () => {
    expect(await readRecord(record)).toEqual({ events: [], unreadableLines: [] });
  });

  it('gives back what was noted, and is private', async () => {
    await recordWritten(record, written('a'));
    await recordWritten(record, { ...written('b'), seedSha256: '11'.repeat(32) });
    const { events } = await readRecord(record);
    expect(events).toEqual([
      { event: 'written', ...written('a') },
      { event: 'written', ...written('b'), seedSha256: '11'.repeat(32) },
    ]);
    expect((await stat(record)).mode & 0o777).toBe(0o600);
  });

  it('keeps what stands before and after a line that a power cut has torn', async () => {
    await recordWritten(record, written('a'));
    await recordWritten(record, written('b'));
    await truncate(record, (await stat(record)).size - 20);
    expect(await readRecord(record)).toMatchObject({ events: [{ device: 'a' }], unreadableLines: [2] });
    await recordWritten(record, written('c'));
    const { events, unreadableLines } = await readRecord(record);
    expect(events.map(({ device }) => device)).toEqual(['a', 'c']);
    expect(unreadableLines).toEqual([2]);
  });

  it('counts a last line that lost its line end only', async () => {
    await recordWritten(record, written('a'));
    await truncate(record, (await stat(record)).size - 1);
    await recordWritten(record, written('b'));
    expect(await readRecord(record)).toMatchObject({ events: [{ device: 'a' }, { device: 'b' }], unreadableLines: [] });
  });

  it.each([
    '{}',
    '[]',
    'null',
    '{"event":"written","device":"a","at":"x"}',
    '{"event":"other","device":"a","at":"x"}',
    'x',
  ])('does not take %s for an event', (line) => {
    expect(parseRecord(`${line}\n`)).toEqual({ events: [], unreadableLines: [1] });
  });

  it('refuses a place that cannot be written to, and one that cannot be read', async () => {
    await expect(recordWritten(join(folder, 'no/record'), written('a'))).rejects.toMatchObject({
      code: 'fleet-record-unwritable',
    });
    await expect(readRecord(folder)).rejects.toMatchObject({ code: 'fleet-record-unreadable' });
  });

  it('loses no line of many that are added at once', async () => {
    const names = Array.from({ length: 40 }, (_, index) => `d${index}`);
    await Promise.all(names.map((name) => recordWritten(record, written(name))));
    const { events } = await readRecord(record);
    expect(events.map(({ device }) => device).toSorted()).toEqual(names.toSorted());
  });

  it('lets one at a time decide by what it holds', async () => {
    const take = () =>
      updateRecord(record, signal, ({ events }): FleetEvent[] => [
        { event: 'released', device: `d${events.length}`, at: 'now' },
      ]);
    await Promise.all(Array.from({ length: 20 }, take));
    const { events } = await readRecord(record);
    expect(events.map(({ device }) => device)).toEqual(Array.from({ length: 20 }, (_, index) => `d${index}`));
  });

  it('is never written anew: what stands in it stays byte for byte', async () => {
    await writeFile(record, 'not ours\n');
    await recordWritten(record, written('a'));
    const before = await readFile(record, 'utf8');
    await recordWritten(record, written('b'));
    expect((await readFile(record, 'utf8')).startsWith(before)).toBe(true);
    expect(before.startsWith('not ours\n')).toBe(true);
  });
});

describe('claims', () => {
  const claimed = async (line: object) => {
    await appendFile(
      record,
      `${JSON.stringify({ event: 'claimed', device: 'a', at: new Date().toISOString(), ...line })}\n`,
    );
    return deviceStates((await readRecord(record)).events).get('a') ?? { written: [] };
  };

  it('hold while their process runs', async () => {
    expect(isClaimed(await claimed({ by: thisClaimant() }))).toBe(true);
  });

  it('end with their process', async () => {
    const child = spawn('true');
    const { pid } = child;
    await new Promise((resolve) => child.on('close', resolve));
    expect(isClaimed(await claimed({ by: { host: hostname(), pid, startedAt: '1' } }))).toBe(false);
  });

  it('are not those of a later process with the same number', async () => {
    expect(isClaimed(await claimed({ by: { ...thisClaimant(), startedAt: '1' } }))).toBe(false);
  });

  it('of another machine hold for hours', async () => {
    const state = await claimed({ by: { host: 'elsewhere.example.org', pid: 1 } });
    expect(isClaimed(state)).toBe(true);
    expect(isClaimed(state, Date.now() + 13 * 60 * 60 * 1000)).toBe(false);
  });

  it('end by being written or released', async () => {
    for (const event of ['released', 'written']) {
      await claimed({ by: thisClaimant() });
      await appendFile(record, `${JSON.stringify({ event, ...written('a') })}\n`);
      expect(isClaimed(deviceStates((await readRecord(record)).events).get('a') ?? { written: [] })).toBe(false);
    }
  });
});
