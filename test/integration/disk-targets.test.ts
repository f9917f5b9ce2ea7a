import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, open, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { MiB } from '../../src/model/bytes.js';
import { ext4 } from '../../src/filesystems/ext4.js';
import { fat32Geometry } from '../../src/formats/fat/geometry.js';
import { diskFor, scriptFor, twoPartitions } from '../helpers/two-partitions.js';
import { DeviceRefusedError } from '../../src/errors.js';
import type { Host } from '../../src/host/host.js';
import { readHostFacts } from '../../src/host/read-facts.js';
import { RealHost } from '../../src/host/real-host.js';
import { claimDevice, withDeviceOpen } from '../../src/drives/claim.js';
import type { StageReporter } from '../../src/pipeline/reporter.js';
import { withLoopDevice } from '../../src/drives/loop-device.js';
import { writeDeviceDisk } from '../../src/build/write-device-disk.js';
import { withStagedFiles } from '../../src/images/staged-files.js';
import type { BuildTarget } from '../../src/build/write-target.js';
import { writeTarget } from '../../src/build/write-target.js';
import type { DiskParts } from '../../src/outputs/disk.js';
import { BOOT_TEXTS, inTools } from '../helpers/small-image.js';

const root = inject('toolsTree');
const run = promisify(execFile);
const silent = { step: () => undefined, progress: () => undefined, warn: () => undefined };

let abort: AbortController;
let host: RealHost;
let folder: string;
let parts: DiskParts;

/** A loop device that stands for a card which was in use before: nothing on it is zero. */
let card: string;
const CARD_SPARE_BYTES = 8 * MiB;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reswarm-targets-'));
  const content = { bytes: MiB, files: 20 };
  const disk = diskFor(twoPartitions({ root: { sizeBytes: 24 * MiB } }), { boot: content, root: content });
  const [boot, rootPartition] = disk.partitions;
  await mkdir(join(folder, 'boot'));
  await mkdir(join(folder, 'root'));
  await mkdir(join(folder, 'work'));
  for (const [name, text] of Object.entries(BOOT_TEXTS)) {
    if (!name.includes('/')) await writeFile(join(folder, 'boot', name), text);
    await writeFile(join(folder, 'root', name.replace('/', '-')), text.repeat(300));
  }
  await writeFile(join(folder, 'boot.vfat'), '');
  await truncate(join(folder, 'boot.vfat'), boot.sizeBytes);
  await inTools(root, folder, 'mkfs.fat', [
    '-F',
    '32',
    '-s',
    (fat32Geometry(boot.sizeBytes).clusterBytes / 512).toString(),
    '-a',
    'boot.vfat',
  ]);
  await inTools(root, folder, 'mcopy', ['-sQ', '-i', 'boot.vfat', 'boot', '::/']);
  await writeFile(join(folder, 'root.ext4'), '');
  await truncate(join(folder, 'root.ext4'), rootPartition.sizeBytes);
  const request = { label: 'root', ids: rootPartition, sizeBytes: 24 * MiB, content, sourceDateEpoch: 0 };
  const { args } = ext4.makeCommand(request, 'root.ext4');
  const fromRoot = args.map((arg) => (arg === '/mnt' ? 'root' : arg));
  await inTools(root, folder, 'mke2fs', fromRoot);
  parts = {
    tools: { root, versions: {} },
    disk,
    tableScript: scriptFor(disk),
    volumes: { boot: join(folder, 'boot.vfat'), root: join(folder, 'root.ext4') },
    work: join(folder, 'work'),
  };
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

beforeEach(async () => {
  abort = new AbortController();
  host = new RealHost({
    facts: readHostFacts(process.env),
    signal: abort.signal,
    environment: process.env,
    offline: true,
  });
  await writeFile(join(folder, 'card.img'), Buffer.alloc(parts.disk.totalBytes + CARD_SPARE_BYTES, 0xa5));
  card = await attach('card.img');
});

afterEach(async () => {
  await run('losetup', ['--detach', card]);
});

async function attach(name: string): Promise<string> {
  const { stdout } = await run('losetup', ['--find', '--show', join(folder, name)]);
  return stdout.trim();
}

