import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lockNode, OWN_SUITE, toolsNode } from '../../src/build/debian-nodes.js';
import { muslNode, STATIC_PACKAGES } from '../../src/build/small/musl-node.js';
import { workloadNodes } from '../../src/build/workload/workload-nodes.js';
import { findBoard } from '../../src/config/listing/boards.js';
import { findWorkload } from '../../src/config/listing/workloads.js';
import { configPlaces } from '../../src/config/places.js';
import { readHostFacts } from '../../src/host/read-facts.js';
import { RealHost } from '../../src/host/real-host.js';
import type { Architecture } from '../../src/model/architecture.js';
import { archiveAsOf } from '../../src/pipeline/archive-date.js';
import type { StageContext } from '../../src/pipeline/stage.js';
import { Store } from '../../src/pipeline/store.js';
import { withRunner } from '../../src/pipeline/runner.js';
import { fileOrigins } from '../../src/sources/workload/file-origins.js';
import type { MinimalOptions, MinimalRoot } from '../../src/sources/workload/prepare-workload.js';
import { workloadTree } from '../../src/sources/workload/prepare-workload.js';
import type { UnpackedPackages } from '../../src/sources/workload/unpacked-packages.js';

/** A program of one small package for an architecture that need not be the host's: nothing of it is run. */
const WORKLOAD = `id: greeter
description: Greets.
packages: [hello]
files: { ./own: /opt/own }
command: [/bin/hello, -g, hi]
user: games
writable: [/var/lib/greeter]
list: ./greeter.{architecture}.list
`;
const LIST = '/usr/bin/hello\n+ /usr/share/common-licenses/GPL-3\n';
const EPOCH = 1_700_000_000;

const run = promisify(execFile);
const projectDir = fileURLToPath(new URL('../..', import.meta.url));
const facts = readHostFacts(process.env);
const host = new RealHost({ facts, signal: new AbortController().signal, environment: process.env, offline: false });
const store = new Store(host.facts.cacheDir, host);
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reswarm-workload-'));
  await mkdir(join(folder, 'own'));
  await writeFile(join(folder, 'own/script'), '#!/bin/sh\n', { mode: 0o600 });
  await writeFile(join(folder, 'own/data'), 'data\n', { mode: 0o666 });
  await writeFile(join(folder, 'greeter.yaml'), WORKLOAD);
});

afterAll(async () => {
  await store.removeTree(folder);
});

type Options = Partial<Pick<MinimalOptions, 'keep' | 'drop'>>;

/** The minimal root of the workload in a folder of its own. */
async function build(architecture: Architecture, list: string, name: string, options: Options = {}) {
  await writeFile(join(folder, `greeter.${architecture}.list`), list);
  return withRunner(host, store, { emit: () => undefined }, { jobs: 1, offline: false }, async (runner) => {
    const surroundings = { hostArchitecture: facts.architecture, archiveAsOf: await archiveAsOf(store, false) };
    const tools = toolsNode(surroundings);
    const { workload } = await findWorkload(join(folder, 'greeter.yaml'), configPlaces(projectDir, folder));
    const initFolder = join(projectDir, 'native/minimal-init');
    const { board } = await findBoard(
      architecture === 'amd64' ? 'pc-amd64' : 'virt-arm64',
      configPlaces(projectDir, folder),
    );
    const compiler = lockNode({ board, suite: OWN_SUITE, packages: [], fetched: STATIC_PACKAGES }, tools, surroundings);
    const toolchain = muslNode(architecture, tools, compiler);
    const nodes = await workloadNodes(workload, architecture, { tools, toolchain, surroundings, initFolder });
    const packages = await runner.run(nodes.packages);
    const compiled = await runner.run(nodes.compiled);
    const init = await runner.run(nodes.init);
    const made = await workloadTree(
      { workload, architecture, packages, compiled },
      { ...options, init, sourceDateEpoch: EPOCH },
    );
    const root = join(folder, name);
    await mkdir(root);
    const inTools = await runner.run(tools);
    await store.withScratch(async (work) => {
      const report = { step: () => undefined, progress: () => undefined } as unknown as StageContext['report'];
      const context = { host, report, shared: store.shared, work, jobs: 1, offline: false };
      await made.tree.assemble(root, inTools, context);
    });
    return { root, made, packages };
  });
}

