import type { BootExpectations } from './boot-expectations.js';
import { MiB, formatSize } from './bytes.js';
import type { Json } from './json.js';

/** Whether something is as it must be, and the words for it. */
export type Verdict = { readonly ok: boolean; readonly detail: string };

export type Account = { readonly user: string; readonly keys: readonly string[] };

type Facts = { readonly [key: string]: Json | undefined };

/** growpart keeps the last MiB free; a boot partition's alignment may cost some more. */
const UNUSED_END_BYTES = 8 * MiB;

export function judgeDocker(value: Json): Verdict {
  const docker = facts(value);
  // Probes of before there was a choice say nothing of it.
  const source = words(docker.source) === '' ? 'debian' : words(docker.source);
  if (source === 'none') {
    const found = strings(docker.found);
    return found.length === 0 ? good('no container engine, as the image says') : bad(`found ${found.join(', ')}`);
  }
  const [title, wanted] = ENGINES[source] ?? ENGINES.debian;
  if (docker.error !== undefined) return bad(`${title} failed: ${words(docker.error)}`);
  const driver = words(docker.cgroupDriver);
  const detail = [
    words(docker.version),
    words(docker.driver),
    `cgroup v${words(docker.cgroupVersion)}${driver === '' ? '' : ` (${driver})`}`,
    ...(words(docker.logDriver) === '' ? [] : [`${words(docker.logDriver)} logs`]),
  ].join(', ');
  if (words(docker.warnings) !== '') return bad(`${title} warns: ${words(docker.warnings)}`);
  const isRight =
    ['overlay', 'overlay2', 'overlayfs'].includes(words(docker.driver)) &&
    docker.cgroupVersion === '2' &&
    driver === wanted;
  const what = `overlay, cgroup v2${wanted === '' ? '' : ` (${wanted})`}`;
  return isRight ? good(source === 'debian' ? detail : `${source}: ${detail}`) : bad(`wanted ${what}; found ${detail}`);
}

/** What is asked, and the cgroup driver that must answer. Docker with containerd's image store says "overlayfs". */
const ENGINES: Readonly<Record<string, readonly [title: string, cgroupDriver: string]>> & {
  readonly debian: readonly [string, string];
} = {
  debian: ['docker info', 'systemd'],
  static: ['docker info', 'systemd'],
  podman: ['podman info', 'systemd'],
  containerd: ['ctr version', ''],
};

export function judgeCloudInit(value: Json): Verdict {
  const status = facts(value);
  const detail = `${words(status.status)} (${words(status.datasource)})`;
  const isRight = status.status === 'done' && status.errors === false && status.recoverable === false;
  return isRight ? good(detail) : bad(`${words(status.status)}: ${words(status.said)}`);
}

export function judgeHostname(value: Json, expected: BootExpectations): Verdict {
  const hostname = words(facts(value).hostname);
  if (expected.hostname === undefined) return { ok: hostname !== '', detail: `${hostname} (the seed names none)` };
  return hostname === expected.hostname ? good(hostname) : bad(`"${hostname}", the seed says "${expected.hostname}"`);
}

export function judgeAccounts(accounts: readonly Account[], expected: BootExpectations): Verdict {
  const missing = expected.users.flatMap((user) => {
    const account = accounts.find((candidate) => candidate.user === user.name);
    if (account === undefined) return [`no user "${user.name}"`];
    return user.keys.filter((key) => !account.keys.includes(key)).map((key) => `"${user.name}" lacks the key ${key}`);
  });
  for (const key of expected.defaultUserKeys) {
    if (!accounts.some((account) => account.keys.includes(key))) missing.push(`no user has the key ${key}`);
  }
  if (missing.length > 0) return bad(missing.join(', '));
  const keys = expected.users.reduce((sum, user) => sum + user.keys.length, expected.defaultUserKeys.length);
  const names = expected.users.map((user) => user.name).join(', ');
  if (names === '' && keys === 0) return good('the seed names no user and no key');
  return good(`${names === '' ? 'the default user' : names} with ${keys} ${keys === 1 ? 'key' : 'keys'}`);
}

export function judgeSsh(value: Json): Verdict {
  const ssh = facts(value);
  const keys = strings(ssh.hostKeys);
  if (keys.length === 0) return bad('no ssh host key was made');
  if (!words(ssh.banner).startsWith('SSH-2.0-')) return bad('nothing answers as an ssh server on port 22');
  const others = strings(ssh.listening).filter((address) => !address.endsWith(':22'));
  return good(
    `${words(ssh.banner)}, ${keys.length} host keys` +
      (others.length === 0 ? '' : `; also listening: ${others.join(' ')}`),
  );
}

