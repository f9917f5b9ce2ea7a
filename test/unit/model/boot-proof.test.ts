import { describe, expect, it } from 'vitest';
import { NO_EXPECTATIONS, type BootExpectations } from '../../../src/model/boot-expectations.js';
import { POWER_ON } from '../../../src/model/machine-clock.js';
import { MILESTONES, concludeWatch, startWatch, watchLine, type BootProof } from '../../../src/model/boot-proof.js';

const EXPECTED: BootExpectations = {
  hostname: 'garden',
  users: [{ name: 'ada', keys: ['SHA256:aaa'] }],
  defaultUserKeys: [],
};

function fact(name: string, value: unknown): string {
  return `[   42.0] RESWARM-PROOF ${JSON.stringify({ fact: name, value })}`;
}

const DOCKER = {
  version: '26.1.5',
  driver: 'overlay2',
  cgroupVersion: '2',
  cgroupDriver: 'systemd',
  logDriver: 'local',
  warnings: '',
};
const GIB = 2 ** 30;

/** What a good image says, in order. */
const GOOD: Readonly<Record<string, string>> = {
  kernel: '[ 0.0] Linux version 6.12.1-reswarm (x)',
  root: '[ 1.0] VFS: Mounted root (ext4 filesystem) readonly on device 254:2.',
  systemd: '[ 2.0] systemd[1]: systemd 257.13 running in system mode (+PAM)',
  started: fact('started', { systemd: 'systemd 257', kernel: '6.12.1-reswarm' }),
  docker: fact('docker', DOCKER),
  units: fact('units', { state: 'running', failed: [] }),
  'cloud-init': fact('cloud-init', {
    status: 'done',
    datasource: 'NoCloud',
    errors: false,
    recoverable: false,
    said: '',
  }),
  account: fact('account', { user: 'ada' }),
  'account-key': fact('account-key', { user: 'ada', fingerprint: 'SHA256:aaa' }),
  identity: fact('identity', { hostname: 'garden', accountsRead: true }),
  ssh: fact('ssh', { hostKeys: ['ssh_host_ed25519_key'], banner: 'SSH-2.0-OpenSSH_10.0', listening: ['0.0.0.0:22'] }),
  mounts: fact('mounts', { root: 'ext4 rw,noatime', boot: 'vfat rw,noatime', written: true }),
  'root-size': fact('root-size', {
    diskBytes: 2 * GIB,
    partitionEndBytes: 2 * GIB - 16384,
    partitionBytes: GIB,
    fileSystemBytes: GIB - 4096,
  }),
  memory: fact('memory', { totalBytes: GIB, usedBytes: GIB / 8 }),
  container: fact('container', { exitCode: 0, output: 'sum=42 memory=67108864 network=hello' }),
  finished: fact('finished', true),
  'power-off': '[ 99.0] reboot: Power down',
};

function prove(
  changes: Readonly<Record<string, string | undefined>> = {},
  expected = EXPECTED,
  clock = POWER_ON,
): BootProof {
  const lines = Object.values({ ...GOOD, ...changes }).filter((line) => line !== undefined);
  const watch = lines.reduce((state, line, index) => watchLine(state, line, index), startWatch(expected, 'hello'));
  return concludeWatch('virt', watch, clock);
}

function failed(proof: BootProof): readonly string[] {
  return proof.milestones.filter((milestone) => !milestone.ok).map((milestone) => milestone.name);
}

