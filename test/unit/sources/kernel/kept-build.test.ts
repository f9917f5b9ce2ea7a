import { mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Command } from '../../../../src/model/command.js';
import type { StageContext } from '../../../../src/pipeline/stage.js';
import type { KernelInput } from '../../../../src/sources/kernel/kernel.js';
import { keepBuild, takeKeptBuild, touchPatched } from '../../../../src/sources/kernel/kept-build.js';
import { patchedFiles } from '../../../../src/sources/kernel/patch-output.js';

const OLD = new Date('2020-01-01T00:00:00Z');
const patchOf = (file: string) => ({
  file: '/x/own.patch',
  text: `--- a/${file}\n+++ b/${file}\n@@ -1 +1 @@\n-a\n+b\n`,
});
const input = (change: Partial<KernelInput> = {}): KernelInput => ({
  tools: {
    root: '/nowhere',
    versions: { 'gcc-14-aarch64-linux-gnu': '14.2.0-19', 'binutils-aarch64-linux-gnu': '2.44' },
  },
  architecture: 'arm64',
  source: { url: 'http://localhost/linux.tar.gz', sha256: 'aa' },
  fragments: [{ file: 'a.config', text: 'CONFIG_MODULES=y\n' }],
  patches: [],
  localVersion: '-reswarm',
  sourceDateEpoch: 0,
  ...change,
});

let folder: string;
let context: StageContext;
/** What was kept already when the bytes of a build went to the disk. */
let synced: string[][];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kept-build-'));
  const shared = { downloads: folder, ccache: folder, kernelBuilds: join(folder, 'kept') };
  synced = [];
  const host = {
    run: async ({ args }: Command) => {
      // The name is not there yet.
      synced.push(await readdir(shared.kernelBuilds));
      expect(args).toEqual(['--file-system', expect.stringContaining(context.work)]);
    },
  };
  context = { shared, host, work: join(folder, 'work') } as unknown as StageContext;
  await mkdir(context.work);
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

/** A finished build, kept. */
async function build(kernel: KernelInput, ...objects: string[]): Promise<void> {
  const path = join(context.work, 'build');
  await takeKeptBuild(kernel, path, context);
  await unpack(path);
  await touchPatched(kernel, path);
  for (const name of objects) await put(join(path, 'objects', name), name);
  await keepBuild(kernel, path, context);
}

async function unpack(path: string): Promise<void> {
  for (const name of ['Makefile', 'drivers/firmware/raspberrypi.c', 'net/socket.c']) {
    await put(join(path, 'source', name), name);
    await utimes(join(path, 'source', name), OLD, OLD);
  }
}

async function put(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}

const taken = () => join(context.work, 'taken');
const isOld = async (name: string): Promise<boolean> => {
  return (await stat(join(taken(), 'source', name))).mtimeMs === OLD.getTime();
};

describe('takeKeptBuild', () => {
  it('takes source and objects of a build of the same source with another configuration', async () => {
    await build(input(), 'vmlinux.o');
    const other = input({ fragments: [{ file: 'b.config', text: 'CONFIG_MODULES=y\nCONFIG_USB=y\n' }] });
    expect(await takeKeptBuild(other, taken(), context)).toEqual({ hasSource: true });
    expect(await readFile(join(taken(), 'objects/vmlinux.o'), 'utf8')).toBe('vmlinux.o');
  });

  it('leaves nothing for a second build at the same time, and nothing when it is killed', async () => {
    await build(input(), 'vmlinux.o');
    await takeKeptBuild(input(), taken(), context);
    expect(await takeKeptBuild(input(), join(context.work, 'second'), context)).toEqual({ hasSource: false });
    expect(await readdir(context.shared.kernelBuilds)).toEqual([]);
  });

  it.each([
    ['another source', input({ source: { url: 'http://localhost/linux.tar.gz', sha256: 'bb' } })],
    ['another architecture', input({ architecture: 'amd64' })],
    ['realtime', input({ fragments: [{ file: 'a.config', text: 'CONFIG_MODULES=y\nCONFIG_PREEMPT_RT=y\n' }] })],
    ['no modules', input({ fragments: [{ file: 'a.config', text: 'CONFIG_USB=y\n' }] })],
    ['another compiler', input({ tools: { root: '/nowhere', versions: {} } })],
  ])('finds nothing for %s', async (_case, other) => {
    await build(input(), 'vmlinux.o');
    expect(await takeKeptBuild(other, taken(), context)).toEqual({ hasSource: false });
  });

  it('keeps the objects when the patches change; files of the old and the new ones are new to make', async () => {
    await build(input({ patches: [patchOf('net/socket.c')] }), 'vmlinux.o');
    const other = input({ patches: [patchOf('drivers/firmware/raspberrypi.c')] });
    expect(await takeKeptBuild(other, taken(), context)).toEqual({ hasSource: false });
    expect(await readdir(taken())).toEqual(['objects', 'patches.json']);
    await unpack(taken());
    await touchPatched(other, taken());
    expect(await isOld('Makefile')).toBe(true);
    expect(await isOld('net/socket.c')).toBe(false);
    expect(await isOld('drivers/firmware/raspberrypi.c')).toBe(false);
  });
});

describe('keepBuild', () => {
  const named = (name: string) => ({ source: { url: 'http://localhost/linux.tar.gz', sha256: name } });

  it('keeps the three that were used last', async () => {
    for (const name of ['-a', '-b', '-c', '-d']) {
      await build(input(named(name)), `${name}.o`);
      for (const kept of await readdir(context.shared.kernelBuilds)) {
        const path = join(context.shared.kernelBuilds, kept);
        const { mtimeMs } = await stat(path);
        await utimes(path, new Date(mtimeMs - 10_000), new Date(mtimeMs - 10_000));
      }
    }
    expect(await readdir(context.shared.kernelBuilds)).toHaveLength(3);
    expect(await takeKeptBuild(input(named('-a')), taken(), context)).toEqual({ hasSource: false });
    expect(await takeKeptBuild(input(named('-d')), taken(), context)).toEqual({ hasSource: true });
  });

  it('has the bytes on the disk before their name is', async () => {
    await build(input(), 'first.o');
    expect(synced).toEqual([[]]);
    expect(await readdir(context.shared.kernelBuilds)).toHaveLength(1);
  });

  it('leaves the one that another build has kept meanwhile', async () => {
    await build(input(), 'first.o');
    await put(join(context.work, 'mine/objects/mine.o'), '');
    await keepBuild(input(), join(context.work, 'mine'), context);
    await takeKeptBuild(input(), taken(), context);
    expect(await readdir(join(taken(), 'objects'))).toEqual(['first.o']);
  });
});

describe('patchedFiles', () => {
  it('names what is added, changed and removed, without dates', () => {
    const text = [
      'diff --git a/new.c b/new.c',
      '--- /dev/null',
      '+++ b/new.c',
      '@@ -0,0 +1 @@',
      '+x',
      '--- a/gone.c\t2024-01-01 00:00:00.000000000 +0000',
      '+++ /dev/null',
      '--- a/same.c',
      '+++ b/same.c',
      '',
    ].join('\n');
    expect(patchedFiles([{ file: 'x', text }])).toEqual(['gone.c', 'new.c', 'same.c']);
  });
});
