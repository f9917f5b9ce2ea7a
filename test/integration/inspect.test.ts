import { createHash } from 'node:crypto';
import {
  lstat,
  mkdir,
  mkdtemp,
  readFile,
  readdir,
  readlink,
  rm,
  symlink,
  truncate,
  writeFile,
  open,
  copyFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { readHostFacts } from '../../src/host/read-facts.js';
import { ReswarmError } from '../../src/errors.js';
import { RealHost } from '../../src/host/real-host.js';
import { diffImages } from '../../src/inspect/diff-images.js';
import { extractFromImage, listImageFiles, readImageFile } from '../../src/inspect/image-files.js';
import { inspectImage } from '../../src/inspect/inspect-image.js';
import { inspectionPage } from '../../src/ui/inspection-page/page.js';
import { describeImage } from '../../src/ui/inspection/describe-image.js';
import type { SmallImage } from '../helpers/small-image.js';
import { FAT_OFFSET, ROOT_OFFSET, inTools, makeSmallImage } from '../helpers/small-image.js';

let folder: string;
let small: SmallImage;
let host: RealHost;
let scratch = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reswarm-inspect-'));
  host = new RealHost({
    facts: { ...readHostFacts(process.env), cacheDir: join(folder, 'cache') },
    signal: new AbortController().signal,
    environment: process.env,
    offline: true,
  });
  small = await makeSmallImage(inject('toolsTree'), join(folder, 'small'));
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function newFolder(): Promise<string> {
  scratch += 1;
  const path = join(folder, `scratch-${scratch}`);
  await mkdir(path);
  return path;
}

async function cat(path: string, image = small.image): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  await readImageFile(image, path, host, (bytes) => {
    parts.push(bytes);
    return Promise.resolve();
  });
  return Buffer.concat(parts);
}

/** A copy of the image with some bytes changed. */
async function damaged(offsetBytes: number, bytes: Uint8Array): Promise<string> {
  const path = join(await newFolder(), 'damaged.img');
  await copyFile(small.image, path);
  const file = await open(path, 'r+');
  await file.write(bytes, 0, bytes.length, offsetBytes);
  await file.close();
  return path;
}

