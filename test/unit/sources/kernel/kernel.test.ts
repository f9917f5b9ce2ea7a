import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Command } from '../../../../src/model/command.js';
import type { Sandbox } from '../../../../src/model/sandbox.js';
import { UserError } from '../../../../src/errors.js';
import type { Host } from '../../../../src/host/host.js';
import type { StageContext } from '../../../../src/pipeline/stage.js';
import { canonicalJson } from '../../../../src/model/json.js';
import type { KernelInput } from '../../../../src/sources/kernel/kernel.js';
import { kernelStage } from '../../../../src/sources/kernel/kernel.js';
import { makeCommand } from '../../../../src/sources/kernel/kernel-build.js';

const fragment = (text: string, file = 'boards/kernel/base.config') => ({ file, text });
const input = (text = 'CONFIG_EXT4_FS=y\n'): KernelInput => ({
  tools: {
    root: '/nowhere/tree',
    versions: { 'gcc-14-aarch64-linux-gnu': '14.2.0-19', 'binutils-aarch64-linux-gnu': '2.44-3' },
  },
  architecture: 'arm64',
  source: {
    name: 'linux-source-6.12',
    version: '6.12.1-1',
    architecture: 'all',
    filename: 'pool/l.deb',
    sizeBytes: 1,
    sha256: 'aa',
    sources: 'deb http://localhost/debian trixie main\n',
  },
  fragments: [fragment(text)],
  patches: [],
  localVersion: '-reswarm',
  sourceDateEpoch: 1_700_000_000,
});
const keyOf = (kernel: KernelInput) => canonicalJson(kernelStage.key(kernel));

describe('the key of the kernel', () => {
  it('stays the same with another comment, order or place of the fragments', () => {
    const one = { ...input(), fragments: [fragment('# why\nCONFIG_B=y\nCONFIG_A=m\n')] };
    const two = { ...input(), fragments: [fragment('CONFIG_A=m\n', '/x/a'), fragment('CONFIG_B=y\n', '/x/b')] };
    expect(keyOf(one)).toBe(keyOf(two));
  });

  it.each([
    ['an option', input('CONFIG_EXT4_FS=m\n')],
    ['the source', { ...input(), source: { ...input().source, sha256: 'bb' } }],
    ['the local version', { ...input(), localVersion: '-other' }],
    ['the date', { ...input(), sourceDateEpoch: 1 }],
    ['the architecture', { ...input(), architecture: 'amd64' as const }],
    ['a patch', { ...input(), patches: [{ file: '/x/a.patch', text: '--- a/Makefile\n' }] }],
    ['a tarball', { ...input(), source: { url: 'http://localhost/linux.tar.gz', sha256: 'cc' } }],
    ['the compiler', { ...input(), tools: { root: '/nowhere/tree', versions: {} } }],
  ])('changes with %s', (_case, other) => {
    expect(keyOf(other)).not.toBe(keyOf(input()));
  });

  it('holds no path of this machine', () => {
    expect(keyOf(input())).not.toMatch(/nowhere|downloads/);
  });
});

describe('check', () => {
  it('finds what is wrong with the fragments before anything is unpacked', () => {
    const problems = kernelStage.check?.(input('CONFIG_A=y\nCONFIG_A=n\nCONFIG_B = y\n'));
    expect(problems?.map(({ code, line }) => [code, line])).toEqual([
      ['kernel-fragment-syntax', 3],
      ['kernel-fragment-conflict', 2],
    ]);
  });
});

describe('makeCommand', () => {
  it('fixes who built where and when, so that the same sources give the same bytes', () => {
    const { args, env } = makeCommand(['Image'], { ...input(), jobs: 3 });
    expect(args).toEqual(expect.arrayContaining(['ARCH=arm64', '--jobs=3', 'LOCALVERSION=-reswarm', 'Image']));
    expect(env).toMatchObject({
      KBUILD_BUILD_TIMESTAMP: '2023-11-14T22:13:20Z',
      KBUILD_BUILD_USER: 'reswarm',
      KBUILD_BUILD_HOST: 'reswarm-os',
      KBUILD_BUILD_VERSION: '1',
    });
  });
});

describe('run', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kernel-stage-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('stops before compiling when kconfig dropped an option, and names the line that asked for it', async () => {
    const calls: string[] = [];
    const { context, out } = await contextIn(folder, async (sandbox, { file, args }) => {
      calls.push([file, args.at(-1)].join(' '));
      const unpacked = sandbox.mounts?.find(({ target, writable }) => target === '/mnt' && writable)?.source;
      if (file === 'dpkg-deb') await mkdir(join(unpacked ?? '', 'usr/src'), { recursive: true });
      if (file !== 'make') return;
      expect(args).toContain('allnoconfig');
      const build = sandbox.mounts?.find(({ target }) => target === '/tmp/build')?.source ?? '';
      await writeFile(join(build, 'objects', '.config'), 'CONFIG_EXT4_FS=y\n');
    });
    const running = kernelStage.run(input('CONFIG_EXT4_FS=y\n# why\nCONFIG_USB_PCI=y\n'), out, context);
    await expect(running).rejects.toThrow(UserError);
    await expect(running).rejects.toMatchObject({
      code: 'kernel-option-lost',
      problems: [{ file: 'boards/kernel/base.config', line: 3 }],
    });
    expect(calls).toEqual(['dpkg-deb /mnt', 'tar --no-same-owner', 'make allnoconfig']);
    expect(await readdir(out)).toEqual([]);
  });
});

/** A context whose host runs `onRun` instead of programs and refuses everything else. */
async function contextIn(folder: string, onRun: (sandbox: Sandbox, command: Command) => Promise<void>) {
  const [out, work] = [join(folder, 'out'), join(folder, 'work')];
  await mkdir(out);
  await mkdir(work);
  const refuse = (): never => {
    throw new Error('not expected');
  };
  const host: Host = {
    facts: { architecture: 'amd64', privilege: 'root', cacheDir: folder, cpus: 1 },
    signal: new AbortController().signal,
    run: refuse,
    stream: refuse,
    startIn: refuse,
    attachIn: refuse,
    attach: refuse,
    // The package is unpacked by the programs that onRun stands for.
    download: () => Promise.resolve(),
    remoteFile: refuse,
    remoteText: refuse,
    standardInput: refuse,
    blockDevices: refuse,
    openDevice: refuse,
    until: refuse,
    uninterrupted: refuse,
    runIn: async (sandbox, command) => {
      await onRun(sandbox, command);
      return { exitCode: 0, stdout: '', stderr: '' };
    },
  };
  const silent = () => undefined;
  const context: StageContext = {
    host,
    report: { step: silent, progress: silent, warn: silent },
    shared: {
      downloads: join(folder, 'downloads'),
      ccache: join(folder, 'ccache'),
      kernelBuilds: join(folder, 'kernel-builds'),
    },
    work,
    jobs: 2,
    offline: true,
  };
  return { context, out };
}
