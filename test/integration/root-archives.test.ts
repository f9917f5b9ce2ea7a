import { execFile } from 'node:child_process';
import { chmod, link, mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { initramfsStage } from '../../src/filesystems/initramfs.js';
import { squashfs } from '../../src/filesystems/squashfs.js';
import { volumeStage } from '../../src/filesystems/volume.js';
import { readHostFacts } from '../../src/host/read-facts.js';
import { RealHost } from '../../src/host/real-host.js';
import { KiB, MiB } from '../../src/model/bytes.js';
import type { InitramfsFileSystem, RootCompression } from '../../src/model/initramfs.js';
import type { ReportEvent } from '../../src/pipeline/reporter.js';
import { stageReporter } from '../../src/pipeline/reporter.js';
import { Store } from '../../src/pipeline/store.js';
import { filesTree } from '../../src/sources/files-tree.js';
import type { Tree } from '../../src/tools/tree.js';
import { inTools } from '../helpers/small-image.js';

const run = promisify(execFile);
const PROGRAM = join(import.meta.dirname, '../helpers/make-root-archive.ts');
const EPOCH = 1_700_000_000;
const DAEMON = { uid: 1, gid: 2 };
/** cap_net_raw, as xattrs hold it. */
const CAPABILITY = '0x0100000200200000000000000000000000000000';

let folder: string;
let events: ReportEvent[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reswarm-root-'));
  await chmod(folder, 0o755);
  const tree = join(folder, 'tree');
  // Nothing that could be compressed to almost nothing.
  const program = Buffer.from(Uint8Array.from({ length: 300 * KiB }, (_, at) => (at * at * 7) >> 5));
  await mkdir(join(tree, 'usr/bin'), { recursive: true });
  await mkdir(join(tree, 'var/lib/own'), { recursive: true });
  await writeFile(join(tree, 'usr/bin/su'), program, { mode: 0o755 });
  await writeFile(join(tree, 'usr/bin/ping'), 'another program', { mode: 0o755 });
  await link(join(tree, 'usr/bin/su'), join(tree, 'usr/bin/sudo'));
  await symlink('usr/bin/su', join(tree, 'init'));
  await writeFile(join(tree, 'a name\nof two lines'), 'x');
  await chmod(join(tree, 'var/lib/own'), 0o700);
}, 60_000);

afterAll(async () => {
  await rm(folder, { recursive: true });
});

/** With what a folder of ours cannot have without root: owners, capabilities. */
function treeOf(path: string): Tree {
  const copied = filesTree([{ path, digest: '', normaliseModes: false }], EPOCH);
  return {
    key: copied.key,
    async assemble(target, tools, context) {
      await copied.assemble(target, tools, context);
      const sandbox = { root: tools.root, mounts: [{ source: target, target: '/mnt', writable: true }] };
      const own = (file: string, ...args: string[]) => context.host.runIn(sandbox, { file, args });
      if (path !== join(folder, 'tree')) return;
      await own('chown', `${DAEMON.uid}:${DAEMON.gid}`, '/mnt/var/lib/own');
      await own('chmod', '4755', '/mnt/usr/bin/su');
      await own('setfattr', '--name=security.capability', `--value=${CAPABILITY}`, '/mnt/usr/bin/ping');
      await own('setfattr', '--name=user.machine', '--value=x', '/mnt/usr/bin/ping');
    },
  };
}

type Made = { readonly out: string };

async function inStage<T>(make: (made: Made & { context: Parameters<typeof initramfsStage.run>[2] }) => Promise<T>) {
  const facts = { ...readHostFacts(process.env), cacheDir: join(folder, 'store') };
  const host = new RealHost({
    facts,
    signal: new AbortController().signal,
    environment: process.env,
    offline: true,
  });
  const store = new Store(facts.cacheDir, host);
  await store.prepare();
  events = [];
  const report = stageReporter({ emit: (event) => events.push(event) }, 'root');
  return store.withScratch(async (work) => {
    const out = await mkdtemp(join(folder, 'out-'));
    return make({ out, context: { host, report, work, shared: store.shared, jobs: 2, offline: true } });
  });
}

const tools = () => ({ root: inject('toolsTree'), versions: {} });

