import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, open, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import type { DeviceIdentity } from '../../src/seeds/device/device-identity.js';
import { MiB } from '../../src/model/bytes.js';
import { fileSystem } from '../../src/filesystems/registry.js';
import { volumeStage } from '../../src/filesystems/volume.js';
import { bootTree } from '../../src/boot/boot-tree.js';
import { diskFor, scriptFor, twoPartitions } from '../helpers/two-partitions.js';
import { openFileSystem } from '../../src/formats/file-systems.js';
import { sandboxed } from '../../src/model/sandbox.js';
import { readHostFacts } from '../../src/host/read-facts.js';
import { RealHost } from '../../src/host/real-host.js';
import type { Injection } from '../../src/provision/inject-image.js';
import { injectImage } from '../../src/provision/inject-image.js';
import { withRawImage } from '../../src/images/raw-image.js';
import { reseedImage } from '../../src/provision/reseed-image.js';
import { writeDisk } from '../../src/outputs/disk.js';
import { ed25519Key } from '../helpers/seed-keys.js';

const EPOCH = 1_790_000_000;
const tools = { root: inject('toolsTree'), versions: {} };
const facts = readHostFacts(process.env);
const host = new RealHost({ facts, signal: new AbortController().signal, environment: process.env, offline: true });
const report = { step: () => undefined, progress: () => undefined, warn: () => undefined };
const run = promisify(execFile);
const SECRETS = ['correct horse', 'battery staple'];

let folder: string;
let base: string;
let image: string;
let layout: ReturnType<typeof diskFor>;

/** Runs a program of the tools tree with the test's folder at /mnt. */
async function tool(file: string, ...args: readonly string[]): Promise<string> {
  const mounts = [{ source: folder, target: '/mnt', writable: true }];
  const command = sandboxed(
    { root: tools.root, mounts },
    { file, args, env: { MTOOLS_SKIP_CHECK: '1' } },
    facts.privilege,
  );
  return (await run(command.file, command.args)).stdout;
}

async function digestOf(path: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
}

/** A small image as a build makes it: a boot partition with a seed, a root partition with an fstab and cloud-init's traces. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reswarm-inject-'));
  const work = join(folder, 'work');
  await mkdir(join(folder, 'tree/etc'), { recursive: true });
  await mkdir(join(folder, 'tree/var/lib/cloud/data'), { recursive: true });
  for (const id of ['first', 'second'])
    await mkdir(join(folder, 'tree/var/lib/cloud/instances', id), { recursive: true });
  await mkdir(work);
  const spec = twoPartitions({ boot: { headroomBytes: MiB }, root: { sizeBytes: 32 * MiB, headroomBytes: MiB } });
  layout = diskFor(spec, { boot: { bytes: MiB, files: 8 }, root: { bytes: MiB, files: 20 } });
  const [boot, root] = layout.partitions;
  const uuid = `PARTUUID=${root.partUuid}`;
  await writeFile(join(folder, 'tree/etc/fstab'), `${uuid} / ext4\nPARTUUID=${boot.partUuid} /boot vfat\n`);
  await writeFile(join(folder, 'tree/var/lib/cloud/data/instance-id'), 'second\n');
  const files = [
    { name: 'user-data', text: await readFile('cloud-init/user-data', 'utf8') },
    { name: 'meta-data', text: 'instance-id: second\n' },
    { name: 'network-config', text: await readFile('cloud-init/network-config', 'utf8') },
    { name: 'cmdline.txt', text: `console=tty1 root=${uuid} ds=nocloud;i=second rootwait\n` },
    { name: 'config.txt', text: '[all]\nkernel=kernel8.img\n' },
    { name: 'overlays/README', text: 'overlays\n' },
  ];
  await volumeStage('boot', fileSystem('vfat')).run(
    {
      tools,
      tree: await bootTree(files, EPOCH),
      volume: { label: boot.label, sizeBytes: boot.sizeBytes, headroomBytes: MiB },
      ids: boot,
      alignmentBytes: spec.alignmentBytes,
      offsetBytes: boot.offsetBytes,
      sourceDateEpoch: EPOCH,
    },
    work,
    { host, report, work, shared: { downloads: folder, ccache: folder, kernelBuilds: folder }, jobs: 1, offline: true },
  );
  await tool('truncate', '-s', String(root.sizeBytes), '/mnt/root.ext4');
  await tool('mke2fs', '-q', '-t', 'ext4', '-d', '/mnt/tree', '/mnt/root.ext4');
  base = join(folder, 'base.img');
  const target = await open(base, 'wx+');
  const volumes = { boot: join(work, 'boot.vfat'), root: join(folder, 'root.ext4') };
  await writeDisk({ tools, disk: layout, tableScript: scriptFor(layout), volumes, work }, target, host, report);
  await target.close();
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});
beforeEach(async () => {
  image = join(folder, 'device.img');
  await copyFile(base, image);
});

const options = (identity: DeviceIdentity) => ({
  image,
  identity,
  projectDir: '.',
  sourceDateEpoch: EPOCH,
  uniqueDisk: false,
  confirm: () => Promise.reject(new Error('no card is expected here')),
});
const give = (identity: DeviceIdentity, more = {}): Promise<Injection> =>
  injectImage({ ...options(identity), ...more }, host);
const typed = (path: string): Promise<string> =>
  tool('mtype', '-i', `/mnt/device.img@@${layout.partitions[0].offsetBytes}`, `::/${path}`);

/** Both file systems, judged by their own checkers. */
async function judge(): Promise<void> {
  const [boot, root] = layout.partitions;
  const blocks = ['bs=1M', `skip=${boot.offsetBytes / MiB}`, `count=${boot.sizeBytes / MiB}`];
  await tool('dd', 'if=/mnt/device.img', 'of=/mnt/boot.vfat', 'status=none', ...blocks);
  await tool('fsck.fat', '-n', '/mnt/boot.vfat');
  await tool('e2fsck', '-fn', `/mnt/device.img?offset=${root.offsetBytes}`);
}