describe('a boot', () => {
  it('passes when every milestone is as it must be', () => {
    const proof = prove();
    expect(proof.milestones.map((milestone) => milestone.name)).toEqual(MILESTONES.map(({ name }) => name));
    expect(failed(proof)).toEqual([]);
    expect(proof.passed).toBe(true);
    expect(proof.bootSeconds).toBe(4);
  });

  it.each(MILESTONES.map(({ name }) => name).filter((name) => !['accounts', 'hostname', 'probe'].includes(name)))(
    'does not pass without %s',
    (name) => {
      const proof = prove({ [name]: undefined });
      expect(failed(proof)).toEqual([name]);
      expect(proof.passed).toBe(false);
    },
  );

  const realtime = (value: unknown) => ({ realtime: fact('realtime', true), latency: fact('latency', value) });

  it('tells the latencies of a realtime kernel', () => {
    const { 'power-off': end, ...before } = GOOD;
    const lines = [...Object.values({ ...before, ...realtime({ minUs: 12, avgUs: 60, maxUs: 900 }) }), end ?? ''];
    const watch = lines.reduce((state, line, index) => watchLine(state, line, index), startWatch(EXPECTED, 'hello'));
    const proof = concludeWatch('virt', watch, POWER_ON);
    expect(proof.passed).toBe(true);
    expect(proof.milestones.at(-2)).toMatchObject({
      name: 'latency',
      detail: expect.stringContaining('12 to 900 µs') as unknown,
    });
  });

  it.each([
    ['no cyclictest', { error: 'cyclictest is not in this image' }],
    ['no figures', { minUs: 0, avgUs: 0, maxUs: 0 }],
    ['no answer', undefined],
  ])('does not pass on a realtime kernel with %s', (_, value) => {
    const { latency, realtime: says } = realtime(value ?? {});
    expect(failed(prove({ realtime: says, latency: value === undefined ? undefined : latency }))).toEqual(['latency']);
  });

  const bad: readonly (readonly [string, string, string, unknown])[] = [
    ['docker', 'docker', 'a warning', { ...DOCKER, warnings: 'No memory limit support' }],
    ['docker', 'docker', 'vfs storage', { ...DOCKER, driver: 'vfs' }],
    ['docker', 'docker', 'cgroup v1', { ...DOCKER, cgroupVersion: '1' }],
    ['docker', 'docker', 'the cgroupfs driver', { ...DOCKER, cgroupDriver: 'cgroupfs' }],
    ['docker', 'docker', 'no daemon', { error: 'exit code 1: Cannot connect' }],
    ['units', 'units', 'a failed unit', { state: 'degraded', failed: ['x.service'] }],
    ['units', 'units', 'a boot that never ends', { state: 'starting', failed: [] }],
    [
      'cloud-init',
      'cloud-init',
      'an error',
      { status: 'error', datasource: '', errors: true, recoverable: false, said: 'boom' },
    ],
    [
      'cloud-init',
      'cloud-init',
      'a recoverable error',
      { status: 'done', datasource: '', errors: false, recoverable: true, said: 'DEPRECATED' },
    ],
    ['cloud-init', 'cloud-init', 'an answer that is no status', { status: 'unknown', said: 'not found' }],
    ['identity', 'hostname', 'another name', { hostname: 'localhost' }],
    ['account-key', 'accounts', 'another key', { user: 'ada', fingerprint: 'SHA256:bbb' }],
    ['account', 'accounts', 'another user', { user: 'bob' }],
    ['ssh', 'ssh', 'no host key', { hostKeys: [], banner: 'SSH-2.0-x', listening: [] }],
    ['ssh', 'ssh', 'nobody answering', { hostKeys: ['k'], banner: '', listening: [] }],
    ['mounts', 'mounts', 'a read-only root', { root: 'ext4 ro,noatime', boot: 'vfat rw', written: false }],
    ['mounts', 'mounts', 'no /boot', { root: 'ext4 rw', boot: '', written: true }],
    [
      'mounts',
      'mounts',
      'a data partition that is absent',
      {
        root: 'ext4 rw',
        boot: 'vfat rw',
        written: true,
        others: [{ where: '/data', type: 'ext4', options: 'defaults,nofail', found: '' }],
      },
    ],
    ['mounts', 'mounts', 'writes that fail', { root: 'ext4 rw', boot: 'vfat rw', written: false }],
    [
      'root-size',
      'root-size',
      'a partition that did not grow',
      { diskBytes: 2 * GIB, partitionEndBytes: GIB, partitionBytes: GIB, fileSystemBytes: GIB },
    ],
    [
      'root-size',
      'root-size',
      'a file system that did not grow',
      { diskBytes: GIB, partitionEndBytes: GIB, partitionBytes: GIB, fileSystemBytes: GIB / 2 },
    ],
    ['container', 'container', 'no network inside', { exitCode: 1, output: 'sum=42 memory=67108864 network=' }],
    ['container', 'container', 'no memory limit', { exitCode: 0, output: 'sum=42 memory=max network=hello' }],
    ['container', 'container', 'an empty fact', {}],
  ];
  it.each(bad)('sees in the fact "%s" that %s fails with %s', (name, milestone, _, value) => {
    expect(failed(prove({ [name]: fact(name, value) }))).toEqual([milestone]);
  });

  const PODMAN = { ...DOCKER, source: 'podman', version: '5.4.2', driver: 'overlay', logDriver: 'journald' };
  const CONTAINERD = {
    source: 'containerd',
    version: '1.7.24',
    driver: 'overlayfs',
    cgroupVersion: '2',
    cgroupDriver: '',
  };
  const RAN = { exitCode: 0, output: 'sum=42 memory=67108864 network=hello', images: 2, missingImages: [] };
  it.each([
    ['Docker’s static programs', { ...DOCKER, source: 'static' }, RAN, []],
    ['Podman', PODMAN, { ...RAN, source: 'podman' }, []],
    ['containerd', CONTAINERD, { ...RAN, source: 'containerd' }, []],
    ['no engine', { source: 'none', found: [] }, { source: 'none' }, []],
    ['an engine that should not be there', { source: 'none', found: ['podman'] }, { source: 'none' }, ['docker']],
    ['Podman without systemd’s cgroups', { ...PODMAN, cgroupDriver: 'cgroupfs' }, RAN, ['docker']],
    ['containerd without overlays', { ...CONTAINERD, driver: '' }, RAN, ['docker']],
    ['containerd that does not answer', { source: 'containerd', error: 'exit code 1' }, RAN, ['docker']],
    ['an image that was not loaded', DOCKER, { ...RAN, missingImages: ['app:1'] }, ['container']],
  ])('knows %s', (_, docker, container, wrong) => {
    const proof = prove({ docker: fact('docker', docker), container: fact('container', container) });
    expect(failed(proof)).toEqual(wrong);
  });

  it('says what the seed asked for and what was found', () => {
    const proof = prove({ identity: fact('identity', { hostname: 'localhost' }) });
    expect(proof.milestones.find(({ name }) => name === 'hostname')?.detail).toBe(
      '"localhost", the seed says "garden"',
    );
  });

  it('keeps what a failed unit said last', () => {
    const proof = prove({ memory: fact('failed-unit', { unit: 'a.service', journal: 'no such file' }) });
    expect(proof.failedUnits).toEqual(['a.service: no such file']);
  });

  it('asks for no user, key or name that the seed does not give', () => {
    expect(prove({ account: undefined, 'account-key': undefined }, NO_EXPECTATIONS).passed).toBe(true);
  });

  it('wants a key of the default user with somebody', () => {
    const expected = { users: [], defaultUserKeys: ['SHA256:aaa'] };
    expect(failed(prove({}, expected))).toEqual([]);
    expect(failed(prove({ 'account-key': undefined }, expected))).toEqual(['accounts']);
  });

  it('keeps the time of the first line that says so', () => {
    const lines = [GOOD.kernel ?? '', GOOD.root ?? '', '[ 9.0] EXT4-fs (vda2): mounted filesystem again'];
    const watch = lines.reduce((state, line, index) => watchLine(state, line, index * 10), startWatch(EXPECTED, ''));
    expect(watch.reached.get('root')).toMatchObject({ seconds: 10, detail: 'ext4' });
  });

  it('is given up by a panic, whatever was reached', () => {
    const proof = prove({ memory: '[ 50] Kernel panic - not syncing: Attempted to kill init!' });
    expect(proof.passed).toBe(false);
    expect(proof.stopped).toMatchObject({ code: 'kernel-panic' });
  });

  it('keeps the last 40 lines of the console, without colours', () => {
    const lines = Array.from({ length: 100 }, (_, index) => `\u001b[1mline ${index}\u001b[0m\r`);
    const watch = lines.reduce((state, line) => watchLine(state, line, 0), startWatch(EXPECTED, ''));
    const tail = concludeWatch('virt', watch, POWER_ON).consoleTail;
    expect(tail).toHaveLength(40);
    expect(tail.at(-1)).toBe('line 99');
  });

  it('counts a time-out as not passed and keeps what never came without a time', () => {
    const watch = watchLine(startWatch(EXPECTED, ''), GOOD.kernel ?? '', 1.26);
    const proof = concludeWatch('raspi3b', watch, POWER_ON, { code: 'timeout', detail: 'it did not come within 5 s' });
    expect(proof).toMatchObject({ passed: false, stopped: { code: 'timeout' } });
    expect(proof.milestones[0]).toEqual({ name: 'kernel', ok: true, seconds: 1.3, detail: '6.12.1-reswarm' });
    expect(proof.milestones[1]).toEqual({ name: 'root', ok: false, detail: 'did not come' });
    expect(proof.bootSeconds).toBeUndefined();
  });

  describe('on a machine that was too busy', () => {
    const busy = { ...POWER_ON, wallSeconds: 1500, hadSeconds: 100 };
    const early = watchLine(startWatch(EXPECTED, ''), GOOD.kernel ?? '', 1);

    it('proves nothing when it was given up before its time, or its time-outs may have run out for that', () => {
      const detail = 'it did not come';
      expect(concludeWatch('virt', early, busy, { code: 'too-slow', detail }).verdict).toBe('not-proven');
      expect(concludeWatch('virt', early, busy, { code: 'timeout', detail }).verdict).toBe('not-proven');
      expect(concludeWatch('virt', early, busy).verdict).toBe('not-proven');
    });

    it('does not work all the same when the reason is none of time', () => {
      const panic = watchLine(early, '[ 50] Kernel panic - not syncing: no root', 50);
      expect(concludeWatch('virt', panic, busy).verdict).toBe('does-not-work');
      const ended = { code: 'machine-ended', detail: '' } as const;
      expect(concludeWatch('virt', early, busy, ended).verdict).toBe('does-not-work');
    });

    it('does not blame the image for what its units had no time to make, and does for all else', () => {
      const identity = fact('identity', { hostname: 'other', accountsRead: true });
      const units = fact('units', { state: 'degraded', failed: ['x.service'] });
      const late = prove({ units, identity }, EXPECTED, busy);
      expect(failed(late)).toEqual(['units', 'hostname']);
      expect(late.verdict).toBe('not-proven');
      const wrong = prove({ identity }, EXPECTED, busy);
      expect(failed(wrong)).toEqual(['hostname']);
      expect(wrong.verdict).toBe('does-not-work');
      expect(prove({ units }, EXPECTED, POWER_ON).verdict).toBe('does-not-work');
    });

    it('does not work when the machine had its time', () => {
      const had = { ...POWER_ON, wallSeconds: 400, hadSeconds: 300 };
      expect(concludeWatch('virt', early, had, { code: 'timeout', detail: '' }).verdict).toBe('does-not-work');
    });
  });

  it('names what the device was waiting for', () => {
    const lines = [
      '         Starting dev-vdb.device - /dev/vdb...',
      '         Starting cloud-init.service - Cloud-init...',
      '[  OK  ] Finished cloud-init.service - Cloud-init.',
    ];
    const watch = lines.reduce((state, line) => watchLine(state, line, 5), startWatch(EXPECTED, ''));
    const proof = concludeWatch('virt', watch, POWER_ON, { code: 'timeout', detail: '' });
    expect(proof.waitingFor).toEqual(['dev-vdb.device - /dev/vdb']);
  });
});
