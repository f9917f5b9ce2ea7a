import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, open, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { MiB } from '../../src/model/bytes.js';
import { bootTree } from '../../src/boot/boot-tree.js';
import { identify } from '../../src/disk/identity.js';
import { fileSystem } from '../../src/filesystems/registry.js';
import { volumeStage } from '../../src/filesystems/volume.js';
import type { CopiedFolder } from '../../src/sources/copy-folder.js';
import { debianTree } from '../../src/sources/debian/root/root-tree.js';
import type { Tree } from '../../src/tools/tree.js';
import { diskFor, scriptFor, twoPartitions } from '../helpers/two-partitions.js';
import { sandboxed } from '../../src/model/sandbox.js';
import { readHostFacts } from '../../src/host/read-facts.js';
import { RealHost } from '../../src/host/real-host.js';
import { writeDisk } from '../../src/outputs/disk.js';

const EPOCH = 1_700_000_000;
const tools = { root: inject('toolsTree'), versions: {} };
const facts = readHostFacts(process.env);
const host = new RealHost({ facts, signal: new AbortController().signal, environment: process.env, offline: true });
const report = { step: () => undefined, progress: () => undefined, warn: () => undefined };
const run = promisify(execFile);

const spec = twoPartitions({ boot: { headroomBytes: MiB }, root: { headroomBytes: 24 * MiB } });
const identity = identify(spec.id, spec.table, spec.partitions);

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reswarm-partitions-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

/** Runs a program of the tools tree with the test's folder at /mnt. */
async function tool(file: string, ...args: readonly string[]): Promise<string> {
  const mounts = [{ source: folder, target: '/mnt', writable: true }];
  const command = sandboxed({ root: tools.root, mounts }, { file, args }, facts.privilege);
  return (await run(command.file, command.args)).stdout;
}

async function context(name: string) {
  const work = join(folder, `${name}-work`);
  await mkdir(work, { recursive: true });
  const shared = {
    downloads: join(folder, 'downloads'),
    ccache: join(folder, 'ccache'),
    kernelBuilds: join(folder, 'kernel-builds'),
  };
  return { host, report, work, shared, jobs: 2, offline: true };
}

async function digestOf(path: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
}

/** Makes the volume of one partition as a build does. */
async function makeVolume(
  name: 'boot' | 'root',
  folderName: string,
  tree: Tree,
  over: { readonly sizeBytes?: number; readonly offsetBytes?: number } = {},
) {
  const volume = spec.volumes[name];
  if (volume === undefined) throw new TypeError(name);
  const stage = volumeStage(name, fileSystem(volume.fs));
  const { sizeBytes = volume.sizeBytes, offsetBytes } = over;
  const input = {
    tools,
    tree,
    volume: { ...volume, sizeBytes },
    ids: identity.partition(name),
    alignmentBytes: spec.alignmentBytes,
    sourceDateEpoch: EPOCH,
    ...(offsetBytes === undefined ? {} : { offsetBytes }),
  };
  const out = join(folder, folderName);
  await mkdir(out);
  await stage.run(input, out, await context(folderName));
  return stage.open({ key: 'k', path: out }, input);
}

async function makeBoot(name: string, { partitions: [boot] }: ReturnType<typeof diskFor>): Promise<string> {
  const kernel = join(folder, 'kernel8.img');
  await writeFile(kernel, Buffer.alloc(3 * MiB, 'kernel'));
  const files = [
    { name: 'kernel8.img', source: kernel, digest: 'x' },
    { name: 'overlays/README', text: 'overlays\n' },
    { name: 'user-data', text: '#cloud-config\n' },
  ];
  const { sizeBytes, offsetBytes } = boot;
  return (await makeVolume('boot', name, await bootTree(files, EPOCH), { sizeBytes, offsetBytes })).path;
}

function rootTree(tar: string, folders: readonly CopiedFolder[], texts: { path: string; text: string }[] = []): Tree {
  return debianTree({
    rootfs: { tar, key: 'x' },
    folders,
    texts,
    mountPoints: [],
    ...(texts.length === 0 ? {} : { osRelease: 'VARIANT_ID="test"\n' }),
    files: [],
    inImage: [],
    sourceDateEpoch: EPOCH,
  });
}

