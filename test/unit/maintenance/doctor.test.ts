import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { HostFacts } from '../../../src/host/host.js';
import type { ReportEvent } from '../../../src/pipeline/reporter.js';
import {
  assertHostReady,
  checkHost,
  installMissing,
  makeHostReady,
  type HostFix,
} from '../../../src/maintenance/doctor.js';
import { createFakeHost } from '../../helpers/fake-host.js';

const trixieKey = Buffer.from('b8e5f13176d2a7a75220028078dba3bc47ef2265', 'hex');
const handler =
  'enabled\ninterpreter /usr/bin/qemu-aarch64\nflags: OCF\noffset 0\nmagic 7f454c460201010000000000000000000200b700\n';

let root: string;
let installed: Set<string>;
let kernelRunsArm64: boolean;
let shown: string[];
let asked: HostFix[];

/** A machine as a folder of files and a set of programs; apt and tee change it as they would the real one. */
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'doctor-'));
  installed = new Set(['mmdebstrap', 'bwrap', 'apt-get', 'dpkg', 'mount', 'gpg', 'unshare', 'flock', 'newuidmap']);
  kernelRunsArm64 = false;
  shown = [];
  asked = [];
  await put('etc/os-release', 'ID=debian\nVERSION_ID="13"\n');
  await put('usr/share/keyrings/debian-archive-keyring.gpg', Buffer.concat([Buffer.alloc(100), trixieKey]));
  await put('proc/sys/fs/binfmt_misc/register', '');
  await put('proc/sys/fs/binfmt_misc/status', 'enabled');
  await put('proc/sys/fs/binfmt_misc/qemu-aarch64', handler);
  await put('proc/mounts', 'disk / ext4 rw 0 0\n');
  await put('usr/bin/qemu-aarch64', '');
  await put('var/lib/apt/lists/example.org_dists_trixie_main_binary-amd64_Packages', '');
  for (const file of ['etc/subuid', 'etc/subgid']) await put(file, `${userInfo().username}:100000:65536\n`);
});
afterEach(async () => {
  await rm(root, { recursive: true });
});

async function put(path: string, content: string | Buffer): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), content);
}

async function remove(...paths: string[]): Promise<void> {
  for (const path of paths) await rm(join(root, path), { recursive: true });
}

type Aptitude = (args: readonly string[]) => Promise<{ exitCode?: number; stdout?: string; stderr?: string }>;

function hostWith(apt?: Aptitude, facts: Partial<HostFacts> = {}) {
  return createFakeHost({
    facts: { cacheDir: join(root, 'cache'), ...facts },
    run: async ({ file, args, stdin }) => {
      if ((file === 'bwrap' || file === 'unshare') && args.at(-1) === 'true') return {};
      if (file === 'sh') return { stdout: args.filter((name) => installed.has(name)).join('\n') };
      if (args.length === 0 || args[0] === '--version') {
        if (!installed.has(file)) return 'not-found';
        return file === 'newuidmap' ? { exitCode: 1 } : { stdout: `${file} 1.2.3\n` };
      }
      if (args.at(-1) === '/probe') return kernelRunsArm64 ? {} : { exitCode: 1 };
      if (file === 'apt-get') return apt?.(args);
      if (file === 'mount' && args.includes('binfmt_misc')) {
        await put('proc/sys/fs/binfmt_misc/register', '');
        return {};
      }
      if (file === 'tee' && args[0]?.endsWith('/register') === true && stdin?.startsWith(':qemu-aarch64:M:') === true) {
        await put('proc/sys/fs/binfmt_misc/qemu-aarch64', handler);
        return {};
      }
      if (file === 'tee' && args[0]?.endsWith('/qemu-aarch64') === true && stdin === '-1') {
        await remove('proc/sys/fs/binfmt_misc/qemu-aarch64');
        return {};
      }
      return undefined;
    },
  });
}

const reporter = {
  emit: (event: ReportEvent) => {
    if (event.type === 'notice') shown.push(event.text);
  },
};
const agree = (fix: HostFix) => {
  asked.push(fix);
  return Promise.resolve(true);
};
/** What changed the machine, without the probes. */
const changes = (host: { commands: string[] }) =>
  host.commands.filter((line) => /^(apt-get (install|update)|mount -t|tee)/.test(line));