async function loopDevicesOf(name: string): Promise<string> {
  return (await run('losetup', ['--associated', join(folder, name)])).stdout;
}

async function claim(sizeBytes = parts.disk.totalBytes) {
  return claimDevice(card, { sizeBytes, imagePaths: [folder] }, host);
}

async function sectorOfCard(offsetBytes: number): Promise<Buffer> {
  const handle = await open(join(folder, 'card.img'));
  try {
    const sector = Buffer.alloc(512);
    await handle.read(sector, 0, 512, offsetBytes);
    return sector;
  } finally {
    await handle.close();
  }
}

/** The host, with a device that returns other bytes than were written, in one place. */
function withBrokenCard(offsetBytes: number): Host {
  const broken: Host = Object.create(host, {
    openDevice: {
      value: async (...args: Parameters<Host['openDevice']>) => {
        const handle = await host.openDevice(...args);
        const read = handle.read.bind(handle) as (
          buffer: Buffer,
          offset: number,
          length: number,
          position: number,
        ) => Promise<{ bytesRead: number }>;
        const brokenRead = async (buffer: Buffer, offset: number, length: number, position: number) => {
          const result = await read(buffer, offset, length, position);
          const place = offsetBytes - position;
          if (place >= 0 && place < length) buffer[offset + place] = (buffer[offset + place] ?? 0) ^ 1;
          return result;
        };
        return Object.defineProperty(handle, 'read', { value: brokenRead });
      },
    },
  }) as Host;
  return broken;
}

async function writeAndCommit(
  target: BuildTarget,
  image: { path: string; mode: number },
  report: StageReporter,
  disk = parts,
) {
  return withStagedFiles(async (staged) => {
    const written = await writeTarget(target, disk, { ...image, staged }, host, report);
    await staged.commit();
    return written;
  });
}

/** As GRUB's would lie: code in the first sector, and behind it to the middle of a sector. */
const BOOT_CODE = [
  { offsetBytes: 0, bytes: Buffer.alloc(440, 'code') },
  { offsetBytes: 512, bytes: Buffer.alloc(300 * 512, 'core') },
];

describe('a file, a file through a loop device, and a drive', () => {
  it.each([
    ['without a boot loader', undefined],
    ['with a boot loader before the first partition', BOOT_CODE],
  ])('get the same bytes %s', async (_, bootCode) => {
    const file = (name: string) => ({ path: join(folder, name), mode: 0o644 });
    const device = await claim();
    const disk = bootCode === undefined ? parts : { ...parts, bootCode };
    const written = [
      await writeAndCommit({ type: 'file' }, file('file.img'), silent, disk),
      await writeAndCommit({ type: 'loop' }, file('loop.img'), silent, disk),
      await writeAndCommit({ type: 'device', device }, file('unused.img'), silent, disk),
    ];
    for (const { offsetBytes, bytes } of bootCode ?? []) {
      const image = await readFile(join(folder, 'file.img'));
      expect(image.subarray(offsetBytes, offsetBytes + bytes.length).equals(bytes)).toBe(true);
    }
    expect(new Set(written.map(({ sha256 }) => sha256)).size).toBe(1);
    const { stdout } = await run('sha256sum', [join(folder, 'file.img')]);
    expect(stdout).toContain(written[0]?.sha256);
    await run('cmp', [join(folder, 'file.img'), join(folder, 'loop.img')]);
    const size = parts.disk.totalBytes.toString();
    await run('cmp', ['--bytes', size, join(folder, 'file.img'), join(folder, 'card.img')]);
    expect((await stat(join(folder, 'loop.img'))).size).toBe(parts.disk.totalBytes);
    expect((await stat(join(folder, 'loop.img'))).blocks).toBeLessThan(parts.disk.totalBytes / 512 / 2);
    expect(await loopDevicesOf('loop.img')).toBe('');

    const table = JSON.parse(await inTools(root, folder, 'sfdisk', ['-J', 'card.img'])) as object;
    expect(table).toMatchObject({ partitiontable: { label: 'dos', id: `0x${parts.disk.diskId}` } });
    // The end of the drive held the copy of an older table.
    expect(await sectorOfCard(parts.disk.totalBytes + CARD_SPARE_BYTES - 512)).toEqual(Buffer.alloc(512));
    // A few sectors behind the image told whether the drive has them at all; the rest is left alone.
    expect(await sectorOfCard(parts.disk.totalBytes)).toEqual(Buffer.alloc(512));
    expect(await sectorOfCard(parts.disk.totalBytes + 3 * MiB)).toEqual(Buffer.alloc(512, 0xa5));
  });

  it('a boot loader that reaches into the first partition is refused', async () => {
    const bootCode = [...BOOT_CODE, { offsetBytes: MiB, bytes: Buffer.alloc(4 * MiB, 'core') }];
    const writing = writeAndCommit({ type: 'file' }, { path: join(folder, 'no.img'), mode: 0o644 }, silent, {
      ...parts,
      bootCode,
    });
    await expect(writing).rejects.toMatchObject({ code: 'no-room-for-boot-loader' });
    await expect(stat(join(folder, 'no.img'))).rejects.toThrow('ENOENT');
  });

  it('after a drive was written, the kernel knows its partitions', async () => {
    await writeDeviceDisk(parts, await claim(), host, silent);
    const { stdout } = await run('lsblk', ['--json', '--bytes', '--output', 'NAME,SIZE', card]);
    const sizes = parts.disk.partitions.map(({ sizeBytes }) => ({ size: sizeBytes }));
    expect(JSON.parse(stdout)).toMatchObject({ blockdevices: [{ children: sizes }] });
    await run('partx', ['--delete', card]);
  });
});