async function archive(filesystem: InitramfsFileSystem, compression: RootCompression, path = join(folder, 'tree')) {
  return inStage(async ({ out, context }) => {
    const input = {
      tools: tools(),
      tree: treeOf(path),
      filesystem,
      compression,
      architecture: 'amd64' as const,
      init: { path: join(folder, 'tree/usr/bin/su'), digest: '' },
      sourceDateEpoch: EPOCH,
    };
    await initramfsStage.run(input, out, context);
    return { out, ...(await initramfsStage.open({ key: '', path: out }, input)) };
  });
}

const warnings = () => events.flatMap((event) => (event.type === 'warning' ? [event.text] : []));

describe('an initramfs', () => {
  it('has the owners, modes and links of the tree, the root first and names by their bytes', async () => {
    const made = await archive('initramfs', 'none');
    expect(made.name).toBe('initramfs.img');
    expect(made.sizeBytes).toBe(made.unpackedBytes);
    const listing = await inTools(inject('toolsTree'), made.out, 'cpio', ['-itvn', '--file=initramfs.img']);
    const rows = listing.replace('name\nof', 'name of').trimEnd().split('\n');
    const facts = rows
      .map((row) => row.split(/ +/))
      .map(([mode, links, uid, gid, , , , , ...name]) => {
        return [mode, links, `${uid ?? ''}:${gid ?? ''}`, name.join(' ')].join(' ');
      });
    expect(facts).toEqual([
      'drwxr-xr-x 2 0:0 .',
      '-rw-r--r-- 1 0:0 a name of two lines',
      'lrwxrwxrwx 1 0:0 init -> usr/bin/su',
      'drwxr-xr-x 2 0:0 usr',
      'drwxr-xr-x 2 0:0 usr/bin',
      '-rwxr-xr-x 1 0:0 usr/bin/ping',
      '-rwsr-xr-x 2 0:0 usr/bin/su',
      '-rwsr-xr-x 2 0:0 usr/bin/sudo',
      'drwxr-xr-x 2 0:0 var',
      'drwxr-xr-x 2 0:0 var/lib',
      'drwx------ 2 1:2 var/lib/own',
    ]);
    expect(rows.every((row) => row.includes('Nov 14  2023') || !row.includes('own'))).toBe(true);
    // Its content is there once.
    expect(made.sizeBytes).toBeLessThan(302 * KiB + 2 * KiB);
    expect(made.files).toContainEqual({ path: '/usr/bin/su', sizeBytes: 300 * KiB });
    expect(made.files).toContainEqual({ path: '/usr/bin/sudo', sizeBytes: 0 });
  });

  it('says which file capabilities are lost', async () => {
    await archive('initramfs', 'zstd');
    expect(warnings()).toEqual(['An archive holds no file capabilities; lost at /usr/bin/ping.']);
    await archive('squashfs', 'zstd');
    expect(warnings()).toEqual([]);
  });

  it('is compressed so that the kernel reads it in little memory', async () => {
    const zstd = await archive('initramfs', 'zstd');
    const frame = await inTools(inject('toolsTree'), zstd.out, 'zstd', ['-lv', zstd.name]);
    expect(/Window Size: ([\d.]+) KiB/.exec(frame)?.[1]).toBeDefined();
    expect(Number(/Window Size: ([\d.]+) KiB/.exec(frame)?.[1])).toBeLessThanOrEqual(512);
    expect(frame).toContain('Check: XXH64');
    const xz = await archive('initramfs', 'xz');
    expect(xz.name).toBe('initramfs.xz');
    const blocks = await inTools(inject('toolsTree'), xz.out, 'xz', ['--list', '-vv', xz.name]);
    expect(blocks).toContain('--x86 --lzma2=dict=384KiB');
    expect(blocks).toMatch(/Check: +CRC32/);
    for (const [made, program] of [
      [zstd, 'zstd'],
      [xz, 'xz'],
    ] as const) {
      const plain = await archive('initramfs', 'none');
      await inTools(inject('toolsTree'), made.out, program, ['-dk', made.name]);
      const unpacked = await readFile(join(made.out, 'initramfs'));
      expect(unpacked.equals(await readFile(plain.path))).toBe(true);
      expect(unpacked.length).toBe(made.unpackedBytes);
    }
  });

  it('is refused without anything to start', async () => {
    const empty = join(folder, 'empty');
    await mkdir(empty, { recursive: true });
    await expect(archive('initramfs', 'none', empty)).rejects.toMatchObject({ code: 'initramfs-without-init' });
    await writeFile(join(empty, 'init'), 'not executable', { mode: 0o644 });
    await expect(archive('initramfs', 'none', empty)).rejects.toMatchObject({ code: 'initramfs-without-init' });
  });
});

