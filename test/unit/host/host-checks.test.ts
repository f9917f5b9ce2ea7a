import { describe, expect, it } from 'vitest';
import { GiB } from '../../../src/model/bytes.js';
import { checkSystem, isReady } from '../../../src/host/host-checks.js';
import { idsFromZero, mountOptionsOf, type SystemState } from '../../../src/host/system-state.js';

const handler = { name: 'qemu-aarch64', enabled: true, interpreter: '/usr/bin/qemu', flags: 'OCF', magic: '' };
const good: SystemState = {
  platform: 'linux',
  kernel: '6.1.0',
  node: '20.19.0',
  architecture: 'amd64',
  isRoot: false,
  user: 'ada',
  isKnownUser: true,
  mappedIds: 4294967295,
  os: { ID: 'debian', VERSION_ID: '13' },
  programs: {
    mmdebstrap: '1.5.7',
    bwrap: '0.11',
    'apt-get': '3.0',
    dpkg: '1.22',
    unshare: '2.41',
    flock: '2.41',
    mount: '2.41',
    gpg: '2.4',
    newuidmap: 'present',
  },
  keyring: 'present',
  binfmt: { isMounted: true, runs: false, handler, emulator: '/usr/bin/qemu' },
  subordinateIds: true,
  cache: { path: '/cache', isWritable: true, freeBytes: 20 * GiB, mountOptions: ['rw'], isWarm: false },
  hasLoopDevices: true,
};
const without = (program: keyof SystemState['programs']) => ({ programs: { ...good.programs, [program]: undefined } });
const store = (changes: Partial<SystemState['cache']>) => ({ cache: { ...good.cache, ...changes } });

const check = (changes: Partial<SystemState>, id: string) =>
  checkSystem({ ...good, ...changes }).find((candidate) => candidate.id === id);

describe('checkSystem', () => {
  it('finds everything on a good machine, without root', () => {
    const checks = checkSystem(good);
    expect(isReady(checks)).toBe(true);
    expect(checks.filter(({ status }) => status !== 'found')).toEqual([]);
  });

  it.each<[string, Partial<SystemState>, string, RegExp]>([
    ['another system', { platform: 'darwin' }, 'linux', /darwin/],
    ['an old Node.js', { node: '20.18.3' }, 'node', /20\.18\.3.*20\.19/],
    ['a very old Node.js', { node: '9.99.0' }, 'node', /9\.99/],
    ['no mmdebstrap', without('mmdebstrap'), 'mmdebstrap', /not there/],
    ['no bubblewrap', without('bwrap'), 'bubblewrap', /not there/],
    ['no apt', without('apt-get'), 'apt', /not there/],
    ['no dpkg', without('dpkg'), 'dpkg', /not there/],
    ['no mount', without('mount'), 'mount', /not there/],
    ['no gpg', without('gpg'), 'gpg', /not there/],
    ['no unshare', without('unshare'), 'unshare', /not there/],
    ['no flock', without('flock'), 'flock', /not there/],
    ['a user without an entry', { user: '1234', isKnownUser: false }, 'user-namespaces', /1234 has no entry/],
    ['root of one id', { isRoot: true, mappedIds: 1 }, 'user-namespaces', /with 1 id;/],
    ['root of few ids', { isRoot: true, mappedIds: 1000 }, 'user-namespaces', /with 1000 ids/],
    ['no keyring', { keyring: 'missing' }, 'debian-keyring', /not there/],
    ['an old keyring', { keyring: 'too-old' }, 'debian-keyring', /too old/],
    ['no newuidmap', without('newuidmap'), 'user-namespaces', /newuidmap/],
    ['no subordinate ids', { subordinateIds: false }, 'user-namespaces', /subuid.*ada/],
    ['a sandbox that cannot be made', { sandboxFailure: 'Operation not permitted' }, 'sandbox', /not permitted/],
    ['no QEMU', { binfmt: { isMounted: true, runs: false } }, 'binfmt', /no QEMU/],
    [
      'QEMU that is not registered',
      { binfmt: { isMounted: true, runs: false, emulator: '/q' } },
      'binfmt',
      /not registered/,
    ],
    ['no binfmt_misc', { binfmt: { isMounted: false, runs: false, emulator: '/q' } }, 'binfmt', /not mounted/],
    [
      'QEMU registered without F',
      { binfmt: { isMounted: true, runs: false, emulator: '/q', handler: { ...handler, flags: 'OC' } } },
      'binfmt',
      /F flag/,
    ],
    ['a store that is not writable', store({ isWritable: false }), 'store', /\/cache is not writable/],
    ['a store mounted noexec', store({ mountOptions: ['rw', 'noexec'] }), 'store', /noexec/],
    ['little space', store({ freeBytes: GiB }), 'free-space', /1 GiB.*6 GiB/],
  ])('reports %s', (_what, changes, id, detail) => {
    const found = check(changes, id);
    expect(found).toMatchObject({ status: 'missing', detail: expect.stringMatching(detail) as string });
    // A person is never left without something to do.
    expect(found?.hint !== undefined || found?.packages !== undefined || id === 'binfmt').toBe(true);
    expect(isReady(checkSystem({ ...good, ...changes }))).toBe(false);
  });

  it.each<[string, Partial<SystemState>, string, string]>([
    ['user namespaces of root', { isRoot: true, subordinateIds: false }, 'user-namespaces', 'not-needed'],
    [
      'an emulator on arm64',
      { architecture: 'arm64', binfmt: { isMounted: false, runs: false } },
      'binfmt',
      'not-needed',
    ],
    ['a handler that can be seen', { binfmt: { isMounted: false, runs: true } }, 'binfmt', 'found'],
    ['loop devices', { hasLoopDevices: false }, 'loop-devices', 'optional'],
    ['much space when the store is warm', store({ isWarm: true, freeBytes: 3 * GiB }), 'free-space', 'found'],
    ['a Node.js that is not newer', { node: '20.19.0' }, 'node', 'found'],
    ['an old Node.js, being newer', { node: '22.1.0' }, 'node', 'found'],
  ])('does not ask for %s', (_what, changes, id, status) => {
    expect(check(changes, id)?.status).toBe(status);
    expect(isReady(checkSystem({ ...good, ...changes }))).toBe(true);
  });
});

describe('mountOptionsOf', () => {
  const mounts = [
    'ext /  ext4 rw,relatime 0 0'.replace('  ', ' '),
    'tmpfs /home tmpfs rw,noexec 0 0',
    'disk /home/ada\\040b ext4 rw,nodev 0 0',
    'over /home/ada\\040b ext4 ro 0 0',
    '',
  ].join('\n');
  it.each([
    ['/var/cache', ['rw', 'relatime']],
    ['/home/eve/.cache', ['rw', 'noexec']],
    ['/homework', ['rw', 'relatime']],
    ['/home/ada b/.cache', ['ro']],
  ])('of %s are %j', (path, expected) => {
    expect(mountOptionsOf(path, mounts)).toEqual(expected);
  });
});

describe('the ids of a user namespace', () => {
  it.each([
    ['the first one', '         0          0 4294967295\n', 4_294_967_295],
    ['of `unshare --map-root-user`', '         0       1000          1\n', 1],
    ['of a user in rootless podman', '         0       1000          1\n         1     100000      65536\n', 65_537],
    ['with a gap', '0 1000 1\n100 100000 65536\n', 1],
    ['without root', '1000 1000 1\n', 0],
    ['that the kernel does not know', undefined, Number.POSITIVE_INFINITY],
  ])('%s are counted from 0', (_, map, count) => {
    expect(idsFromZero(map)).toBe(count);
  });
});
