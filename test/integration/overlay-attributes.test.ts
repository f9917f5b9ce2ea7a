import { execFile } from 'node:child_process';
import { chmod, link, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { identify } from '../../src/disk/identity.js';
import { ext4 } from '../../src/filesystems/ext4.js';
import { volumeStage } from '../../src/filesystems/volume.js';
import { fileCapability } from '../../src/formats/file-capabilities.js';
import { readHostFacts } from '../../src/host/read-facts.js';
import { RealHost } from '../../src/host/real-host.js';
import { MiB } from '../../src/model/bytes.js';
import { sandboxed } from '../../src/model/sandbox.js';
import { treeDigest } from '../../src/pipeline/tree-digest.js';
import { debianTree } from '../../src/sources/debian/root/root-tree.js';
import { filesTree } from '../../src/sources/files-tree.js';
import { readFolderAttributes } from '../../src/sources/overlay-attributes.js';
import type { Tree } from '../../src/tools/tree.js';

const run = promisify(execFile);
const tools = { root: inject('toolsTree'), versions: {} };
const facts = readHostFacts(process.env);
const host = new RealHost({ facts, signal: new AbortController().signal, environment: process.env, offline: true });
const report = { step: () => undefined, progress: () => undefined, warn: () => undefined };
const BIND = fileCapability('cap_net_bind_service+ep') ?? '';

let folder: string;
let count = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reswarm-attributes-'));
  await mkdir(join(folder, 'tree/etc'), { recursive: true });
  for (const name of ['passwd', 'group']) await writeFile(join(folder, 'tree/etc', name), 'root:x:0:0::/:/bin/sh\n');
  await run('tar', ['-C', join(folder, 'tree'), '--owner=0', '--group=0', '-cf', join(folder, 'rootfs.tar'), '.']);
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

/** A program of the tools tree in the test's folder. */
async function inTools(file: string, ...args: readonly string[]): Promise<string> {
  const mounts = [{ source: folder, target: '/mnt', writable: true }];
  const command = sandboxed({ root: tools.root, mounts, cwd: '/mnt' }, { file, args }, facts.privilege);
  return (await run(command.file, command.args)).stdout;
}

/** An overlay with two names of one program. */
async function overlay(): Promise<string> {
  const name = `overlay-${(count += 1)}`;
  await mkdir(join(folder, name, 'usr/local/bin'), { recursive: true });
  const program = join(folder, name, 'usr/local/bin/tool');
  await writeFile(program, 'a program');
  await chmod(program, 0o755);
  await link(program, join(folder, name, 'usr/local/bin/other-name'));
  return name;
}

async function setAttribute(path: string, name: string, value: string): Promise<void> {
  await inTools('setfattr', `--name=${name}`, `--value=${value}`, path);
}

async function copied(name: string) {
  const path = join(folder, name);
  return { path, digest: await treeDigest(path, 'all'), normaliseModes: false };
}

async function make(tree: Tree): Promise<string> {
  const name = `volume-${(count += 1)}`;
  const [out, work] = [join(folder, name), join(folder, `${name}-work`)];
  await mkdir(out);
  await mkdir(work);
  await volumeStage('root', ext4).run(
    {
      tools,
      tree,
      volume: { label: 'root', sizeBytes: 'fit', headroomBytes: MiB },
      ids: identify('test', 'mbr', [{ name: 'root', logical: false }]).partition('root'),
      alignmentBytes: 4 * MiB,
      sourceDateEpoch: 1_700_000_000,
    },
    out,
    { host, report, work, shared: { downloads: folder, ccache: folder, kernelBuilds: folder }, jobs: 1, offline: true },
  );
  return `${name}/root.ext4`;
}

async function rootWith(overlays: readonly string[], capabilities: Readonly<Record<string, string>> = {}) {
  return make(
    debianTree({
      rootfs: { tar: join(folder, 'rootfs.tar'), key: 'x' },
      folders: await Promise.all(overlays.map(copied)),
      texts: [],
      mountPoints: [],
      files: [],
      inImage: [],
      capabilities,
      sourceDateEpoch: 1_700_000_000,
    }),
  );
}

const debugfs = async (image: string, request: string): Promise<string> => inTools('debugfs', '-R', request, image);
const inode = async (image: string, path: string): Promise<string> =>
  /Inode: (\d+)/.exec(await debugfs(image, `stat ${path}`))?.[1] ?? '';

const CAPABILITY = /security\.capability.*= *01 00 00 02 00 04 00 00/;

describe('an overlay', () => {
  it('keeps hard links and file capabilities', async () => {
    const name = await overlay();
    await setAttribute(`${name}/usr/local/bin/tool`, 'security.capability', BIND);
    const image = await rootWith([name]);
    expect(await debugfs(image, 'ea_list /usr/local/bin/tool')).toMatch(CAPABILITY);
    expect(await debugfs(image, 'stat /usr/local/bin/tool')).toContain('Links: 2');
    expect(await inode(image, '/usr/local/bin/tool')).toBe(await inode(image, '/usr/local/bin/other-name'));
  });

  it('keeps them on a data partition, too', async () => {
    const name = await overlay();
    await setAttribute(`${name}/usr/local/bin/tool`, 'security.capability', BIND);
    const image = await make(filesTree([await copied(name)], 1_700_000_000));
    expect(await debugfs(image, 'ea_list /usr/local/bin/tool')).toMatch(CAPABILITY);
  });

  it('leaves out what programs of a desktop note on files', async () => {
    const name = await overlay();
    await setAttribute(`${name}/usr/local/bin/tool`, 'user.xdg.origin.url', 'https://example.org/?token=secret');
    expect(await readFolderAttributes(join(folder, name), tools.root, host)).toEqual({});
    expect(await debugfs(await rootWith([name]), 'ea_list /usr/local/bin/tool')).not.toContain('xdg');
  });

  it('has another key with a capability, and with a hard link that was a copy', async () => {
    const name = await overlay();
    const plain = await readFolderAttributes(join(folder, name), tools.root, host);
    await setAttribute(`${name}/usr/local/bin/tool`, 'security.capability', BIND);
    const capable = await readFolderAttributes(join(folder, name), tools.root, host);
    expect(plain.digest).toBeUndefined();
    expect(capable.digest).toMatch(/^[0-9a-f]{64}$/);
    const linked = await treeDigest(join(folder, name), 'all');
    await rm(join(folder, name, 'usr/local/bin/other-name'));
    await writeFile(join(folder, name, 'usr/local/bin/other-name'), 'a program', { mode: 0o755 });
    await chmod(join(folder, name, 'usr/local/bin/other-name'), 0o755);
    expect(await treeDigest(join(folder, name), 'all')).not.toBe(linked);
  });

  it('is refused with an access control list', async () => {
    const name = await overlay();
    // user::rwx user:1234:rwx group::r-x mask::rwx other::r-x
    const list = `0x0200000001000700ffffffff02000700d204000004000500ffffffff10000700ffffffff20000500ffffffff`;
    await setAttribute(`${name}/usr/local/bin`, 'system.posix_acl_access', list);
    await expect(readFolderAttributes(join(folder, name), tools.root, host)).rejects.toMatchObject({
      code: 'overlay-acl',
      message: expect.stringContaining('usr/local/bin') as string,
    });
  });
});

// Only root can write what another user namespace would have written.
describe.runIf(process.getuid?.() === 0)('a file capability of a container', () => {
  it('is refused, since it holds there alone', async () => {
    const name = await overlay();
    await setAttribute(
      `${name}/usr/local/bin/tool`,
      'security.capability',
      `0x0100000300040000${'00'.repeat(12)}88130000`,
    );
    await expect(readFolderAttributes(join(folder, name), tools.root, host)).rejects.toMatchObject({
      code: 'overlay-capability-foreign',
      message: expect.stringMatching(/of usr\/local\/bin\/(?:tool|other-name) in/) as string,
    });
  });
});

describe('capabilities of a board', () => {
  it('are set on files of overlays', async () => {
    const image = await rootWith([await overlay()], { '/usr/local/bin/tool': BIND });
    expect(await debugfs(image, 'ea_list /usr/local/bin/tool')).toMatch(CAPABILITY);
  });

  it('are refused for a path where there is no file', async () => {
    const name = await overlay();
    for (const path of ['/usr/local/bin/gone', '/usr/local/bin']) {
      await expect(rootWith([name], { [path]: BIND })).rejects.toMatchObject({ code: 'capability-file-missing' });
    }
  });
});