const GATE: DeviceIdentity = {
  hostname: 'gate-7',
  users: [{ name: 'ada', password: 'battery staple' }],
  sshKeys: [ed25519Key],
  wifi: [{ ssid: 'workshop', password: 'correct horse', country: 'DE' }],
  timezone: 'Europe/Berlin',
  configTxt: ['dtparam=audio=on'],
  files: [{ path: 'overlays/mine.dtbo', content: Buffer.alloc(3000, 1) }],
};

describe('an injection', () => {
  it('is read by mtools as it was asked for, and leaves both file systems sound', async () => {
    const done = await give(GATE);
    await judge();
    expect(await typed('user-data')).toContain('"name":"ada"');
    expect(await typed('user-data')).toContain(ed25519Key);
    expect(await typed('user-data')).toContain('timezone: "Europe/Berlin"');
    expect(await typed('meta-data')).toContain('local-hostname: "gate-7"');
    expect(await typed('network-config')).toContain('regulatory-domain: "DE"');
    expect(await typed('config.txt')).toBe('[all]\nkernel=kernel8.img\ndtparam=audio=on\n');
    expect(await typed('overlays/mine.dtbo')).toBe('\u0001'.repeat(3000));
    expect(await typed('overlays/README')).toBe('overlays\n');
    expect(done.instanceId).toMatch(/^reswarm-[0-9a-f]{16}$/);
    expect(await typed('meta-data')).toContain(`instance-id: "${done.instanceId}"`);
    expect(await typed('cmdline.txt')).toContain(`ds=nocloud;i=${done.instanceId} rootwait`);
  });

  it('changes not one byte the second time', async () => {
    await give(GATE);
    const before = await digestOf(image);
    expect(await give(GATE)).toMatchObject({ changed: false, writtenBytes: 0 });
    expect(await digestOf(image)).toBe(before);
  });

  it('gives another instance where the content is another, and the same where it is the same', async () => {
    const first = await give({ hostname: 'a' });
    const second = await give({ hostname: 'b' });
    const third = await give({ hostname: 'b', files: [{ path: 'x', content: 'no part of the seed' }] });
    expect(new Set(['second', first.instanceId, second.instanceId]).size).toBe(3);
    expect(third).toMatchObject({ changed: true, instanceId: second.instanceId });
    await judge();
  });

  it('reads and writes a few KiB, whatever the size of the image', async () => {
    const { readBytes, writtenBytes } = await give(GATE);
    expect(readBytes + writtenBytes).toBeLessThan(256 * 1024);
  });

  it('keeps secrets to itself: no clear text in the image, which only its owner may read', async () => {
    const done = await give(GATE);
    const bytes = await readFile(image);
    for (const secret of SECRETS) {
      expect(bytes.includes(secret)).toBe(false);
      expect(JSON.stringify(done)).not.toContain(secret);
    }
    expect((await stat(image)).mode & 0o777).toBe(0o600);
  });

  it('gives the disk an id of its own, which cmdline.txt and fstab know', async () => {
    const { diskId, fatSerial } = await give({ hostname: 'a' }, { uniqueDisk: true });
    await judge();
    expect(diskId).not.toBe(layout.diskId);
    expect(JSON.parse(await tool('sfdisk', '-J', '/mnt/device.img'))).toMatchObject({
      partitiontable: { id: `0x${diskId}` },
    });
    expect(await typed('cmdline.txt')).toContain(`root=PARTUUID=${diskId}-02`);
    const root = `/mnt/device.img?offset=${layout.partitions[1].offsetBytes}`;
    expect(await tool('debugfs', '-R', 'cat /etc/fstab', root)).toBe(
      `PARTUUID=${diskId}-02 / ext4\nPARTUUID=${diskId}-01 /boot vfat\n`,
    );
    const info = await tool('minfo', '-i', `/mnt/device.img@@${layout.partitions[0].offsetBytes}`, '::/');
    expect(info).toContain(`serial number: ${fatSerial}`);
    expect(await give({ hostname: 'a' }, { uniqueDisk: true })).toMatchObject({ changed: false });
  });

  it('puts one .flock into the place of another', async () => {
    const flock = (path: string) => ({ files: [{ path, content: '{}', replaces: /\.(flock|reswarm)$/i }] });
    await give(flock('old.reswarm'));
    expect(await give(flock('new.flock'))).toMatchObject({ written: ['new.flock'], removed: ['old.reswarm'] });
    await judge();
  });

  it.each(['out.img', 'out.img.gz', 'out.img.zst', 'out.img.xz'])('writes a new image %s', async (name) => {
    const output = join(folder, name);
    await give({ hostname: 'gate-7' }, { output });
    expect(await digestOf(image)).toBe(await digestOf(base));
    await give({ hostname: 'gate-7' });
    const unpack = { gz: 'gzip', zst: 'zstd', xz: 'xz' }[name.split('.')[2] ?? ''];
    const bytes =
      unpack === undefined
        ? await readFile(output)
        : (await run(unpack, ['-dc', output], { encoding: 'buffer', maxBuffer: 2 ** 30 })).stdout;
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(await digestOf(image));
    expect((await stat(output)).mode & 0o777).toBe(0o600);
    // And a packed one is a base again.
    if (unpack !== undefined) {
      const next = join(folder, `next-${name}.img`);
      await injectImage({ ...options({ hostname: 'gate-7' }), image: output, output: next }, host);
      expect(await digestOf(next)).toBe(await digestOf(image));
    }
  });
});

