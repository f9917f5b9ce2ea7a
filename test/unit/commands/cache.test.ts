import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import CacheClear from '../../../src/commands/cache/clear.js';
import CacheList from '../../../src/commands/cache/list.js';
import CachePrune from '../../../src/commands/cache/prune.js';
import { captureOutput } from '../../helpers/captured-output.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));
let folder: string;
const output = captureOutput();

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cache-command-'));
  vi.stubEnv('XDG_CACHE_HOME', folder);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

describe('cache', () => {
  it('lists an empty store, for people and as JSON', async () => {
    await CacheList.run([], { root });
    expect(output.stdout).toBe(`${folder}/reswarm-os/v1 is empty.\n`);
    output.stdout = '';
    await CacheList.run(['--json'], { root });
    expect(JSON.parse(output.stdout)).toMatchObject({ entries: [], totalBytes: 0 });
  });

  it('prunes an empty store without complaint', async () => {
    await CachePrune.run(['--keep', '1'], { root });
    expect(output.stdout).toBe('Nothing to remove.\n');
  });

  it('refuses an age that is none', async () => {
    await CachePrune.run(['--older-than', '3x'], { root });
    expect(output.stderr).toContain('[invalid-age]');
    expect(process.exitCode).toBe(2);
  });

  it('does not clear without an answer', async () => {
    await CacheClear.run([], { root });
    expect(output.stderr).toContain('[confirmation-needed]');
    expect(process.exitCode).toBe(2);
  });
});