describe.each(['amd64', 'arm64'] as const)('the root of a workload for %s', (architecture) => {
  let root: string;
  let made: MinimalRoot;
  let packages: UnpackedPackages;
  const loader = {
    amd64: 'usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2',
    arm64: 'usr/lib/aarch64-linux-gnu/ld-linux-aarch64.so.1',
  };

  beforeAll(async () => {
    ({ root, made, packages } = await build(architecture, LIST, `root-${architecture}`));
  });

  it('has the program, its loader and library, and what the list adds, but not the rest of the packages', async () => {
    const paths = made.selection.files.filter(({ type }) => type === 'file').map(({ path }) => path);
    expect(paths).toContain('/usr/bin/hello');
    expect(paths).toContain(`/${loader[architecture]}`);
    expect(paths).toContain('/usr/share/common-licenses/GPL-3');
    expect(paths.length).toBeLessThan(20);
    expect(packages.files.length).toBeGreaterThan(1000);
    expect((await stat(join(root, 'usr/bin/hello'))).mode & 0o777).toBe(0o755);
    expect(await readlink(join(root, 'bin'))).toBe('usr/bin');
  });

  it('has the init, of the right architecture, and its settings', async () => {
    const { stdout } = await run('file', ['-b', join(root, 'init')]);
    expect(stdout).toMatch(architecture === 'amd64' ? /x86-64.*statically linked/ : /aarch64.*statically linked/);
    const settings = await readFile(join(root, 'etc/reswarm/workload'), 'utf8');
    expect(settings).toContain('user 5\ngroup 60\n');
    expect(settings).toContain('arg /bin/hello\narg -g\narg hi\n');
    expect(settings).toContain('writable /var/lib/greeter\n');
  });

  it('has own files with the modes of programs and data', async () => {
    expect((await stat(join(root, 'opt/own/script'))).mode & 0o777).toBe(0o755);
    expect((await stat(join(root, 'opt/own/data'))).mode & 0o777).toBe(0o644);
  });

  it('knows what it leaves out, and takes no more room than it says', async () => {
    const leftOut = await readFile(join(root, 'etc/reswarm/left-out'), 'utf8');
    expect(leftOut.split('\n')).toContain('/usr/bin/bash');
    expect(leftOut.split('\n')).not.toContain('/usr/bin/hello');
    const { stdout } = await run('find', [root, '-mindepth', '1', '-printf', 'x']);
    expect(made.tree.content?.files).toBe(stdout.length);
  });

  it('tells the package, version and digest of each file', async () => {
    const origins = await fileOrigins(made.selection.files, packages);
    const hello = origins.find(({ path }) => path === '/usr/bin/hello');
    expect(hello).toMatchObject({ package: 'hello', architecture });
    const { stdout } = await run('sha256sum', [join(root, 'usr/bin/hello')]);
    expect(stdout.split(' ')[0]).toBe(hello?.sha256);
    expect(origins.find(({ path }) => path === '/opt/own/data')?.package).toBeUndefined();
  });

  it('is the same twice, bytes and times', async () => {
    const again = await build(architecture, LIST, `again-${architecture}`);
    expect(again.made.tree.key).toEqual(made.tree.key);
    const listing = async (path: string) =>
      (await run('sh', ['-c', 'cd "$0" && find . -printf "%P %m %s %T@ %l\\n" | sort', path])).stdout;
    expect(await listing(again.root)).toBe(await listing(root));
  });
});

describe('a list that does not fit', () => {
  it.each([
    { list: '/usr/bin/dash\n', code: 'workload-command-not-listed' },
    { list: '/usr/bin/hello\n/usr/lib/libold.so.1\n', code: 'file-list-stale' },
    { list: '/usr/bin/hello\n+ /usr/share/nothing/*\n', code: 'workload-glob-unmatched' },
    { list: 'usr/bin/hello\n', code: 'file-list-line' },
  ])('$code', async ({ list, code }) => {
    await expect(build('amd64', list, `refused-${code}`)).rejects.toMatchObject({ code });
  });

  it('must be there', async () => {
    await build('amd64', LIST, 'fits').then(({ root }) => rm(root, { recursive: true }));
    await rm(join(folder, 'greeter.amd64.list'));
    await writeFile(join(folder, 'greeter.yaml'), WORKLOAD.replace('list: ./greeter', 'list: ./other'));
    await expect(build('amd64', LIST, 'unlisted')).rejects.toMatchObject({ code: 'workload-not-traced' });
    await writeFile(join(folder, 'greeter.yaml'), WORKLOAD);
  });

  it('names a package that Debian does not have', async () => {
    await writeFile(join(folder, 'greeter.yaml'), WORKLOAD.replace('[hello]', '[helllo]'));
    await expect(build('amd64', LIST, 'unknown')).rejects.toMatchObject({ code: 'unknown-package' });
    await writeFile(join(folder, 'greeter.yaml'), WORKLOAD);
  });
});
