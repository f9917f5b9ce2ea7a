/**
 * A program that makes small roots into archives and prints their sha256, one a line:
 * `make-root-archive.ts TOOLS STORE FOLDER JOBS INIT`. FOLDER is copied as one of the project's own, STORE holds the
 * scratch. Tests run it as another user and with other numbers of threads.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { initramfsStage } from '../../src/filesystems/initramfs.js';
import { squashfs } from '../../src/filesystems/squashfs.js';
import { volumeStage } from '../../src/filesystems/volume.js';
import { programEnvironment } from '../../src/host/caller-environment.js';
import { fileSha256 } from '../../src/host/file-digest.js';
import { shedCallersSettings } from '../../src/host/own-process.js';
import { readHostFacts } from '../../src/host/read-facts.js';
import { RealHost } from '../../src/host/real-host.js';
import { INITRAMFS_FILE_SYSTEMS, ROOT_COMPRESSIONS } from '../../src/model/initramfs.js';
import { stageReporter } from '../../src/pipeline/reporter.js';
import { Store } from '../../src/pipeline/store.js';
import { filesTree } from '../../src/sources/files-tree.js';

const [root = '', cacheDir = '', path = '', jobs = '1', init = ''] = process.argv.slice(2);
const EPOCH = 1_700_000_000;

await shedCallersSettings();
const { signal } = new AbortController();
const facts = { ...readHostFacts(process.env), cacheDir };
const host = new RealHost({ facts, signal, environment: programEnvironment(process.env), offline: true });
const store = new Store(cacheDir, host);
await store.prepare();
const report = stageReporter({ emit: () => undefined }, 'root');
const common = {
  tools: { root, versions: {} },
  tree: filesTree([{ path, digest: '', normaliseModes: false }], EPOCH),
  sourceDateEpoch: EPOCH,
};
const sums: Record<string, string> = {};

for (const filesystem of INITRAMFS_FILE_SYSTEMS) {
  for (const compression of ROOT_COMPRESSIONS) {
    await store.withScratch(async (work) => {
      const out = join(work, 'out');
      await mkdir(out);
      const input = {
        ...common,
        filesystem,
        compression,
        architecture: 'amd64',
        init: { path: init, digest: '' },
      } as const;
      const context = { host, report, work, shared: store.shared, jobs: Number(jobs), offline: true };
      await initramfsStage.run(input, out, context);
      const made = await initramfsStage.open({ key: '', path: out }, input);
      sums[`${filesystem} ${compression}`] = await fileSha256(made.path);
    });
  }
}
await store.withScratch(async (work) => {
  const out = join(work, 'out');
  await mkdir(out);
  const ids = { number: 1, partUuid: '', fatSerial: '', uuid: '', hashSeed: '' };
  const volume = { label: 'data', sizeBytes: 'fit', headroomBytes: 0 } as const;
  const input = { ...common, volume, ids, alignmentBytes: 2 ** 20 };
  const context = { host, report, work, shared: store.shared, jobs: Number(jobs), offline: true };
  const stage = volumeStage('data', squashfs);
  await stage.run(input, out, context);
  sums.partition = await fileSha256((await stage.open({ key: '', path: out }, input)).path);
});
process.stdout.write(`${JSON.stringify(sums)}\n`);
