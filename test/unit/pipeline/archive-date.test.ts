import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { archiveAsOf, keepArchiveAsOf, knownArchiveAsOf } from '../../../src/pipeline/archive-date.js';
import { Store } from '../../../src/pipeline/store.js';
import { createFakeHost } from '../../helpers/fake-host.js';

let cacheDir: string;
let store: Store;

beforeEach(async () => {
  cacheDir = await mkdtemp(join(tmpdir(), 'reswarm-as-of-'));
  store = new Store(cacheDir, { ...createFakeHost(), signal: new AbortController().signal });
  await store.prepare();
});

afterEach(async () => {
  await rm(cacheDir, { recursive: true });
});

describe('the date for which the archive is looked at', () => {
  it('is the one of the first build, until a refresh is asked for', async () => {
    expect(await knownArchiveAsOf(store)).toBeUndefined();
    const first = await archiveAsOf(store, false);
    expect(await archiveAsOf(store, false)).toBe(first);
    expect(new Date(first).toISOString()).toBe(first);
  });

  it('stays what it was when the archive does not answer a refresh', async () => {
    await keepArchiveAsOf(store, '2026-01-01T00:00:00.000Z');
    expect(await archiveAsOf(store, true)).not.toBe('2026-01-01T00:00:00.000Z');
    expect(await archiveAsOf(store, false)).toBe('2026-01-01T00:00:00.000Z');
  });

  it('is that of a refresh that came to something', async () => {
    await keepArchiveAsOf(store, '2026-01-01T00:00:00.000Z');
    const refreshed = await archiveAsOf(store, true);
    await keepArchiveAsOf(store, refreshed);
    expect(await archiveAsOf(store, false)).toBe(refreshed);
  });
});