describe('a drive is refused', () => {
  async function refusedFor(claiming: Promise<unknown>): Promise<readonly string[]> {
    const error = await claiming.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    if (!(error instanceof DeviceRefusedError)) throw error;
    expect(error.code).toBe('device-refused');
    return error.problems.map(({ code }) => code);
  }

  it('when the image does not fit', async () => {
    expect(await refusedFor(claim(parts.disk.totalBytes + CARD_SPARE_BYTES + 1))).toEqual(['too-small']);
  });

  it('while it is mounted', async () => {
    await inTools(root, folder, 'mke2fs', ['-q', '-F', '-t', 'ext4', 'card.img']);
    await mkdir(join(folder, 'mounted'));
    await run('mount', [card, join(folder, 'mounted')]);
    try {
      expect(await refusedFor(claim())).toEqual(['mounted']);
    } finally {
      await run('umount', [card]);
    }
  });

  it('when it is made of the image', async () => {
    const need = { imagePaths: [join(folder, 'card.img')] };
    expect(await refusedFor(claimDevice(card, need, host))).toEqual(['holds-image']);
    expect(await refusedFor(claimDevice(card, { imagePaths: [card] }, host))).toEqual(['holds-image']);
  });

  it('when it is read-only', async () => {
    await run('blockdev', ['--setro', card]);
    try {
      expect(await refusedFor(claim())).toEqual(['read-only']);
    } finally {
      // A loop device keeps this when it gets another file.
      await run('blockdev', ['--setrw', card]);
    }
  });

  it('when it holds the running system, whatever flags are given', async () => {
    const { stdout } = await run('findmnt', ['--noheadings', '--output', 'SOURCE', '/']);
    const source = stdout.trim();
    const isDevice = await stat(source).then(
      (status) => status.isBlockDevice(),
      () => false,
    );
    const claiming = claimDevice(source, { imagePaths: [], allowLarge: true, allowBuiltIn: true }, host);
    if (isDevice) expect(await refusedFor(claiming)).toContain('running-system');
    else await expect(claiming).rejects.toMatchObject({ code: 'device-not-found' });
  });

  it('while something else has it open for itself', async () => {
    const other = await host.openDevice(card, { access: 'look' });
    await expect(claim()).rejects.toMatchObject({ code: 'device-busy' });
    await other.close();
    await expect(claim()).resolves.toMatchObject({ path: card });
  });

  it('when it is no drive, or not there', async () => {
    const need = { imagePaths: [] };
    await expect(claimDevice(join(folder, 'boot.vfat'), need, host)).rejects.toMatchObject({
      code: 'not-a-block-device',
    });
    await expect(claimDevice('/dev/null', need, host)).rejects.toMatchObject({ code: 'not-a-block-device' });
    await expect(claimDevice('/dev/sd-nowhere', need, host)).rejects.toMatchObject({ code: 'device-not-found' });
  });

  it('when it is another one than was confirmed', async () => {
    const claimed = await claim();
    await run('losetup', ['--detach', card]);
    await writeFile(join(folder, 'other.img'), Buffer.alloc(parts.disk.totalBytes + CARD_SPARE_BYTES, 0x5a));
    await run('losetup', [card, join(folder, 'other.img')]);
    const before = await readFile(join(folder, 'other.img'));
    await expect(writeDeviceDisk(parts, claimed, host, silent)).rejects.toMatchObject({ code: 'device-changed' });
    expect((await readFile(join(folder, 'other.img'))).equals(before)).toBe(true);
  });

  it('when it went away', async () => {
    const claimed = await claim();
    const gone = { ...claimed, path: '/dev/sd-nowhere' };
    await expect(withDeviceOpen(gone, host, () => Promise.resolve())).rejects.toMatchObject({ code: 'device-gone' });
  });
});

