import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { MiB } from '../../src/model/bytes.js';
import { sandboxed } from '../../src/model/sandbox.js';
import { readHostFacts } from '../../src/host/read-facts.js';
import { RealHost } from '../../src/host/real-host.js';
import type { PlacedFile } from '../../src/model/software.js';
import { identify } from '../../src/disk/identity.js';
import { ext4 } from '../../src/filesystems/ext4.js';
import { volumeStage } from '../../src/filesystems/volume.js';
import { debianTree } from '../../src/sources/debian/root/root-tree.js';

const run = promisify(execFile);
const tools = { root: inject('toolsTree'), versions: {} };
const facts = readHostFacts(process.env);
const host = new RealHost({ facts, signal: new AbortController().signal, environment: process.env, offline: true });
const report = { step: () => undefined, progress: () => undefined, warn: () => undefined };
const EPOCH = 1_700_000_000;
const PASSWD = 'root:x:0:0::/root:/bin/bash\nagent:x:987:65534::/:/usr/sbin/nologin\n';
const GROUP = 'root:x:0:\nnogroup:x:65534:\nvideo:x:44:\n';

let folder: string;
let count = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reswarm-software-'));
  await mkdir(join(folder, 'tree/usr/bin'), { recursive: true });
  await mkdir(join(folder, 'tree/etc'));
  await run('ln', ['-s', 'usr/bin', join(folder, 'tree/bin')]);
  await writeFile(join(folder, 'tree/etc/passwd'), PASSWD);
  await writeFile(join(folder, 'tree/etc/group'), GROUP);
  await run('tar', ['-C', join(folder, 'tree'), '--owner=0', '--group=0', '-cf', join(folder, 'rootfs.tar'), '.']);
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

/** The root partition with these files in it. */
async function make(files: readonly Omit<PlacedFile, 'sha256'>[]): Promise<string> {
  const name = `root-${(count += 1)}`;
  const [out, work] = [join(folder, name), join(folder, `${name}-work`)];
  await mkdir(out);
  await mkdir(work);
  const pinned = await Promise.all(
    files.map(async (file) => ({
      ...file,
      sha256: createHash('sha256')
        .update(await readFile(file.source))
        .digest('hex'),
    })),
  );
  const tree = debianTree({
    rootfs: { tar: join(folder, 'rootfs.tar'), key: 'x' },
    folders: [],
    texts: [],
    mountPoints: [],
    files: pinned,
    inImage: [],
    sourceDateEpoch: EPOCH,
  });
  await volumeStage('root', ext4).run(
    {
      tools,
      tree,
      volume: { label: 'root', sizeBytes: 'fit', headroomBytes: MiB },
      ids: identify('test', 'mbr', [{ name: 'root', logical: false }]).partition('root'),
      alignmentBytes: 4 * MiB,
      sourceDateEpoch: EPOCH,
    },
    out,
    { host, report, work, shared: { downloads: folder, ccache: folder, kernelBuilds: folder }, jobs: 1, offline: true },
  );
  return name;
}

/** What debugfs says of a path of the ext4: not the program that made it. */
async function statOf(name: string, path: string): Promise<string> {
  const mounts = [{ source: folder, target: '/mnt' }];
  const args = ['-R', `stat ${path}`, `/mnt/${name}/root.ext4`];
  const command = sandboxed({ root: tools.root, mounts }, { file: 'debugfs', args }, facts.privilege);
  return (await run(command.file, command.args)).stdout;
}

async function file(name: string, content = name): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

/** An archive whose files belong to somebody of the machine that made it. */
async function archive(name: string, compress: string): Promise<string> {
  const tree = join(folder, `${name}-tree`);
  await mkdir(join(tree, 'agent-1.0/bin'), { recursive: true });
  await writeFile(join(tree, 'agent-1.0/bin/agent'), 'agent', { mode: 0o755 });
  await writeFile(join(tree, 'agent-1.0/licence'), 'text', { mode: 0o644 });
  await run('tar', ['-C', tree, '--owner=1234', '--group=1234', compress, '-cf', join(folder, name), 'agent-1.0']);
  return join(folder, name);
}

describe('own software in the root partition', () => {
  it('has its mode, its owner and the folders that were missing', async () => {
    const name = await make([
      { source: await file('agent'), to: '/usr/local/bin/agent', mode: 0o755, owner: 'root' },
      { source: await file('key'), to: '/etc/agent/key', mode: 0o440, owner: 'agent:video' },
      { source: await file('state'), to: '/var/lib/agent/state', mode: 0o600, owner: 'agent' },
      { source: await file('tool'), to: '/bin/tool', mode: 0o4755, owner: '0:44' },
    ]);
    expect(await statOf(name, '/usr/local/bin/agent')).toMatch(/Mode: {2}0755[\s\S]*User: +0 +Group: +0 /);
    expect(await statOf(name, '/etc/agent/key')).toMatch(/Mode: {2}0440[\s\S]*User: +987 +Group: +44 /);
    expect(await statOf(name, '/var/lib/agent/state')).toMatch(/Mode: {2}0600[\s\S]*User: +987 +Group: +65534 /);
    expect(await statOf(name, '/etc/agent')).toMatch(/Type: directory +Mode: {2}0755/);
    expect(await statOf(name, '/usr/bin/tool')).toMatch(/Mode: {2}04755[\s\S]*User: +0 +Group: +44 /);
    expect(await statOf(name, '/bin')).toContain('Type: symlink');
  });

  it.each(['--gzip', '--xz', '--zstd'])('may be an archive compressed with %s', async (compress) => {
    const source = await archive(`agent${compress}`, compress);
    const name = await make([{ source, to: '/opt/agent', mode: 0, owner: 'agent', unpack: { strip: 1 } }]);
    expect(await statOf(name, '/opt/agent/bin/agent')).toMatch(/Mode: {2}0755[\s\S]*User: +987 +Group: +65534 /);
    expect(await statOf(name, '/opt/agent/licence')).toMatch(/Mode: {2}0644[\s\S]*User: +987/);
  });

  it('belongs to root where an archive names somebody else', async () => {
    const source = await archive('plain.tar', '--sort=name');
    const name = await make([{ source, to: '/opt', mode: 0, owner: 'root', unpack: { strip: 0 } }]);
    expect(await statOf(name, '/opt/agent-1.0/bin/agent')).toMatch(/User: +0 +Group: +0 /);
  });

  it('is refused for a user whom the image does not have', async () => {
    const files = [{ source: await file('x'), to: '/etc/x', mode: 0o644, owner: 'nobody-knows' }];
    await expect(make(files)).rejects.toMatchObject({ code: 'software-owner-unknown' });
  });

  it('is refused where there is nothing to unpack', async () => {
    const text = { source: await file('text'), to: '/opt', mode: 0, owner: 'root', unpack: { strip: 0 } };
    await expect(make([text])).rejects.toMatchObject({ code: 'software-archive-invalid' });
    const empty = { ...text, source: await archive('deep.tar', '--sort=name'), unpack: { strip: 5 } };
    await expect(make([empty])).rejects.toMatchObject({ code: 'software-archive-invalid' });
  });
});