async function makeRoot(name: string): Promise<{ image: string; files: number; bytes: number }> {
  const source = join(folder, `${name}-tree`);
  await mkdir(join(source, 'usr/lib'), { recursive: true });
  await mkdir(join(source, 'etc'));
  await writeFile(join(source, 'etc/shadow'), 'root:*:::::::\n', { mode: 0o640 });
  await run('ln', ['-s', 'usr/lib', join(source, 'lib')]);
  await writeFile(join(source, 'usr/lib/os-release'), 'ID=debian\n');
  await run('ln', ['-s', '../usr/lib/os-release', join(source, 'etc/os-release')]);
  await run('tar', [
    '-C',
    source,
    '--sort=name',
    '--owner=0',
    '--group=42',
    '--numeric-owner',
    `--mtime=@${EPOCH}`,
    '-cf',
    join(folder, `${name}.tar`),
    '.',
  ]);
  const overlay = join(folder, `${name}-overlay`);
  await mkdir(join(overlay, 'lib/modules/6.12'), { recursive: true, mode: 0o700 });
  await writeFile(join(overlay, 'lib/modules/6.12/a.ko'), 'module', { mode: 0o600 });
  await writeFile(join(overlay, 'run.sh'), '#!/bin/sh\n', { mode: 0o700 });
  const tree = rootTree(
    join(folder, `${name}.tar`),
    [{ path: overlay, digest: 'y', normaliseModes: true }],
    [{ path: 'etc/fstab', text: 'PARTUUID=x / ext4\n' }],
  );
  const { path: image, content } = await makeVolume('root', name, tree);
  return { image, ...content };
}

describe('the boot partition', () => {
  const layout = diskFor(spec, { boot: { bytes: 4 * MiB, files: 4 }, root: { bytes: MiB, files: 10 } });

  it('is a FAT32 that fsck and mtools read, with its label, serial and files', async () => {
    await makeBoot('boot-a', layout);
    await tool('fsck.fat', '-n', '/mnt/boot-a/boot.vfat');
    const listing = await tool('mdir', '-/', '-b', '-i', '/mnt/boot-a/boot.vfat', '::/');
    expect(listing.trim().split('\n').sort()).toEqual([
      '::/kernel8.img',
      '::/overlays/',
      '::/overlays/README',
      '::/user-data',
    ]);
    const info = await tool('minfo', '-i', '/mnt/boot-a/boot.vfat', '::/');
    expect(info).toMatch(/FAT32/);
    expect(info).toContain(`serial number: ${layout.partitions[0].fatSerial}`);
    expect(info).toContain(`hidden sectors: ${(4 * MiB) / 512}`);
    expect(await tool('mlabel', '-s', '-i', '/mnt/boot-a/boot.vfat', '::')).toContain('BOOT');
    expect(await tool('mtype', '-i', '/mnt/boot-a/boot.vfat', '::/user-data')).toBe('#cloud-config\n');
  });

  it('is the same to the byte when it is made again', async () => {
    const one = await makeBoot('boot-b', layout);
    await new Promise((resolve) => setTimeout(resolve, 2_100)); // FAT times count in steps of two seconds
    const two = await makeBoot('boot-c', layout);
    expect(await digestOf(two)).toBe(await digestOf(one));
  });
});

