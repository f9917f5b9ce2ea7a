import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { dpkgFilterOptions } from '../../../../../src/sources/debian/dpkg-filters.js';
import { rootfsLeftovers } from '../../../../../src/sources/debian/rootfs/leftovers.js';
import type { ProgramKind } from '../../../../../src/sources/debian/native-programs.js';
import {
  needsNative,
  programKind,
  retargetDpkg,
  nativePrograms,
} from '../../../../../src/sources/debian/native-programs.js';
import { unitPresets } from '../../../../../src/sources/debian/unit-presets.js';

const overlay = join(import.meta.dirname, '../../../../../layers/base/files');
const engine = join(import.meta.dirname, '../../../../../layers/docker-config/files');

function kindOf(architecture: string): ProgramKind {
  const kind = programKind(architecture);
  if (kind === undefined) throw new Error(`no program kind for ${architecture}`);
  return kind;
}

const AMD64 = kindOf('amd64');
const ARM64 = kindOf('arm64');

describe('twinPrograms', () => {
  const choose = (twins: Readonly<Record<string, number>>, image: Readonly<Record<string, number>>) =>
    nativePrograms(new Map(Object.entries(twins)), new Map(Object.entries(image)), { twin: AMD64, image: ARM64 });

  it('takes programs that both trees have at the same path', () => {
    expect(
      choose(
        { 'usr/bin/sed': AMD64.elfMachine, 'usr/bin/only-here': AMD64.elfMachine },
        { 'usr/bin/sed': ARM64.elfMachine, 'usr/bin/only-there': ARM64.elfMachine },
      ),
    ).toEqual(['usr/bin/sed']);
  });

  it('never lays a file over one of another kind', () => {
    expect(choose({ 'usr/bin/odd': ARM64.elfMachine }, { 'usr/bin/odd': ARM64.elfMachine })).toEqual([]);
    expect(choose({ 'usr/bin/odd': AMD64.elfMachine }, { 'usr/bin/odd': 40 })).toEqual([]);
  });

  it.each([
    ['usr/bin/uname', 'says which architecture this is'],
    ['usr/bin/arch', 'says which architecture this is'],
    ['usr/sbin/ldconfig', 'writes a cache of the architecture it runs on'],
    ['usr/bin/apt-get', 'has the architecture built in'],
    ['usr/lib/apt/methods/http', 'belongs to apt'],
    ['usr/bin/ssh-agent', 'is given to another group by its maintainer script'],
    ['usr/lib/dbus-1.0/dbus-daemon-launch-helper', 'gets its set-user-id bit from its maintainer script'],
  ])('leaves %s alone, which %s', (path) => {
    expect(choose({ [path]: AMD64.elfMachine }, { [path]: ARM64.elfMachine })).toEqual([]);
  });
});

describe('needsTwin', () => {
  it('spares the download of large packages that no script calls', () => {
    expect(['docker.io', 'containerd', 'binutils-common', 'man-db'].filter((name) => needsNative({ name }))).toEqual(
      [],
    );
  });

  it('wants what maintainer scripts are written in', () => {
    const names = ['bash', 'dash', 'coreutils', 'perl-base', 'python3.13-minimal', 'libc6', 'systemd', 'openssl'];
    expect(names.filter((name) => !needsNative({ name }))).toEqual([]);
  });
});

describe('retargetDpkg', () => {
  const program = Buffer.from('\x7fELF code \0amd64\0 1.22 (amd64)\n', 'latin1');

  it('replaces the one constant and nothing else', () => {
    expect(retargetDpkg(program, 'amd64', 'arm64')?.toString('latin1')).toBe('\x7fELF code \0arm64\0 1.22 (amd64)\n');
    expect(program.toString('latin1')).toContain('\0amd64\0');
  });

  it('gives up when it is not there, or twice', () => {
    expect(retargetDpkg(Buffer.from('nothing'), 'amd64', 'arm64')).toBeUndefined();
    expect(retargetDpkg(Buffer.from('\0amd64\0amd64\0', 'latin1'), 'amd64', 'arm64')).toBeUndefined();
  });

  it('gives up when the names differ in length', () => {
    expect(retargetDpkg(Buffer.from('\0i386\0', 'latin1'), 'i386', 'arm64')).toBeUndefined();
  });
});