describe('checkHost', () => {
  it('finds everything on a good machine and would change nothing', async () => {
    const host = hostWith();
    const report = await checkHost(host, root);
    expect(report.checks.filter(({ status }) => status === 'missing')).toEqual([]);
    expect(report).toMatchObject({ ready: true });
    expect(report.fix).toBeUndefined();
    expect(changes(host)).toEqual([]);
    expect(() => {
      assertHostReady(report);
    }).not.toThrow();
  });

  it('notes the version of what it found', async () => {
    const { checks } = await checkHost(hostWith(), root);
    expect(checks.find(({ id }) => id === 'mmdebstrap')?.detail).toBe('1.2.3');
  });

  it.each([
    ['mmdebstrap', () => Promise.resolve(installed.delete('mmdebstrap'))],
    ['bubblewrap', () => Promise.resolve(installed.delete('bwrap'))],
    ['debian-keyring', () => remove('usr/share/keyrings')],
    ['debian-keyring', () => put('usr/share/keyrings/debian-archive-keyring.gpg', 'keys of long ago')],
    ['binfmt', () => remove('proc/sys/fs/binfmt_misc')],
    ['binfmt', () => put('proc/sys/fs/binfmt_misc/qemu-aarch64', handler.replace('OCF', 'OC'))],
    ['binfmt', () => put('proc/sys/fs/binfmt_misc/qemu-aarch64', handler.replace('enabled', 'disabled'))],
    ['store', () => put('proc/mounts', 'disk / ext4 rw,noexec 0 0\n')],
  ])('misses %s and says so in one error', async (id, breakIt) => {
    await breakIt();
    const report = await checkHost(hostWith(), root);
    expect(report.checks.filter(({ status }) => status === 'missing').map((check) => check.id)).toEqual([id]);
    expect(() => {
      assertHostReady(report);
    }).toThrow(
      expect.objectContaining({ code: 'host-not-ready', problems: [expect.objectContaining({ code: `host-${id}` })] }),
    );
  });

  it('believes its eyes where arm64 programs run though no handler can be seen', async () => {
    await remove('proc/sys/fs/binfmt_misc', 'usr/bin/qemu-aarch64');
    kernelRunsArm64 = true;
    expect((await checkHost(hostWith(), root)).ready).toBe(true);
  });

  it('asks for user namespaces without root only', async () => {
    installed.delete('newuidmap');
    await remove('etc/subuid');
    expect((await checkHost(hostWith(), root)).ready).toBe(true);
    expect((await checkHost(hostWith(undefined, { privilege: 'user-namespace' }), root)).ready).toBe(false);
  });
});

describe('makeHostReady', () => {
  it('asks no program for its version where nothing is missing', async () => {
    const host = hostWith();
    await makeHostReady(host, reporter, agree, root);
    expect(host.commands.filter((command) => command.includes('--version'))).toEqual([]);
  });

  it('installs a program that is missing, after asking', async () => {
    installed.delete('bwrap');
    const host = hostWith(() => {
      installed.add('bwrap');
      return Promise.resolve({});
    });
    await makeHostReady(host, reporter, agree, root);
    expect(asked).toHaveLength(1);
  });

  it('names what cannot be installed', async () => {
    await remove('usr/share/keyrings/debian-archive-keyring.gpg');
    await put('etc/os-release', 'ID=plan9\n');
    await expect(makeHostReady(hostWith(), reporter, agree, root)).rejects.toMatchObject({ code: 'host-not-ready' });
  });
});

