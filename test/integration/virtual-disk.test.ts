import { mkdtemp, mkdir, open, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { fileReader } from '../../src/host/file-reader.js';
import { fileSha256 } from '../../src/host/file-digest.js';
import { readHostFacts } from '../../src/host/read-facts.js';
import { RealHost } from '../../src/host/real-host.js';
import { readExactly } from '../../src/model/read-at.js';
import type { MadeOutput } from '../../src/outputs/output.js';
import { virtualDiskStage } from '../../src/outputs/virtual-disk.js';
import { inTools, makeSmallImage } from '../helpers/small-image.js';

const tools = inject('toolsTree');
const signal = new AbortController().signal;
const host = new RealHost({ facts: readHostFacts(process.env), signal, environment: process.env, offline: true });
const report = { step: () => undefined, progress: () => undefined, warn: () => undefined };
let folder: string;
let image: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reswarm-virtual-'));
  ({ image } = await makeSmallImage(tools, folder));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

async function convert(format: 'qcow2' | 'vmdk', name: string): Promise<MadeOutput> {
  const [out, work] = [join(folder, `${name}-out`), join(folder, `${name}-work`)];
  for (const path of [out, work]) await mkdir(path);
  const file = await open(image);
  try {
    const { size } = await file.stat();
    await virtualDiskStage.run(
      {
        imageKey: 'the same',
        format,
        tools: { root: tools, versions: {} },
        image: {
          read: (use) => use(readExactly(fileReader(file)), size),
          async writeBeside(suffix, write) {
            const target = await open(join(folder, name + suffix), 'w');
            return write(target).finally(() => target.close());
          },
        },
      },
      out,
      { host, report, work, jobs: 2, offline: true, shared: { ccache: '', kernelBuilds: '', downloads: '' } },
    );
  } finally {
    await file.close();
  }
  return JSON.parse(await readFile(join(out, 'output.json'), 'utf8')) as MadeOutput;
}

it.each(['qcow2', 'vmdk'] as const)('a %s is the image, and the same bytes twice', async (format) => {
  const first = await convert(format, `first-${format}`);
  const second = await convert(format, `second-${format}`);
  const path = join(folder, `first-${format}.${format}`);
  expect(first).toEqual({ sizeBytes: (await stat(path)).size, sha256: await fileSha256(path) });
  expect(second).toEqual(first);
  const raw = join(folder, `${format}.raw`);
  await inTools(tools, folder, 'qemu-img', ['convert', '-O', 'raw', `first-${format}.${format}`, `${format}.raw`]);
  expect(await fileSha256(raw)).toBe(await fileSha256(image));
});