describe('dpkgFilterOptions', () => {
  it('keeps the order, which decides', () => {
    const text = '# why\npath-exclude=/usr/share/doc/*\n  path-include=/usr/share/doc/*/copyright\nforce-unsafe-io\n';
    expect(dpkgFilterOptions(text)).toEqual([
      '--path-exclude=/usr/share/doc/*',
      '--path-include=/usr/share/doc/*/copyright',
    ]);
  });

  it('keeps licences and the C library in the shipped configuration', async () => {
    const options = dpkgFilterOptions(await readFile(join(overlay, 'etc/dpkg/dpkg.cfg.d/50-reswarm'), 'utf8'));
    expect(options).toContain('--path-include=/usr/share/doc/*/copyright');
    expect(options.filter((option) => /exclude=\/(?:\*|usr\/\*|usr\/lib\/\*)$/.test(option))).toEqual([]);
  });

  it('leaves out of packages only what is read by people, tests itself, or needs measured boot', async () => {
    const places = [
      /^\/usr\/share\/(?:doc|doc-base|info|lintian|bug|man)\/\*$/,
      /^\/usr\/share\/locale\/\*$/,
      /^\/usr\/lib\/udev\/hwdb\.d\/20-(?:OUI|\*-vendor\*)\.hwdb$/,
      /^\/usr\/lib\/python3\*\/lib-dynload\/_(?:test|ctypes_test|xxtestfuzz)\*$/,
      /^\/usr\/lib\/systemd\/(?:systemd-(?:measure|pcr\*|storagetm|tpm2-setup|bsod)|catalog\/\*\.\*\.catalog)$/,
      /^\/usr\/lib\/pcrlock\.d\/\*$/,
    ];
    const options = dpkgFilterOptions(await readFile(join(overlay, 'etc/dpkg/dpkg.cfg.d/50-reswarm'), 'utf8'));
    const excluded = options.flatMap((option) => /^--path-exclude=(.*)$/.exec(option)?.[1] ?? []);
    expect(excluded.length).toBeGreaterThan(5);
    expect(excluded.filter((pattern) => !places.some((place) => place.test(pattern)))).toEqual([]);
  });
});

describe('unitPresets', () => {
  it('reads units and ignores patterns and comments', () => {
    const text =
      '# enable nothing.service\nenable ssh.service\ndisable man-db.timer\nenable *\n disable e2scrub_all.timer \n';
    expect(unitPresets(text)).toEqual({
      enable: ['ssh.service'],
      disable: ['man-db.timer', 'e2scrub_all.timer'],
    });
  });
});

describe('rootfsLeftovers', () => {
  it('leave an amd64 image its own libraries and loader', () => {
    expect(rootfsLeftovers('arm64')).toContain('/usr/lib64');
    expect(rootfsLeftovers('amd64').join()).not.toMatch(/lib64|x86_64/);
  });

  it('names absolute paths or folders of any depth, and never a whole top folder', () => {
    expect(rootfsLeftovers('arm64').filter((pattern) => !/^(?:\/|\*\/)/.test(pattern))).toEqual([]);
    const tops = ['/', '/*', '/usr', '/etc', '/var', '/usr/*', '/etc/*', '/var/*', '/root/*', '/home/*'];
    expect(rootfsLeftovers('arm64').filter((pattern) => tops.includes(pattern))).toEqual([]);
  });

  it('removes what must be each device’s own', () => {
    expect(rootfsLeftovers('arm64')).toEqual(
      expect.arrayContaining(['/etc/ssh/ssh_host_*', '/var/lib/systemd/random-seed', '/var/lib/dbus/machine-id']),
    );
  });
});

describe('the overlay', () => {
  it('names cloud-init’s datasources on one line, so that ds-identify does not probe', async () => {
    const text = await readFile(join(overlay, 'etc/cloud/cloud.cfg.d/90-reswarm.cfg'), 'utf8');
    expect(text).toMatch(/^datasource_list: \[ NoCloud, None \]$/m);
    expect(text).toMatch(/^\s+seedfrom: "file:\/\/\/boot\/"$/m);
  });

  it('gives Docker a configuration that is JSON', async () => {
    const daemon = JSON.parse(await readFile(join(engine, 'etc/docker/daemon.json'), 'utf8')) as Record<
      string,
      unknown
    >;
    expect(daemon).toMatchObject({ 'storage-driver': 'overlay2', 'log-driver': 'local' });
  });
});