/** Every name below a folder with kind, mode, size, target and content. */
async function snapshot(dir: string): Promise<Readonly<Record<string, string>>> {
  const found: Record<string, string> = {};
  for (const entry of await readdir(dir, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const status = await lstat(path);
    const name = path.slice(dir.length);
    if (status.isSymbolicLink()) found[name] = `link ${await readlink(path)}`;
    else if (status.isDirectory()) found[name] = 'folder';
    else found[name] = `file ${(await readFile(path)).toString('base64')}`;
  }
  return found;
}

describe('inspect', () => {
  it('reports partitions, system, packages and seed', async () => {
    const report = await inspectImage(small.image, host);
    expect(report).toMatchObject({
      diskId: '1234abcd',
      partitions: [
        { number: 1, mount: '/boot', fileSystem: { kind: 'fat32', label: 'GARDEN', uuid: '1234-ABCD', dirty: false } },
        {
          number: 2,
          mount: '/',
          fileSystem: {
            kind: 'ext4',
            label: 'garden-root',
            uuid: '01234567-89ab-4cde-8f01-23456789abcd',
            dirty: false,
          },
        },
      ],
      os: { name: 'Garden Linux 1', id: 'garden' },
      kernel: { version: '6.12.1-garden', file: '/boot/kernel8.img', modules: ['6.12.1-garden'] },
      architecture: 'arm64',
      packages: { count: 1, list: [{ name: 'tool', version: '1.2-3', declaredBytes: 61_440, diskBytes: 53_248 }] },
      seed: {
        hostname: 'garden',
        instanceId: 'garden-1',
        users: [{ name: 'ada', password: 'set', sudo: true, sshKeys: [{ type: 'ssh-ed25519', comment: 'ada@desk' }] }],
        writesFiles: ['/etc/secret.conf'],
        network: { interfaces: [{ name: 'wlan0', accessPoints: [{ ssid: 'shed', password: 'set' }] }] },
      },
      warnings: [],
    });
  });

  it('agrees with dumpe2fs and mtools about free room', async () => {
    const dir = join(small.image, '..');
    const [fat, ext] = (await inspectImage(small.image, host)).partitions;
    await inTools(inject('toolsTree'), dir, 'dd', [
      'if=disk.img',
      'of=root.ext4',
      'bs=1M',
      `skip=${ROOT_OFFSET / 2 ** 20}`,
      'status=none',
    ]);
    const said = await inTools(inject('toolsTree'), dir, 'dumpe2fs', ['-h', 'root.ext4']);
    const free = Number(/^Free blocks: +(\d+)$/m.exec(said)?.[1]) * 4096;
    expect(ext?.fileSystem?.freeBytes).toBe(free);
    const listing = await inTools(inject('toolsTree'), dir, 'mdir', ['-i', `disk.img@@${FAT_OFFSET}`, '::']);
    const mdirFree = Number(/([\d ]+) bytes free/.exec(listing)?.[1]?.replaceAll(' ', ''));
    expect(fat?.fileSystem?.freeBytes).toBe(mdirFree);
  });

  it('never shows a secret of the seed', async () => {
    const report = await inspectImage(small.image, host);
    const everything = [
      JSON.stringify(report),
      inspectionPage(report),
      describeImage(report, { packages: true }).join('\n'),
    ];
    for (const text of everything) {
      expect(text).not.toMatch(/averysecret|a very secret/);
      expect(text).toContain('garden');
    }
  });

  it.each(['ext3', 'ext2'])('reads %s, whose files have no extents', async (kind) => {
    const { image } = await makeSmallImage(inject('toolsTree'), join(await newFolder(), 'image'), { kind });
    expect((await inspectImage(image, host)).partitions[1]).toMatchObject({ fileSystem: { kind } });
    expect((await cat('/etc/sparse', image)).equals(await readFile(join(small.root, 'etc/sparse')))).toBe(true);
    expect((await cat('/usr/bin/tool', image)).toString()).toBe('T'.repeat(50_000));
    expect(await listImageFiles(image, '/many', host)).toHaveLength(700);
  });

  it('reads a packed image', async () => {
    const packed = join(await newFolder(), 'disk.img.gz');
    await writeFile(packed, gzipSync(await readFile(small.image)));
    expect(await inspectImage(packed, host)).toMatchObject({ image: packed, os: { id: 'garden' } });
    expect((await readdir(join(folder, 'cache', 'v1', 'tmp'))).length).toBe(0);
  });
});

describe('files of an image', () => {
  it('are those that the image was made of, as debugfs has them', async () => {
    const to = await newFolder();
    await extractFromImage({ image: small.image, path: '/', to, replace: false }, host);
    const found = await snapshot(join(to, 'root'));
    const boot = await snapshot(small.boot);
    const expected = {
      ...Object.fromEntries(Object.entries(await snapshot(small.root)).filter(([path]) => !path.startsWith('/boot/'))),
      ...Object.fromEntries(Object.entries(boot).map(([path, what]) => [`/boot${path}`, what])),
      '/lost+found': 'folder',
    };
    expect(found).toEqual(expected);
    const dir = join(small.image, '..');
    await inTools(inject('toolsTree'), dir, 'dd', [
      'if=disk.img',
      'of=root.ext4',
      'bs=1M',
      `skip=${ROOT_OFFSET / 2 ** 20}`,
      'status=none',
    ]);
    const said = await inTools(inject('toolsTree'), dir, 'debugfs', ['-R', 'ls -p /usr/bin', 'root.ext4']);
    const [entry] = await listImageFiles(small.image, '/usr/bin/tool', host);
    expect(said).toContain(`/${entry?.id}/104755/${entry?.owner?.uid}/${entry?.owner?.gid}/tool/${entry?.sizeBytes}/`);
  });

  it('are listed with modes, owners and link targets', async () => {
    const etc = await listImageFiles(small.image, '/etc', host);
    const named = new Map(etc.map((file) => [file.path, file]));
    expect(named.get('/etc/absolute')).toMatchObject({ kind: 'link', target: '/etc/fstab', user: 'root' });
    expect(named.get('/etc/long')?.target).toHaveLength(89);
    expect(named.get('/etc/sparse')).toMatchObject({ sizeBytes: 3 * 2 ** 20 + 3, diskBytes: 8192 });
    const boot = await listImageFiles(small.image, '/boot', host);
    expect(boot.map(({ path }) => path)).toContain('/boot/overlays');
    expect(boot.map(({ path }) => path)).not.toContain('/boot/hidden-below-the-fat');
  });

  it.each([
    ['/etc/absolute', 'etc/fstab'],
    ['/etc/long', 'etc/fstab'],
    ['bin/tool', 'usr/bin/tool'],
    ['/usr/../etc//./fstab', 'etc/fstab'],
    ['/etc/sparse', 'etc/sparse'],
  ])('%s has the content of %s', async (path, source) => {
    expect((await cat(path)).equals(await readFile(join(small.root, source)))).toBe(true);
  });

  it('of the FAT are below /boot', async () => {
    expect((await cat('/boot/overlays/A long name of a file.dtbo')).toString()).toBe('overlay');
  });

  it.each([
    ['/etc/fstub', 'path-not-found', 'Did you mean /etc/fstab?'],
    ['/usr/bim/tool', 'path-not-found', 'Did you mean /usr/bin?'],
    ['/zzzzzzzzzz/x', 'path-not-found', 'Look into / with --ls /.'],
    ['/etc/dangling', 'path-not-found', 'Look around it with --ls /etc.'],
    ['/etc/loop', 'path-not-found', 'Look around it with --ls /etc.'],
    ['/etc', 'path-not-a-file', 'Look into it with --ls /etc.'],
  ])('%s is refused with %s', async (path, code, hint) => {
    await expect(cat(path)).rejects.toMatchObject({ code, hints: [hint], exitCode: 2 });
  });
});

describe('extracting', () => {
  it('replaces nothing unless told to, and leaves no scratch behind', async () => {
    const to = await newFolder();
    await mkdir(join(to, 'etc'));
    await writeFile(join(to, 'etc/fstab'), 'mine');
    await writeFile(join(to, 'etc/other'), 'mine too');
    const options = { image: small.image, path: '/etc', to };
    await expect(extractFromImage({ ...options, replace: false }, host)).rejects.toMatchObject({
      code: 'extract-exists',
    });
    expect(await readFile(join(to, 'etc/fstab'), 'utf8')).toBe('mine');
    await extractFromImage({ ...options, replace: true }, host);
    expect(await readFile(join(to, 'etc/fstab'), 'utf8')).toContain('PARTUUID');
    expect(await readFile(join(to, 'etc/other'), 'utf8')).toBe('mine too');
    expect(await readdir(to)).toEqual(['etc']);
  });

  it('never writes through a link that lies in its way', async () => {
    const to = await newFolder();
    const elsewhere = await newFolder();
    await symlink(elsewhere, join(to, 'etc'));
    const options = { image: small.image, path: '/etc', to, replace: true };
    await expect(extractFromImage(options, host)).rejects.toMatchObject({ code: 'extract-exists' });
    expect(await readdir(elsewhere)).toEqual([]);
  });

  it('takes set-user-id bits away', async () => {
    const to = await newFolder();
    await extractFromImage({ image: small.image, path: '/usr/bin/tool', to, replace: false }, host);
    expect((await lstat(join(to, 'tool'))).mode & 0o7777).toBe(0o755);
  });

  it('refuses a target that is a file', async () => {
    const to = join(await newFolder(), 'file');
    await writeFile(to, '');
    await expect(
      extractFromImage({ image: small.image, path: '/etc', to: join(to, 'x'), replace: false }, host),
    ).rejects.toMatchObject({ code: 'extract-target' });
  });
});

describe('a bad image', () => {
  it('that was cut is refused with both sizes', async () => {
    const path = join(await newFolder(), 'cut.img');
    await copyFile(small.image, path);
    await truncate(path, ROOT_OFFSET + 2 ** 20);
    await expect(inspectImage(path, host)).rejects.toMatchObject({
      code: 'image-truncated',
      message: expect.stringMatching(/59 MiB.*36 MiB/) as string,
    });
  });

  it('without a file system where the table says FAT says so and shows the rest', async () => {
    const report = await inspectImage(await damaged(FAT_OFFSET, new Uint8Array(512)), host);
    expect(report.partitions[0]).toMatchObject({ notRead: { code: 'boot-partition-unreadable' } });
    expect(report.os?.id).toBe('garden');
  });

  it.each([
    ['a superblock whose checksum is wrong', 2, ROOT_OFFSET + 1024 + 0x20, Uint8Array.of(1, 2, 3), '/etc/fstab'],
    ['group descriptors of another disk', 2, ROOT_OFFSET + 4096, new Uint8Array(64).fill(0xab), '/etc/fstab'],
    ['a FAT whose chains go in circles', 1, FAT_OFFSET + 32 * 512 + 8, Uint8Array.of(2, 0, 0, 0), '/boot/config.txt'],
  ])('with %s is damaged there, and the rest is shown', async (_what, number, offset, bytes, lost) => {
    const image = await damaged(offset, bytes);
    const report = await inspectImage(image, host);
    const partition = report.partitions.find((one) => one.number === number);
    expect(partition?.notRead?.code).toBe('file-system-corrupt');
    expect(report.warnings).toContain(`${partition?.notRead?.message}.`);
    if (number === 2) expect(report.seed?.hostname).toBe('garden');
    else expect(report.os?.id).toBe('garden');
    const failure = await cat(lost, image).catch((error: unknown) => error as ReswarmError);
    const { message = '' } = partition?.notRead ?? {};
    // Where a partition that was never opened belongs is not known: the name is not found, and the hint says why.
    expect(failure).toBeInstanceOf(ReswarmError);
    expect(JSON.stringify(failure) + String(failure)).toContain(message);
  });

  it('with random bytes anywhere ends in an answer or an error of ours, never in anything else', async () => {
    let seed = 7;
    const random = (limit: number): number => (seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31) % limit;
    for (let round = 0; round < 16; round += 1) {
      const noise = Uint8Array.from({ length: 4096 }, () => random(256));
      const offset = round % 2 === 0 ? ROOT_OFFSET + random(80) * 4096 : FAT_OFFSET + random(600) * 512;
      const path = await damaged(offset, noise);
      const outcome = await inspectImage(path, host).then(
        () => 'read',
        (error: unknown) => (error as { code?: string }).code,
      );
      expect(['read', 'file-system-corrupt', 'boot-partition-unreadable']).toContain(outcome);
      await rm(path);
    }
  });

  it('with an unknown file system says so and shows the rest', async () => {
    const report = await inspectImage(await damaged(ROOT_OFFSET, new Uint8Array(2 ** 17)), host);
    expect(report.warnings).toEqual(['Partition 2 holds nothing known; it is not read.']);
    expect(report.seed?.hostname).toBe('garden');
  });
});

describe('comparing images', () => {
  it('finds nothing between an image and its copy', async () => {
    const copy = await damaged(0, new Uint8Array());
    expect(await diffImages(small.image, copy, host)).toMatchObject({ same: true });
  });

  it('finds packages, files, settings and sizes', async () => {
    const status =
      'Package: tool\nStatus: install ok installed\nVersion: 1.2-4\nArchitecture: arm64\n\n' +
      'Package: new\nStatus: install ok installed\nVersion: 7\nArchitecture: all\n';
    const { image } = await makeSmallImage(inject('toolsTree'), join(await newFolder(), 'other'), {
      root: {
        'var/lib/dpkg/status': status,
        'usr/bin/tool': `t${'T'.repeat(49_999)}`,
        'usr/share/new': 'n'.repeat(9000),
      },
      boot: { 'config.txt': '[all]\narm_64bit=1\nkernel=kernel8.img\nenable_uart=1\n' },
    });
    const diff = await diffImages(small.image, image, host);
    expect(diff).toMatchObject({
      same: false,
      packages: {
        added: [{ name: 'new', version: '7' }],
        removed: [],
        changed: [{ name: 'tool', first: '1.2-3', second: '1.2-4' }],
      },
      configTxt: { added: ['enable_uart=1'], removed: [] },
      commandLine: { added: [], removed: [] },
    });
    expect(diff.files.added).toEqual(['/usr/share', '/usr/share/new']);
    expect(diff.files.changed).toContainEqual({ path: '/usr/bin/tool', what: ['content'] });
    expect(diff.folders).toContainEqual(expect.objectContaining({ name: '/usr/share' }));
  });
});

describe('the page', () => {
  it('escapes what comes out of the image and fetches nothing', async () => {
    const page = inspectionPage(await inspectImage(small.image, host));
    expect(page).not.toContain('<b>things</b>');
    expect(page).toContain('does &lt;b&gt;things&lt;/b&gt;');
    expect(page.match(/<script/g)).toHaveLength(1);
    const script = /<script>(.*)<\/script>/s.exec(page)?.[1] ?? '';
    const digest = createHash('sha256').update(script).digest('base64');
    expect(page).toContain(`script-src &#39;sha256-${digest}&#39;`);
    expect(page).not.toMatch(/(?:src|href)=|url\(|@import|https?:/);
  });
});
