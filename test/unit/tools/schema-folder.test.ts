import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Host } from '../../../src/host/host.js';
import { readHostFacts } from '../../../src/host/read-facts.js';
import { RealHost } from '../../../src/host/real-host.js';
import type { Reporter } from '../../../src/pipeline/reporter.js';
import { Store } from '../../../src/pipeline/store.js';
import { CLOUD_INIT_SCHEMA_FILES, cloudInitSchemaStage } from '../../../src/tools/cloud-init-schema.js';
import { findSchemaFolder, obtainSchemaFolder } from '../../../src/tools/schema-folder.js';

const reporter: Reporter = { emit: () => undefined };

let folder: string;
let host: Host;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'schema-folder-'));
  host = new RealHost({
    facts: { ...readHostFacts(process.env), cacheDir: join(folder, 'cache') },
    signal: new AbortController().signal,
    environment: process.env,
    offline: false,
  });
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

const mirror = (): string => `file:${join(folder, 'mirror')}`;

describe('the schemas of cloud-init without a build', () => {
  it('are the newest of the store, and nothing is fetched then', async () => {
    const store = new Store(host.facts.cacheDir, host);
    await store.prepare();
    const make = async (out: string): Promise<void> => writeFile(join(out, CLOUD_INIT_SCHEMA_FILES[0]), '{}');
    const entry = await store.obtain(cloudInitSchemaStage.name, {}, make, () => undefined);
    expect(await findSchemaFolder(host)).toBe(entry.path);
    expect(await obtainSchemaFolder({ offline: true }, host, reporter)).toBe(entry.path);
  });

  it('are not fetched with --offline', async () => {
    expect(await findSchemaFolder(host)).toBeUndefined();
    await expect(obtainSchemaFolder({ offline: true }, host, reporter)).rejects.toMatchObject({ code: 'offline' });
  });

  it('come from no mirror whose address is none', async () => {
    const options = { offline: false, mirror: 'nonsense' };
    await expect(obtainSchemaFolder(options, host, reporter)).rejects.toMatchObject({ code: 'mirror-invalid' });
  });

  it('come from no archive that cannot be reached', async () => {
    const options = { offline: false, mirror: mirror() };
    await expect(obtainSchemaFolder(options, host, reporter)).rejects.toMatchObject({
      code: 'archive-unreachable',
    });
  });

  it('come from no archive without a signature, and leave nothing behind', async () => {
    await mkdir(join(folder, 'mirror/dists/trixie'), { recursive: true });
    const release = 'Suite: trixie\nCodename: trixie\nComponents: main\nDate: Sat, 01 Nov 2025 00:00:00 UTC\nSHA256:\n';
    await writeFile(join(folder, 'mirror/dists/trixie/Release'), release);
    const options = { offline: false, mirror: mirror() };
    await expect(obtainSchemaFolder(options, host, reporter)).rejects.toMatchObject({ code: 'archive-untrusted' });
    expect(await findSchemaFolder(host)).toBeUndefined();
  });
});