describe('nothing could start from a drive', () => {
  it('whose bytes come back different', async () => {
    const place = (parts.disk.partitions[1]?.offsetBytes ?? 0) + 12_345;
    const sector = Math.floor(place / 512) * 512;
    const writing = writeDeviceDisk(parts, await claim(), withBrokenCard(place), silent);
    await expect(writing).rejects.toMatchObject({
      code: 'cards-failed',
      details: [expect.stringContaining('[card-read-back-differs]'), expect.stringContaining(`bytes ${sector} to`)],
    });
    expect(await sectorOfCard(0)).toEqual(Buffer.alloc(512));
  });

  it('whose writing was stopped', async () => {
    const stopping = {
      ...silent,
      progress: ({ done }: { done: number }) => {
        if (done > 30 * MiB) abort.abort();
      },
    };
    await expect(writeDeviceDisk(parts, await claim(), host, stopping)).rejects.toThrow();
    expect(await sectorOfCard(0)).toEqual(Buffer.alloc(512));
    expect(await sectorOfCard(parts.disk.totalBytes - 512)).toEqual(Buffer.alloc(512, 0xa5));
  });
});

describe('a loop device', () => {
  it('is gone after success, failure and Ctrl-C', async () => {
    await writeFile(join(folder, 'loop.img'), Buffer.alloc(4 * MiB));
    const file = join(folder, 'loop.img');
    await withLoopDevice(file, host, async (path) => {
      expect(await loopDevicesOf('loop.img')).toContain(`${path}:`);
    });
    expect(await loopDevicesOf('loop.img')).toBe('');
    const failing = withLoopDevice(file, host, () => Promise.reject(new Error('on purpose')));
    await expect(failing).rejects.toThrow('on purpose');
    expect(await loopDevicesOf('loop.img')).toBe('');
    const stopped = withLoopDevice(file, host, async () => {
      abort.abort();
      await host.run({ file: 'true', args: [] });
    });
    await expect(stopped).rejects.toThrow();
    expect(await loopDevicesOf('loop.img')).toBe('');
  });

  it('leaves no image behind when its writing was stopped', async () => {
    const stopping = {
      ...silent,
      progress: ({ done }: { done: number }) => {
        if (done > 30 * MiB) abort.abort();
      },
    };
    const image = { path: join(folder, 'stopped.img'), mode: 0o644 };
    await expect(writeAndCommit({ type: 'loop' }, image, stopping)).rejects.toThrow();
    await expect(stat(image.path)).rejects.toThrow('ENOENT');
    expect((await run('losetup', ['--list', '--noheadings', '--output', 'BACK-FILE'])).stdout).not.toContain('stopped');
  });
});
