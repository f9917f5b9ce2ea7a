import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { Command } from '../../src/model/command.js';
import type { Mount } from '../../src/model/sandbox.js';
import { readHostFacts } from '../../src/host/read-facts.js';
import { RealHost } from '../../src/host/real-host.js';
import type { PackageLock } from '../../src/sources/debian/packages.js';
import { packageLockStage, readAptSources } from '../../src/sources/debian/package-lock.js';
import { rootfsStage } from '../../src/sources/debian/rootfs/rootfs.js';

/**
 * Maintainer scripts in shell, Perl, Python and C: users and groups, alternatives, diversions, debconf, ucf, PAM,
 * systemd units, set-group-id programs. The whole image would only take longer.
 */
const PACKAGES = ['dbus', 'openssh-server', 'python3-minimal', 'systemd-sysv', 'udev'];

/**
 * Differences between the two ways that are right, each with its reason. Everything else is a mistake: a script that
 * saw the wrong architecture, a file that belongs to a twin, a leftover of the build.
 */
const ALLOWED: readonly { readonly path: RegExp; readonly reason: string }[] = [];

const MINUTES = 60_000;
const EPOCH = 1_700_000_000;
const facts = readHostFacts(process.env);
const host = new RealHost({ facts, signal: new AbortController().signal, environment: process.env, offline: false });
const report = { step: () => undefined, progress: () => undefined, warn: (text: string) => warnings.push(text) };
const warnings: string[] = [];
const tools = { root: inject('toolsTree'), versions: {} };

let folder: string;

/** Path → everything that an image keeps of a file. */
type Listing = ReadonlyMap<string, string>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reswarm-rootfs-'));
  await mkdir(join(folder, 'lock'));
});

afterAll(async () => {
  await inTools({ file: 'find', args: ['/mnt', '-mindepth', '1', '-delete'] });
  await rm(folder, { recursive: true });
});

async function inTools(command: Command, ...mounts: readonly Mount[]): Promise<string> {
  const ours = { source: folder, target: '/mnt', writable: true };
  return (await host.runIn({ root: tools.root, mounts: [ours, ...mounts] }, command)).stdout;
}

async function context(name: string) {
  const work = join(folder, `${name}-work`);
  await mkdir(work);
  const shared = { downloads: join(facts.cacheDir, 'v1/downloads'), ccache: folder, kernelBuilds: folder };
  return { host, report, shared, work, jobs: facts.cpus, offline: false };
}

async function build(name: string, accelerate: boolean): Promise<string> {
  const out = join(folder, name);
  await mkdir(out);
  const overlay = join(import.meta.dirname, '../../layers/base/files/etc');
  const sources = await readAptSources(tools);
  await rootfsStage.run(
    {
      tools,
      hostArchitecture: facts.architecture,
      lock: JSON.parse(await readFile(join(folder, 'lock/lock.json'), 'utf8')) as PackageLock,
      sources,
      deviceSources: sources,
      dpkgFilters: await readFile(join(overlay, 'dpkg/dpkg.cfg.d/50-reswarm'), 'utf8'),
      unitPresets: await readFile(join(overlay, 'systemd/system-preset/50-reswarm.preset'), 'utf8'),
      sourceDateEpoch: EPOCH,
      accelerate,
    },
    out,
    await context(name),
  );
  return join(out, 'rootfs.tar');
}

async function list(name: string): Promise<Listing> {
  const tree = join(folder, `${name}-tree`);
  await mkdir(tree);
  await inTools({
    file: 'tar',
    args: ['--extract', `--file=/mnt/${name}/rootfs.tar`, `--directory=/mnt/${name}-tree`, '--numeric-owner', '-p'],
  });
  const cwd = `/mnt/${name}-tree`;
  const sums = await inTools({ file: 'find', args: ['.', '-type', 'f', '-exec', 'sha256sum', '{}', '+'], cwd });
  const digests = new Map(
    sums
      .trimEnd()
      .split('\n')
      .map((line) => [line.slice(66), line.slice(0, 64)]),
  );
  const entries = await inTools({ file: 'find', args: ['.', '-printf', '%p\\t%y %m %U:%G %T@ %l\\n'], cwd });
  return new Map(
    entries
      .trimEnd()
      .split('\n')
      .map((line) => line.split('\t') as [string, string])
      .map(([path, shape]) => [path, `${shape} ${digests.get(path) ?? ''}`]),
  );
}

function differences(one: Listing, other: Listing): readonly string[] {
  return [...new Set([...one.keys(), ...other.keys()])]
    .filter((path) => one.get(path) !== other.get(path) && !ALLOWED.some((allowed) => allowed.path.test(path)))
    .toSorted()
    .map((path) => `${path}: ${one.get(path) ?? 'absent'} | ${other.get(path) ?? 'absent'}`);
}

describe('a root file system configured at native speed', () => {
  let accelerated: Listing;

  it(
    'is made of locked packages without an emulated fallback',
    async () => {
      await packageLockStage.run(
        {
          tools,
          suite: 'trixie',
          architecture: 'arm64',
          hostArchitecture: facts.architecture,
          sources: await readAptSources(tools),
          archiveAsOf: 'now',
          packages: PACKAGES,
          fetched: [],
        },
        join(folder, 'lock'),
        await context('lock'),
      );
      await build('accelerated', true);
      accelerated = await list('accelerated');
      expect(warnings).toEqual([]);
      expect(accelerated.get('./usr/sbin/sshd')).toMatch(/^f 755 0:0 /);
      expect(accelerated.get('./usr/bin/ssh-agent')).toMatch(/^f 2755 0:\d+ /);
    },
    10 * MINUTES,
  );

  it('has every package configured and no path of the host in it', async () => {
    const status = await readFile(join(folder, 'accelerated-tree/var/lib/dpkg/status'), 'utf8');
    expect(status.match(/^Status: .*/gm)?.filter((line) => line !== 'Status: install ok installed')).toEqual([]);
    const foreign = [...accelerated.keys()].filter((path) => /x86_64-linux-gnu|^\.\/lib64|^\.\/usr\/lib64/.test(path));
    expect(facts.architecture === 'arm64' ? [] : foreign).toEqual([]);
  });

  it('has nothing that must be each device’s own', () => {
    const own = [...accelerated.keys()].filter((path) =>
      /ssh_host_|\/var\/lib\/systemd\/random-seed|__pycache__/.test(path),
    );
    expect(own).toEqual([]);
    expect(accelerated.get('./etc/machine-id')).toMatch(/^f 444 0:0 .* e3b0c44298fc1c14/);
  });

  it(
    'is the same to the byte when it is made again',
    async () => {
      const again = await build('again', true);
      const digest = async (path: string) => inTools({ file: 'sha256sum', args: [path.replace(folder, '/mnt')] });
      const [one] = (await digest(join(folder, 'accelerated/rootfs.tar'))).split(' ');
      const [two] = (await digest(again)).split(' ');
      expect(two).toBe(one);
    },
    10 * MINUTES,
  );

  it(
    'is the same, file by file, as one whose scripts ran under emulation',
    async () => {
      await build('emulated', false);
      expect(differences(accelerated, await list('emulated'))).toEqual([]);
    },
    20 * MINUTES,
  );
});
