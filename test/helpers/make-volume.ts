/**
 * A program that makes a small ext4 volume as a build does, and prints its sha256: `make-volume.ts TOOLS STORE FOLDER`.
 * FOLDER is copied as one of the project's own, STORE holds the scratch. Tests run it in odd surroundings.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ext4 } from '../../src/filesystems/ext4.js';
import { volumeStage } from '../../src/filesystems/volume.js';
import { programEnvironment } from '../../src/host/caller-environment.js';
import { shedCallersSettings } from '../../src/host/own-process.js';
import { fileSha256 } from '../../src/host/file-digest.js';
import { readHostFacts } from '../../src/host/read-facts.js';
import { RealHost } from '../../src/host/real-host.js';
import { stageReporter } from '../../src/pipeline/reporter.js';
import { Store } from '../../src/pipeline/store.js';
import { scriptsIn } from '../../src/pipeline/tree-digest.js';
import { filesTree } from '../../src/sources/files-tree.js';

const [tools = '', cacheDir = '', path = ''] = process.argv.slice(2);
const EPOCH = 1_700_000_000;
const IDS = {
  number: 1,
  partUuid: '12345678-01',
  fatSerial: '12345678',
  uuid: '11111111-2222-4333-8444-555555555555',
  hashSeed: '66666666-7777-4888-9999-aaaaaaaaaaaa',
};

await shedCallersSettings();
const { signal } = new AbortController();
const facts = { ...readHostFacts(process.env), cacheDir };
const host = new RealHost({ facts, signal, environment: programEnvironment(process.env), offline: true });
const store = new Store(cacheDir, host);
await store.prepare();
const folder = { path, digest: '', normaliseModes: true, programs: await scriptsIn(path) };
await store.withScratch(async (work) => {
  const out = join(work, 'out');
  await mkdir(out);
  const input = {
    tools: { root: tools, versions: {} },
    volume: { label: 'data', sizeBytes: 32 * 2 ** 20, headroomBytes: 0 },
    tree: filesTree([folder], EPOCH),
    ids: IDS,
    alignmentBytes: 2 ** 20,
    sourceDateEpoch: EPOCH,
  };
  const report = stageReporter({ emit: () => undefined }, 'volume');
  await volumeStage('data', ext4).run(input, out, { host, report, work, shared: store.shared, jobs: 1, offline: true });
  process.stdout.write(`${await fileSha256(join(out, 'data.ext4'))}\n`);
});
