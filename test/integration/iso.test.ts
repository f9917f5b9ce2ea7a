import { createHash } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { isGrubBootCode } from '../../src/formats/grub-boot-code.js';
import { readHostFacts } from '../../src/host/read-facts.js';
import { RealHost } from '../../src/host/real-host.js';
import type { Iso, IsoInput } from '../../src/outputs/iso.js';
import { isoStage } from '../../src/outputs/iso.js';
import type { Stage, StageContext } from '../../src/pipeline/stage.js';
import type { DiskLoader } from '../../src/sources/grub/disk-loader.js';
import { diskLoaderStage } from '../../src/sources/grub/disk-loader.js';
import { cli, errorCode } from '../helpers/cli.js';
import { inTools } from '../helpers/small-image.js';
import { unpackPackages } from '../helpers/unpacked-packages.js';

const root = inject('toolsTree');
const tools = { root, versions: {} };
const host = new RealHost({
  facts: readHostFacts(process.env),
  signal: new AbortController().signal,
  environment: process.env,
  offline: false,
});
const report = { step: () => undefined, progress: () => undefined, warn: () => undefined };

/** What a disc may take beside kernel, archive and seed. */
const LOADER_BYTES = 600_000;

let folder: string;
let grub: IsoInput['grub'];
let input: IsoInput;
let runs = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reswarm-iso-'));
  await unpackPackages(host, root, folder, ['grub-pc-bin', 'grub-efi-amd64-bin']);
  grub = { key: 'grub', path: join(folder, 'unpacked/usr/lib/grub'), version: '2.12' };
  await writeFile(join(folder, 'kernel'), Buffer.alloc(1_000_000, 'kernel'));
  await writeFile(join(folder, 'archive'), Buffer.alloc(300_000, 'archive'));
  input = {
    tools,
    grub,
    kernel: { path: join(folder, 'kernel'), digest: 'kernel' },
    archive: { path: join(folder, 'archive'), digest: 'archive', name: 'initramfs.zst' },
    commandLine: 'console=ttyS0 ds=nocloud;s=/ panic=10',
    files: [{ name: 'user-data', text: '#cloud-config\nhostname: disc\n' }],
    label: 'RESWARM',
    id: 'test',
    sourceDateEpoch: 1_767_225_600,
  };
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

async function make<Input, Output>(stage: Stage<Input, Output>, from: Input): Promise<Output> {
  runs += 1;
  const [work, out] = [join(folder, `work-${runs}`), join(folder, `out-${runs}`)];
  for (const path of [work, out]) await mkdir(path);
  const shared = { downloads: folder, ccache: folder, kernelBuilds: folder };
  const context: StageContext = { host, report, shared, work, jobs: 1, offline: true };
  await stage.run(from, out, context);
  return stage.open({ key: 'key', path: out }, from);
}

it('a disc is the same whenever it is made, and another one for other words or another seed', async () => {
  const first = await make<IsoInput, Iso>(isoStage, input);
  // The clock of the machine shows in FAT and ISO 9660 with a precision of two seconds.
  await new Promise((done) => setTimeout(done, 2100));
  expect((await make<IsoInput, Iso>(isoStage, input)).sha256).toBe(first.sha256);
  const others = [
    { ...input, commandLine: 'console=ttyS1' },
    { ...input, files: [{ name: 'user-data', text: '#cloud-config\n' }] },
  ];
  for (const other of others) {
    expect((await make<IsoInput, Iso>(isoStage, other)).sha256).not.toBe(first.sha256);
  }
});

it('a disc starts by BIOS and UEFI, from a drive and from a stick, with a small loader', async () => {
  const { path, sizeBytes } = await make<IsoInput, Iso>(isoStage, input);
  const given = (await stat(input.kernel.path)).size + (await stat(input.archive.path)).size;
  expect(sizeBytes - given).toBeLessThan(LOADER_BYTES);
  await writeFile(join(folder, 'read.iso'), await readFile(path));
  const found = await inTools(root, folder, 'xorriso', [
    ...['-indev', 'read.iso', '-report_el_torito', 'plain', '-report_system_area', 'plain'],
  ]);
  expect(found).toMatch(/El Torito boot img : +1 +BIOS +y/);
  expect(found).toMatch(/El Torito boot img : +2 +UEFI +y/);
  expect(found).toMatch(/System area summary: MBR grub2-mbr/);
  const efi = /MBR partition +: +2 +0x00 +0xef +(\d+) +(\d+)/.exec(found);
  expect(efi, found).not.toBeNull();
  expect(isGrubBootCode((await readFile(path)).subarray(0, 512))).toBe(true);
  await inTools(root, folder, 'xorriso', [
    ...['-osirrox', 'on', '-indev', 'read.iso', '-extract', '/user-data', 'user-data', '-extract', '/boot', 'boot'],
  ]);
  expect(await readFile(join(folder, 'user-data'), 'utf8')).toBe('#cloud-config\nhostname: disc\n');
  const kernel = await readFile(join(folder, 'boot/vmlinuz'));
  expect(kernel.equals(await readFile(input.kernel.path))).toBe(true);
  expect(
    await inTools(root, folder, 'mdir', ['-b', '-/', '-i', `read.iso@@${Number(efi?.[1]) * 512}`, '::']),
  ).toContain('BOOTX64.EFI');
});

it.each(['mbr', 'gpt'] as const)('the loader of a disk with %s is the same whenever it is made', async (table) => {
  const from = { tools, modules: grub, table, partition: 1 };
  const digest = async () => {
    const loader = await make<typeof from, DiskLoader>(diskLoaderStage, from);
    const pieces = await loader.bootCode();
    const hash = createHash('sha256').update(await readFile(loader.efiProgram));
    for (const { bytes } of pieces) hash.update(bytes);
    return { pieces, sha256: hash.digest('hex') };
  };
  const first = await digest();
  expect((await digest()).sha256).toBe(first.sha256);
  const [code, core] = first.pieces;
  expect(code).toMatchObject({ offsetBytes: 0 });
  expect(code?.bytes).toHaveLength(440);
  expect(core?.offsetBytes).toBe(table === 'mbr' ? 512 : 34 * 512);
  expect(core?.bytes.readBigUInt64LE(0x1f4)).toBe(table === 'mbr' ? 2n : 35n);
});

it('no seed is put into a disc: the device would not read it', async () => {
  const { path } = await make<IsoInput, Iso>(isoStage, input);
  const image = join(folder, 'given.iso');
  await copyFile(path, image);
  for (const args of [
    ['inject', image, '--hostname', 'other'],
    ['seed', 'check', '--image', image],
  ]) {
    const refused = await cli([...args, '--json']);
    expect([errorCode(refused), refused.exitCode], args.join(' ')).toEqual(['disc-seed-fixed', 2]);
  }
  expect(await readFile(image)).toEqual(await readFile(path));
});