describe('installMissing', () => {
  const apt: Aptitude = async (args) => {
    if (args[0] === 'install') {
      if (args.includes('mmdebstrap')) installed.add('mmdebstrap');
      if (args.includes('bubblewrap')) installed.add('bwrap');
      if (args.includes('qemu-user')) await put('usr/bin/qemu-aarch64', '');
    }
    return { stdout: 'Reading package lists...\n' };
  };

  it('does nothing and asks nothing where nothing is missing', async () => {
    const host = hostWith(apt);
    expect((await installMissing(host, reporter, agree, root)).ready).toBe(true);
    expect(changes(host)).toEqual([]);
    expect(asked).toEqual([]);
  });

  it('installs what is missing in one go, shows the command before and its output while it runs', async () => {
    installed.delete('mmdebstrap');
    installed.delete('bwrap');
    const host = hostWith(apt);
    expect((await installMissing(host, reporter, agree, root)).ready).toBe(true);
    const install = 'apt-get install --yes --no-install-recommends mmdebstrap bubblewrap';
    expect(changes(host)).toEqual([install]);
    expect(asked).toHaveLength(1);
    expect(shown).toEqual([`$ ${install}`, '  Reading package lists...']);
  });

  it.each([
    ['there are none', () => remove('var/lib/apt/lists')],
    [
      'they are old',
      async () => {
        const lists = join(root, 'var/lib/apt/lists/example.org_dists_trixie_main_binary-amd64_Packages');
        await utimes(lists, 0, 0);
      },
    ],
  ])('refreshes the package lists first when %s', async (_what, age) => {
    await age();
    installed.delete('mmdebstrap');
    const host = hostWith(apt);
    await installMissing(host, reporter, undefined, root);
    expect(changes(host)).toEqual(['apt-get update', 'apt-get install --yes --no-install-recommends mmdebstrap']);
  });

  it('brings the emulator, then mounts binfmt_misc and registers it where no systemd did', async () => {
    await remove('proc/sys/fs/binfmt_misc', 'usr/bin/qemu-aarch64');
    const host = hostWith(apt);
    expect((await installMissing(host, reporter, agree, root)).ready).toBe(true);
    expect(changes(host)).toEqual([
      'apt-get install --yes --no-install-recommends qemu-user qemu-user-binfmt',
      'mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc',
      'tee /proc/sys/fs/binfmt_misc/register',
    ]);
    expect(asked.map(({ title }) => title)).toEqual([
      'Install packages',
      "Show the kernel's handlers of programs",
      'Let the kernel run arm64 programs',
    ]);
  });

  it('replaces a registration that lacks the F flag', async () => {
    await put('proc/sys/fs/binfmt_misc/qemu-aarch64', handler.replace('OCF', 'OC'));
    const host = hostWith(apt);
    expect((await installMissing(host, reporter, agree, root)).ready).toBe(true);
    expect(changes(host)).toEqual([
      'tee /proc/sys/fs/binfmt_misc/qemu-aarch64',
      'tee /proc/sys/fs/binfmt_misc/register',
    ]);
  });

  it('changes nothing when the answer is no', async () => {
    installed.delete('mmdebstrap');
    const host = hostWith(apt);
    await expect(installMissing(host, reporter, () => Promise.resolve(false), root)).rejects.toMatchObject({
      code: 'host-fix-declined',
      hints: [expect.stringContaining('apt-get install') as string],
    });
    expect(changes(host)).toEqual([]);
  });

  it('changes nothing without root, and gives the sudo commands', async () => {
    installed.delete('mmdebstrap');
    const host = hostWith(apt, { privilege: 'user-namespace' });
    await expect(installMissing(host, reporter, agree, root)).rejects.toMatchObject({
      code: 'host-needs-root',
      hints: [expect.stringContaining('sudo apt-get install --yes --no-install-recommends mmdebstrap') as string],
    });
    expect(changes(host)).toEqual([]);
    expect(asked).toEqual([]);
  });

  it('gives the registration as a line to copy, without root', async () => {
    await remove('proc/sys/fs/binfmt_misc/qemu-aarch64');
    const host = hostWith(apt, { privilege: 'user-namespace' });
    await expect(installMissing(host, reporter, agree, root)).rejects.toMatchObject({
      hints: [
        expect.stringMatching(
          /printf %s ':qemu-aarch64:M::.*' \| sudo tee \/proc\/sys\/fs\/binfmt_misc\/register/,
        ) as string,
      ],
    });
  });

  it('names the command of a package manager it never tried, and does not run it', async () => {
    await put('etc/os-release', 'ID=fedora\n');
    installed.delete('mmdebstrap');
    const host = hostWith(apt);
    await expect(installMissing(host, reporter, agree, root)).rejects.toMatchObject({
      code: 'host-packages-unknown',
      hints: [expect.stringContaining('sudo dnf install mmdebstrap') as string],
    });
    expect(asked).toEqual([]);
  });

  it("fails with apt's own words", async () => {
    installed.delete('mmdebstrap');
    const words = 'E: Unable to locate package mmdebstrap';
    const host = hostWith(() => Promise.resolve({ exitCode: 100, stderr: words }));
    await expect(installMissing(host, reporter, agree, root)).rejects.toMatchObject({
      code: 'host-fix-failed',
      details: [words],
    });
    expect(shown).toContain(`  ${words}`);
  });

  it('stops after a step that did not help, and reports what is still missing', async () => {
    installed.delete('mmdebstrap');
    const host = hostWith(() => Promise.resolve({}));
    const report = await installMissing(host, reporter, agree, root);
    expect(report.ready).toBe(false);
    expect(changes(host)).toHaveLength(1);
  });
});