export function judgeMounts(value: Json): Verdict {
  const mounts = facts(value);
  const wrong = (
    [
      // Layers are merged by an overlay.
      ['/', words(mounts.root).startsWith('overlay ') ? 'overlay' : 'ext4', mounts.root],
      ['/boot', 'vfat', mounts.boot],
    ] as const
  ).flatMap(([where, type, found]) => {
    const [isType, options = ''] = words(found).split(' ');
    if (isType !== type) return [`${where} is ${isType === '' ? 'not mounted' : (isType ?? '')}, not ${type}`];
    return options.split(',').includes('rw') ? [] : [`${where} is mounted read-only`];
  });
  const others = Array.isArray(mounts.others) ? mounts.others.map(facts) : [];
  wrong.push(...others.flatMap(otherMountFault));
  if (wrong.length > 0) return bad(wrong.join(', '));
  const more = others.map(({ where, type }) => `, ${words(where)} ${words(type)}`).join('');
  const [rootType = ''] = words(mounts.root).split(' ');
  const detail = `/boot vfat, / ${rootType}${more}, ${more === '' ? 'both' : 'all'} writable`;
  return mounts.written === true ? good(detail) : bad('a file could not be written');
}

/** What fstab asks for beside /boot and /: a data partition that may be absent at boot must be there all the same. */
function otherMountFault({ where, type, options, found }: Facts): string[] {
  const [isType = '', isOptions = ''] = words(found).split(' ');
  if (isType !== words(type))
    return [`${words(where)} is ${isType === '' ? 'not mounted' : isType}, not ${words(type)}`];
  const isReadOnly = isOptions.split(',').includes('ro');
  const shouldBe = words(options).split(',').includes('ro');
  return isReadOnly && !shouldBe ? [`${words(where)} is mounted read-only`] : [];
}

export function judgeRootSize(value: Json): Verdict {
  const size = facts(value);
  if (size.grows === false) return good('no partition grows on this system');
  const [disk, end, partition, fileSystem] = (
    ['diskBytes', 'partitionEndBytes', 'partitionBytes', 'fileSystemBytes'] as const
  ).map((name) => count(size[name])) as [number, number, number, number];
  const detail = `file system ${formatSize(fileSystem)}, partition ${formatSize(partition)}, card ${formatSize(disk)}`;
  const isGrown = disk - end <= UNUSED_END_BYTES && partition - fileSystem <= MiB && fileSystem > 0;
  return isGrown ? good(detail) : bad(`not grown to the card: ${detail}`);
}

export function judgeUnits(value: Json): Verdict {
  const failed = strings(facts(value).failed);
  if (failed.length > 0) return bad(`failed: ${failed.join(', ')}`);
  const state = words(facts(value).state);
  return state === 'running' ? good('none, system is running') : bad(`system is "${state}"`);
}

export function judgeMemory(value: Json): Verdict {
  const memory = facts(value);
  const used = count(memory.usedBytes);
  return { ok: used > 0, detail: `${formatSize(used)} of ${formatSize(count(memory.totalBytes))} in use` };
}

export function judgeContainer(value: Json, greeting: string): Verdict {
  const container = facts(value);
  if (container.source === 'none') return good('none wanted');
  const output = words(container.output);
  const wanted = ['sum=42', `memory=${64 * MiB}`, `network=${greeting}`];
  const missing = wanted.filter((part) => !output.includes(part));
  if (container.exitCode !== 0 || missing.length > 0) {
    return bad(`exit code ${count(container.exitCode)}, output "${output}", missing: ${missing.join(' ')}`);
  }
  const lost = strings(container.missingImages);
  if (lost.length > 0) return bad(`the engine does not have the image's own ${lost.join(', ')}`);
  const images = count(container.images);
  const own = images === 0 ? '' : `; ${images} ${images === 1 ? 'image' : 'images'} came along`;
  return good(`ran, held to its memory limit, reached out${own}`);
}

/** Figures are told, not judged: under emulation they say nothing of the board. */
export function judgeLatency(value: Json): Verdict {
  const latency = facts(value);
  if (latency.error !== undefined) return bad(words(latency.error));
  const [min, avg, max] = [latency.minUs, latency.avgUs, latency.maxUs].map(count) as [number, number, number];
  return max > 0
    ? good(`PREEMPT_RT, a thread woke up ${min} to ${max} µs late, ${avg} on average`)
    : bad('cyclictest measured nothing');
}

function good(detail: string): Verdict {
  return { ok: true, detail };
}

function bad(detail: string): Verdict {
  return { ok: false, detail };
}

export function facts(value: Json | undefined): Facts {
  return value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as Facts) : {};
}

/** A fact that the probe could not find out is an empty string. */
export function words(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}

function count(value: Json | undefined): number {
  return typeof value === 'number' ? value : 0;
}

function strings(value: Json | undefined): readonly string[] {
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string' && item !== '') : [];
}