describe('the root partition', () => {
  it('is an ext4 that e2fsck passes, with owners, modes, links and overlays as asked', async () => {
    const { image, files } = await makeRoot('root-a');
    await tool('e2fsck', '-fn', '/mnt/root-a/root.ext4');
    const header = await tool('dumpe2fs', '-h', '/mnt/root-a/root.ext4');
    expect(header).toMatch(/Filesystem volume name: +root\n/);
    expect(header).toMatch(/Reserved block count: +0\n/);
    expect(header).toMatch(/Filesystem features: .*has_journal/);
    expect((await stat(image)).size % (4 * MiB)).toBe(0);
    expect(files).toBeGreaterThan(8);
    const show = (path: string): Promise<string> => tool('debugfs', '-R', `stat ${path}`, '/mnt/root-a/root.ext4');
    expect(await show('/etc/shadow')).toMatch(/Mode: +0640[\s\S]*User: +0 +Group: +42/);
    expect(await show('/usr/lib/modules/6.12/a.ko')).toMatch(/Mode: +0644[\s\S]*User: +0 +Group: +0/);
    expect(await show('/usr/lib/modules')).toMatch(/Mode: +0755/);
    expect(await show('/run.sh')).toMatch(/Mode: +0755/);
    expect(await show('/lib')).toMatch(/Type: symlink/);
    expect(await show('/etc/fstab')).toContain('Mode:  0644');
    expect(await show('/etc/fstab')).toContain(`mtime: 0x${EPOCH.toString(16)}`);
  });

  it('is the same to the byte when it is made again', async () => {
    const one = await makeRoot('root-b');
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    const two = await makeRoot('root-c');
    expect(await digestOf(two.image)).toBe(await digestOf(one.image));
  });

  it('says more in os-release than Debian, whose own file it leaves alone', async () => {
    await makeRoot('root-e');
    const cat = (path: string): Promise<string> => tool('debugfs', '-R', `cat ${path}`, '/mnt/root-e/root.ext4');
    expect(await cat('/etc/os-release')).toBe('ID=debian\nVARIANT_ID="test"\n');
    expect(await cat('/usr/lib/os-release')).toBe('ID=debian\n');
  });

  it.each([
    ['folder', 'etc/shadow', 'file'],
    ['file', 'usr/lib', 'folder'],
  ])('refuses an overlay with a %s at %s, where the image has a %s', async (type, place, other) => {
    await makeRoot(`root-${type}`);
    const overlay = join(folder, `${type}-overlay-2`);
    await mkdir(join(overlay, type === 'folder' ? place : 'usr'), { recursive: true });
    if (type === 'file') await writeFile(join(overlay, place), '');
    const tree = rootTree(join(folder, `root-${type}.tar`), [{ path: overlay, digest: 'z', normaliseModes: false }]);
    await expect(makeVolume('root', `root-${type}-2`, tree)).rejects.toMatchObject({
      code: 'overlay-type-differs',
      message: `The overlay ${overlay} has a ${type} ${place}, the image a ${other}`,
    });
  });

  it('refuses a fixed size that cannot hold the content, before anything is written', async () => {
    await run('tar', ['-C', folder, '-cf', join(folder, 'big.tar'), 'kernel8.img']);
    const tree = rootTree(join(folder, 'big.tar'), []);
    await expect(makeVolume('root', 'root-small', tree, { sizeBytes: 4 * MiB })).rejects.toMatchObject({
      code: 'partition-too-small',
    });
    await expect(stat(join(folder, 'root-small', 'root.ext4'))).rejects.toThrow('ENOENT');
  });
});

describe('the disk', () => {
  it('holds both partitions where sfdisk says, and its digest is that of the file', async () => {
    const root = await makeRoot('root-d');
    const layout = diskFor(spec, { boot: { bytes: 4 * MiB, files: 4 }, root });
    const boot = await makeBoot('boot-d', layout);
    const image = join(folder, 'disk.img');
    const target = await open(image, 'wx+');
    const work = (await context('disk')).work;
    const parts = { tools, disk: layout, tableScript: scriptFor(layout), volumes: { boot, root: root.image }, work };
    const written = await writeDisk(parts, target, host, report);
    await target.close();

    expect(written.sizeBytes).toBe((await stat(image)).size);
    expect(written.sha256).toBe(await digestOf(image));
    const { partitiontable } = JSON.parse(await tool('sfdisk', '-J', '/mnt/disk.img')) as {
      partitiontable: {
        label: string;
        id: string;
        partitions: { start: number; size: number; type: string; bootable?: boolean }[];
      };
    };
    expect(partitiontable).toMatchObject({ label: 'dos', id: `0x${layout.diskId}` });
    expect(
      partitiontable.partitions.map(({ start, size, type }) => ({ start: start * 512, size: size * 512, type })),
    ).toEqual([
      { start: layout.partitions[0].offsetBytes, size: layout.partitions[0].sizeBytes, type: 'c' },
      { start: layout.partitions[1].offsetBytes, size: layout.partitions[1].sizeBytes, type: '83' },
    ]);
    expect(await tool('mtype', '-i', `/mnt/disk.img@@${layout.partitions[0].offsetBytes}`, '::/user-data')).toBe(
      '#cloud-config\n',
    );
    const offset = layout.partitions[1].offsetBytes;
    await tool('e2fsck', '-fn', `/mnt/disk.img?offset=${offset}`);
    expect((await stat(image)).blocks * 512).toBeLessThan(written.sizeBytes);
  });
});