describe('a squashfs in an archive', () => {
  it.each(['zstd', 'xz', 'none'] as const)('holds the tree, compressed with %s, beside /init', async (compression) => {
    const made = await archive('squashfs', compression);
    expect(made.name).toBe('initramfs.img');
    const unpack = ['-idm', '--quiet', '--no-preserve-owner', '--file=initramfs.img'];
    expect(await inTools(inject('toolsTree'), made.out, 'cpio', ['-it', '--quiet', '--file=initramfs.img'])).toBe(
      '.\ninit\nroot.squashfs\n',
    );
    await inTools(inject('toolsTree'), made.out, 'cpio', unpack);
    expect((await stat(join(made.out, 'init'))).mode & 0o7777).toBe(0o755);
    const facts = await inTools(inject('toolsTree'), made.out, 'unsquashfs', ['-s', 'root.squashfs']);
    expect(facts).toContain(compression === 'none' ? 'Data is uncompressed' : `Compression ${compression}`);
    expect(facts).toContain('Nov 14 22:13:20 2023');
    const listing = await inTools(inject('toolsTree'), made.out, 'unsquashfs', ['-lln', 'root.squashfs']);
    expect(listing).toMatch(/^-rwsr-xr-x 0\/0 +307200 .* squashfs-root\/usr\/bin\/su$/m);
    expect(listing).toMatch(/^drwx------ 1\/2 .* squashfs-root\/var\/lib\/own$/m);
    // One inode for two names, and none of the machine's attributes.
    expect(facts).toMatch(/Number of inodes 10\b/);
    await inTools(inject('toolsTree'), made.out, 'unsquashfs', ['-q', '-n', '-xattrs', '-d', 'root', 'root.squashfs']);
    const attributes = ['-d', '-m', '-', '-e', 'hex', 'root/usr/bin/ping'];
    const kept = await inTools(inject('toolsTree'), made.out, 'getfattr', attributes);
    expect(kept.trim().split('\n')).toEqual(['# file: root/usr/bin/ping', `security.capability=${CAPABILITY}`]);
  });
});

describe('a squashfs partition', () => {
  const make = (sizeBytes: number | 'fit') =>
    inStage(async ({ out, context }) => {
      const stage = volumeStage('data', squashfs);
      const input = {
        tools: tools(),
        tree: treeOf(join(folder, 'tree')),
        volume: { label: '', sizeBytes, headroomBytes: 0 },
        ids: { number: 1, partUuid: '', fatSerial: '', uuid: '', hashSeed: '' },
        alignmentBytes: 4 * MiB,
        sourceDateEpoch: EPOCH,
      };
      await stage.run(input, out, context);
      return stage.open({ key: '', path: out }, input);
    });

  it('takes what its content is compressed to, and fills a fixed size with zeros', async () => {
    const fitted = await make('fit');
    expect(fitted.sizeBytes).toBe(4 * MiB);
    expect(fitted.content.bytes).toBeLessThan(64 * KiB);
    const fixed = await make(8 * MiB);
    expect((await stat(fixed.path)).size).toBe(8 * MiB);
    await expect(make(4 * KiB)).rejects.toMatchObject({ code: 'partition-too-small' });
  });
});

describe('archives have the same bytes', () => {
  const sums = async (jobs: string, before: string, store: string) => {
    const program = [process.execPath, '--import', 'tsx', PROGRAM, inject('toolsTree'), join(folder, store)];
    const inputs = [join(folder, 'tree'), jobs, join(folder, 'tree/usr/bin/su')];
    const { stdout } = await run('/bin/bash', ['-c', `${before}\nexec "$@"`, 'bash', ...program, ...inputs]);
    return JSON.parse(stdout) as unknown;
  };

  it('with any number of threads and any umask', async () => {
    const once = await sums('1', 'umask 022', 'store-a');
    expect(Object.keys(once as object)).toHaveLength(7);
    expect(await sums('5', 'umask 077; export TZ=Pacific/Kiritimati SOURCE_DATE_EPOCH=1', 'store-b')).toEqual(once);
  });
});
