import { mkdir, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { bootTree } from '../../src/boot/boot-tree.js';
import { raspberryPi } from '../../src/boot/raspberry-pi.js';
import { fstabRows } from '../../src/build/debian/root-tree-node.js';
import { readImageSpec } from '../../src/config/image/read-image-spec.js';
import { configPlaces } from '../../src/config/places.js';
import { diskOf } from '../../src/disk/disk.js';
import { identify } from '../../src/disk/identity.js';
import { fileSystem } from '../../src/filesystems/registry.js';
import { volumeSize } from '../../src/filesystems/size.js';
import { volumeStage } from '../../src/filesystems/volume.js';
import { formatFstab } from '../../src/formats/fstab.js';
import { readHostFacts } from '../../src/host/read-facts.js';
import { RealHost } from '../../src/host/real-host.js';
import type { ImageSpec } from '../../src/model/image-spec.js';
import { sha256 } from '../../src/model/sha256.js';
import { writeDisk } from '../../src/outputs/disk.js';
import { filesTree } from '../../src/sources/files-tree.js';
import type { Tree } from '../../src/tools/tree.js';
import { scriptFor } from '../helpers/two-partitions.js';

const PROJECT = join(import.meta.dirname, '../..');
const RECORD = join(PROJECT, 'test/fixtures/golden-images.json');
const EPOCH = 1_790_000_000;
/** Their versions decide bytes: with others only what we write ourselves is compared. */
const TOOLS = ['e2fsprogs', 'dosfstools', 'mtools', 'fdisk'];

type Golden = { readonly texts: string; readonly table: string; readonly image: string };
type Recorded = { readonly tools: Readonly<Record<string, string>>; readonly images: Readonly<Record<string, Golden>> };

const BOARDS = ['cm3', 'cm4', 'cm5', 'pc-amd64', 'rpi', 'rpi3', 'rpi4', 'rpi5', 'rpizero2w', 'virt-arm64'];

const tools = { root: inject('toolsTree'), versions: {} };
const facts = readHostFacts(process.env);
const host = new RealHost({ facts, signal: new AbortController().signal, environment: process.env, offline: true });
const report = { step: () => undefined, progress: () => undefined, warn: () => undefined };
const made: Record<string, Golden> = {};
let folder: string;
let versions: Record<string, string>;
let recorded: Recorded;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reswarm-golden-'));
  const all = JSON.parse(await readFile(join(dirname(tools.root), 'versions.json'), 'utf8')) as Record<string, string>;
  versions = Object.fromEntries(TOOLS.map((name) => [name, all[name] ?? 'absent']));
  recorded = JSON.parse(await readFile(RECORD, 'utf8').catch(() => '{"tools":{},"images":{}}')) as Recorded;
});

afterAll(async () => {
  await rm(folder, { recursive: true });
  // After a change on purpose: RECORD_GOLDEN_IMAGES=1 npx vitest run --project integration test/integration/golden-images.test.ts
  if (process.env.RECORD_GOLDEN_IMAGES === undefined) return;
  await writeFile(RECORD, `${JSON.stringify({ tools: versions, images: made }, undefined, 2)}\n`);
});

/** The board's own texts and disk, around small trees that are the same for all boards. */
async function goldenOf(board: string): Promise<Golden> {
  const { spec } = await readImageSpec({ board }, configPlaces(PROJECT, PROJECT));
  const identity = identify(spec.id, spec.table, spec.partitions);
  const texts = bootTexts(spec, identity.partition('root').partUuid);
  const fstab = formatFstab(fstabRows(spec, identity));
  const work = join(folder, board);
  await mkdir(join(work, 'root/etc'), { recursive: true, mode: 0o755 });
  await writeFile(join(work, 'root/etc/fstab'), fstab);
  await writeFile(join(work, 'root/etc/hostname'), `${spec.hostname}\n`);
  const root = filesTree([{ path: join(work, 'root'), digest: '', normaliseModes: true }], EPOCH);
  const boot = await bootTree(texts, EPOCH);
  const disk = await makeDisk(spec, { boot, root }, work);
  return {
    texts: sha256(JSON.stringify([fstab, ...texts])),
    table: sha256(disk.script),
    image: disk.sha256,
  };
}

function bootTexts(spec: ImageSpec, partUuid: string): readonly { readonly name: string; readonly text: string }[] {
  const parts = {
    kernel: { key: 'k', image: '/', imageGz: '/', deviceTrees: '/' },
    firmware: undefined,
    overlays: { key: 'o', path: '/' },
  };
  const files = raspberryPi.files(spec, parts, { partUuid, fsType: 'ext4' });
  return files.flatMap((file) => ('text' in file ? [file] : [{ name: file.name, text: `${file.digest}\n` }]));
}

async function makeDisk(spec: ImageSpec, trees: Readonly<Record<'boot' | 'root', Tree>>, work: string) {
  const identity = identify(spec.id, spec.table, spec.partitions);
  const make = async (name: 'boot' | 'root', over: { readonly sizeBytes?: number; readonly offsetBytes?: number }) => {
    const volume = spec.volumes[name];
    if (volume === undefined) throw new TypeError(name);
    const stage = volumeStage(name, fileSystem(volume.fs));
    const [out, scratch] = [join(work, `${name}-out`), join(work, `${name}-work`)];
    await mkdir(out);
    await mkdir(scratch);
    const { alignmentBytes } = spec;
    const input = {
      tools,
      tree: trees[name],
      volume: { ...volume, sizeBytes: over.sizeBytes ?? volume.sizeBytes },
      ids: identity.partition(name),
      alignmentBytes,
      sourceDateEpoch: EPOCH,
      ...(over.offsetBytes === undefined ? {} : { offsetBytes: over.offsetBytes }),
    };
    const shared = { downloads: work, ccache: work, kernelBuilds: work };
    await stage.run(input, out, { host, report, work: scratch, shared, jobs: 1, offline: true });
    return stage.open({ key: '', path: out }, input);
  };
  const root = await make('root', {});
  const { boot: bootVolume } = spec.volumes;
  const { content } = trees.boot;
  if (bootVolume === undefined || content === undefined) throw new TypeError('boot');
  const bootBytes = volumeSize('boot', bootVolume, content, fileSystem('vfat'), spec.alignmentBytes);
  const sizes = new Map([
    ['boot', bootBytes],
    ['root', root.sizeBytes],
  ]);
  const disk = diskOf(spec, identity, sizes);
  const [first] = disk.partitions;
  const boot = await make('boot', { sizeBytes: bootBytes, offsetBytes: first?.offsetBytes ?? 0 });
  const script = scriptFor(disk);
  const target = await open(join(work, 'disk.img'), 'wx+');
  const volumes = { boot: boot.path, root: root.path };
  const written = await writeDisk({ tools, disk, tableScript: script, volumes, work }, target, host, report);
  await target.close();
  return { script, sha256: written.sha256 };
}

describe('a small image of each shipped board', () => {
  it.each(BOARDS)('of %s has the bytes that it always had', async (board) => {
    const golden = await goldenOf(board);
    made[board] = golden;
    if (process.env.RECORD_GOLDEN_IMAGES !== undefined) return;
    const known = recorded.images[board];
    const isSameTools = TOOLS.every((name) => recorded.tools[name] === versions[name]);
    expect(golden).toEqual(isSameTools ? known : { ...known, image: golden.image });
  });
});