describe('an injection that cannot be', () => {
  it.each<[string, string, Partial<DeviceIdentity>, (path: string) => Promise<unknown>]>([
    ['an image that is not there', 'image-not-found', {}, (path) => rm(path)],
    ['what is no image', 'not-an-image', {}, (path) => writeFile(path, 'x'.repeat(4096))],
    [
      'an image that is cut off',
      'image-truncated',
      {},
      (path) => tool('truncate', '-s', '8M', path.replace(folder, '/mnt')),
    ],
    ['a packed image', 'image-compressed', {}, (path) => writeFile(path, Buffer.from('1f8b0800', 'hex'))],
    [
      'a folder',
      'not-an-image',
      {},
      async (path) => {
        await rm(path);
        await mkdir(path);
      },
    ],
    [
      'a file that does not fit',
      'boot-partition-full',
      { files: [{ path: 'x', content: Buffer.alloc(64 * MiB) }] },
      () => Promise.resolve(),
    ],
    [
      'a seed that is too large',
      'seed-too-large',
      { userData: { file: 'u', text: `#cloud-config\n#${'x'.repeat(MiB)}\n` } },
      () => Promise.resolve(),
    ],
    [
      'a seed with faults',
      'seed-no-header',
      { userData: { file: 'u', text: 'runcmd: []\n' } },
      () => Promise.resolve(),
    ],
  ])('%s is refused, and nothing is written', async (_, code, identity, prepare) => {
    await prepare(image);
    const isFile = async (): Promise<string> =>
      (await stat(image).catch(() => undefined))?.isFile() ? digestOf(image) : '';
    const before = await isFile();
    await expect(give({ hostname: 'a', ...identity })).rejects.toMatchObject({ code });
    expect(await isFile()).toBe(before);
    await rm(image, { recursive: true, force: true });
  });
});

describe('a root partition that nobody has mounted', () => {
  it('is read as debugfs reads it', async () => {
    const { offsetBytes, sizeBytes } = layout.partitions[1];
    await withRawImage(base, host, async ({ read }) => {
      const { reader } = await openFileSystem((at, size) => read(offsetBytes + at, size), sizeBytes, 'the root');
      const place = `/mnt/base.img?offset=${offsetBytes}`;
      expect((await reader?.readFile('/etc/fstab'))?.toString()).toBe(
        await tool('debugfs', '-R', 'cat /etc/fstab', place),
      );
      const instances = await reader?.list('/var/lib/cloud/instances');
      expect(instances?.map(({ path }) => path)).toEqual([
        '/var/lib/cloud/instances/first',
        '/var/lib/cloud/instances/second',
      ]);
      expect(await reader?.readFile('/var/lib/cloud/none')).toBeUndefined();
    });
  });
});

describe('a reseed', () => {
  it('finds what the card has been, and gives an instance that it never was', async () => {
    const done = await reseedImage(options({ hostname: 'b' }), host);
    expect(done.card).toMatchObject({ hasBooted: true, instanceId: 'second', instances: ['first', 'second'] });
    expect(done.changed).toBe(true);
    const again = await reseedImage(options({ hostname: 'b' }), host);
    expect(new Set(['first', 'second', done.instanceId, again.instanceId]).size).toBe(4);
    expect(await typed('cmdline.txt')).toContain(`i=${again.instanceId}`);
    await judge();
  });
});
