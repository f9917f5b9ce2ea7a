import type { ConsoleEvent, FatalCode } from './boot-console.js';
import { plainText, readConsoleLine } from './boot-console.js';
import type { BootExpectations } from './boot-expectations.js';
import type { Account, Verdict } from './boot-facts.js';
import * as judge from './boot-facts.js';
import type { Json } from './json.js';
import type { MachineClock } from './machine-clock.js';
import { wasHeldUp } from './machine-clock.js';
import type { PendingJobs } from './pending-jobs.js';
import { describeJobs, followJobs, NO_JOBS } from './pending-jobs.js';
import type { MachineName } from './qemu.js';

/** In the order in which they are looked at. */
export const MILESTONES = [
  { name: 'kernel', title: 'Kernel starts' },
  { name: 'root', title: 'Root file system mounted' },
  { name: 'systemd', title: 'systemd starts' },
  { name: 'probe', title: 'Probe runs' },
  { name: 'docker', title: 'Container engine' },
  { name: 'units', title: 'Units' },
  { name: 'cloud-init', title: 'cloud-init' },
  { name: 'accounts', title: 'Users and keys' },
  { name: 'hostname', title: 'Host name' },
  { name: 'ssh', title: 'ssh server' },
  { name: 'mounts', title: 'Mounts' },
  { name: 'root-size', title: 'Root grown' },
  { name: 'memory', title: 'Memory' },
  { name: 'container', title: 'Container' },
  { name: 'power-off', title: 'Power-off' },
] as const;

/** Looked at on a realtime kernel only, before the power-off. */
export const LATENCY_MILESTONE = { name: 'latency', title: 'Latency' } as const;

/** Of systems without cloud-init and systemd, which say how they start themselves; in the order in which they come. */
export const SMALL_MILESTONES = [
  { name: 'kernel', title: 'Kernel starts' },
  { name: 'init', title: 'Init starts' },
  { name: 'seed', title: 'Seed' },
  { name: 'hostname', title: 'Host name' },
  { name: 'network', title: 'Network' },
  { name: 'ready', title: 'Ready' },
  { name: 'workload', title: 'Workload' },
  { name: 'ssh', title: 'ssh server' },
  { name: 'shell', title: 'Shell on the console' },
  { name: 'no-errors', title: 'No errors' },
  { name: 'power-off', title: 'Power-off' },
] as const;

/** Of systems with two slots, whose firmware is played; `boot --firmware-model --check`. */
export const SLOT_MILESTONES = [
  { name: 'slot', title: 'Slot A starts' },
  { name: 'healthy', title: 'Healthy' },
  { name: 'power-off', title: 'Power-off' },
] as const;

/** With an update that is good. */
export const UPDATE_MILESTONES = [
  { name: 'slot', title: 'Slot A starts' },
  { name: 'healthy', title: 'Healthy' },
  { name: 'installed', title: 'Installed' },
  { name: 'trial', title: 'Trial starts' },
  { name: 'committed', title: 'Committed' },
  { name: 'default', title: 'Default after a reboot' },
  { name: 'identity', title: 'Identity kept' },
  { name: 'data', title: 'Data kept' },
  { name: 'power-off', title: 'Power-off' },
] as const;

/** With an update that is made to fail. */
export const FAILED_UPDATE_MILESTONES = [
  { name: 'slot', title: 'Slot A starts' },
  { name: 'healthy', title: 'Healthy' },
  { name: 'installed', title: 'Installed' },
  { name: 'trial', title: 'Trial starts' },
  { name: 'failure', title: 'Failure' },
  { name: 'back', title: 'Back in the old slot' },
  { name: 'reason', title: 'Reason told' },
  { name: 'identity', title: 'Identity kept' },
  { name: 'data', title: 'Data kept' },
  { name: 'power-off', title: 'Power-off' },
] as const;

export type MilestoneName =
  | (typeof MILESTONES)[number]['name']
  | (typeof SMALL_MILESTONES)[number]['name']
  | typeof LATENCY_MILESTONE.name
  | (typeof UPDATE_MILESTONES)[number]['name']
  | (typeof FAILED_UPDATE_MILESTONES)[number]['name'];

export function milestoneTitle(name: MilestoneName): string {
  return (
    [
      ...MILESTONES,
      ...SMALL_MILESTONES,
      LATENCY_MILESTONE,
      ...UPDATE_MILESTONES,
      ...FAILED_UPDATE_MILESTONES,
    ].find((milestone) => milestone.name === name)?.title ?? name
  );
}

export type Milestone = {
  readonly name: MilestoneName;
  readonly ok: boolean;
  /** From power-on, on our clock; undefined when it never came. */
  readonly seconds?: number;
  readonly detail: string;
};

export type BootProof = {
  readonly machine: MachineName;
  /** All of them, in the order of MILESTONES; what never came is not ok. */
  readonly milestones: readonly Milestone[];
  /** From power-on to the answer of the container engine, or until a small system is ready, in seconds. */
  readonly bootSeconds?: number;
  readonly passed: boolean;
  /** `not-proven`: it failed, and the reason may be that this machine was too slow or too busy. */
  readonly verdict: 'works' | 'does-not-work' | 'not-proven';
  /** Why it ended before its end. */
  readonly stopped?: { readonly code: StopCode; readonly detail: string };
  /** What the device was waiting for when it was given up, the oldest first. */
  readonly waitingFor: readonly string[];
  /** Since power-on: on the wall, and how much of it the emulator had a processor or needed none. */
  readonly time: { readonly wallSeconds: number; readonly hadSeconds: number };
  /** The last words of every unit that failed. */
  readonly failedUnits: readonly string[];
  /** What systemd-analyze says of the boot. */
  readonly profile: readonly string[];
  readonly consoleTail: readonly string[];
};

/** `too-slow`: given up before the device had the time that it should get. */
export type StopCode = FatalCode | 'timeout' | 'too-slow';

/** What has been seen so far. A value: each line gives the next one. */
export type BootWatch = {
  readonly expected: BootExpectations;
  /** What a container has to read from outside. */
  readonly greeting: string;
  readonly reached: ReadonlyMap<MilestoneName, Milestone>;
  readonly accounts: readonly Account[];
  /** The kernel says that it is a realtime one. */
  readonly realtime: boolean;
  readonly failedUnits: readonly string[];
  readonly profile: readonly string[];
  /** The probe has said all it has to say. */
  readonly finished: boolean;
  readonly fatal?: { readonly code: FatalCode; readonly detail: string };
  readonly tail: readonly string[];
  readonly jobs: PendingJobs;
};

const TAIL_LINES = 40;

export function startWatch(expected: BootExpectations, greeting: string): BootWatch {
  return {
    expected,
    greeting,
    reached: new Map(),
    accounts: [],
    realtime: false,
    failedUnits: [],
    profile: [],
    finished: false,
    tail: [],
    jobs: NO_JOBS,
  };
}

/** @param seconds since power-on */
export function watchLine(watch: BootWatch, rawLine: string, seconds: number): BootWatch {
  const line = plainText(rawLine);
  if (line === '') return watch;
  const event = readConsoleLine(line);
  const next = { ...watch, tail: [...watch.tail, line].slice(-TAIL_LINES), jobs: followJobs(watch.jobs, line) };
  return event === undefined ? next : watchEvent(next, event, seconds);
}

function watchEvent(watch: BootWatch, event: ConsoleEvent, seconds: number): BootWatch {
  switch (event.kind) {
    case 'fatal':
      return { ...watch, fatal: watch.fatal ?? { code: event.code, detail: event.detail } };
    case 'reached':
      // Every mounted ext4 and every reload says so again; the first one counts.
      return reach(watch, event.milestone, { ok: true, detail: event.detail }, seconds);
    case 'fact':
      return watchFact(watch, event.name, event.value, seconds);
  }
}

function watchFact(watch: BootWatch, name: string, value: Json, seconds: number): BootWatch {
  const done = (milestone: MilestoneName, verdict: Verdict): BootWatch => reach(watch, milestone, verdict, seconds);
  switch (name) {
    case 'started':
      return done('probe', { ok: true, detail: judge.words(judge.facts(value).kernel) });
    case 'docker':
      return done('docker', judge.judgeDocker(value));
    case 'units':
      return done('units', judge.judgeUnits(value));
    case 'cloud-init':
      return done('cloud-init', judge.judgeCloudInit(value));
    case 'account':
      return { ...watch, accounts: [...watch.accounts, { user: judge.words(judge.facts(value).user), keys: [] }] };
    case 'account-key':
      return withKey(watch, judge.words(judge.facts(value).user), judge.words(judge.facts(value).fingerprint));
    case 'identity': {
      const withAccounts = done('accounts', judge.judgeAccounts(watch.accounts, watch.expected));
      return reach(withAccounts, 'hostname', judge.judgeHostname(value, watch.expected), seconds);
    }
    case 'ssh':
      return done('ssh', judge.judgeSsh(value));
    case 'mounts':
      return done('mounts', judge.judgeMounts(value));
    case 'root-size':
      return done('root-size', judge.judgeRootSize(value));
    case 'memory':
      return done('memory', judge.judgeMemory(value));
    case 'container':
      return done('container', judge.judgeContainer(value, watch.greeting));
    case 'realtime':
      return { ...watch, realtime: true };
    case 'latency':
      return done('latency', judge.judgeLatency(value));
    case 'failed-unit': {
      const { unit, journal } = judge.facts(value);
      return { ...watch, failedUnits: [...watch.failedUnits, `${judge.words(unit)}: ${judge.words(journal)}`] };
    }
    case 'time':
    case 'blame':
    case 'chain':
      return { ...watch, profile: [...watch.profile, judge.words(value)] };
    case 'finished':
      return { ...watch, finished: true };
    default:
      return watch;
  }
}

function withKey(watch: BootWatch, user: string, key: string): BootWatch {
  const accounts = watch.accounts.map((account) =>
    account.user === user ? { ...account, keys: [...account.keys, key] } : account,
  );
  return { ...watch, accounts };
}

function reach(watch: BootWatch, name: MilestoneName, verdict: Verdict, seconds: number): BootWatch {
  if (watch.reached.has(name)) return watch;
  const milestone = { name, ok: verdict.ok, seconds: Math.round(seconds * 10) / 10, detail: verdict.detail };
  return { ...watch, reached: new Map([...watch.reached, [name, milestone]]) };
}

/** The result, once the machine is gone or has been given up. */
export function concludeWatch(
  machine: MachineName,
  watch: BootWatch,
  clock: MachineClock,
  stopped?: BootProof['stopped'],
): BootProof {
  const names = MILESTONES.flatMap(({ name }): readonly MilestoneName[] =>
    name === 'power-off' && watch.realtime ? [LATENCY_MILESTONE.name, name] : [name],
  );
  const milestones = names.map((name) => watch.reached.get(name) ?? { name, ok: false, detail: 'did not come' });
  const reason = watch.fatal ?? stopped;
  const bootSeconds = watch.reached.get('docker')?.seconds;
  const passed = reason === undefined && milestones.every((milestone) => milestone.ok);
  const mayBeSlow = reason?.code === 'too-slow' || (wasHeldUp(clock) && mayBeOfTime(milestones, reason?.code));
  return {
    machine,
    milestones,
    ...(bootSeconds === undefined ? {} : { bootSeconds }),
    passed,
    verdict: passed ? 'works' : mayBeSlow ? 'not-proven' : 'does-not-work',
    ...(reason === undefined ? {} : { stopped: reason }),
    waitingFor: reason === undefined ? [] : describeJobs(watch.jobs),
    time: { wallSeconds: Math.round(clock.wallSeconds), hadSeconds: Math.round(clock.hadSeconds) },
    failedUnits: watch.failedUnits,
    profile: watch.profile,
    consoleTail: watch.tail,
  };
}

/** What units do, which have time-outs of their own on the device. */
const OF_TIME: ReadonlySet<MilestoneName> = new Set(['docker', 'units', 'cloud-init', 'ssh', 'container', 'latency']);

/** A wrong name or a missing user is the image's fault only where the units that make them had their time. */
function mayBeOfTime(milestones: readonly Milestone[], stopped: StopCode | undefined): boolean {
  if (stopped === 'kernel-panic' || stopped === 'machine-ended') return false;
  const isReady = ['units', 'cloud-init'].every((name) => milestones.some((one) => one.name === name && one.ok));
  return !isReady || milestones.every(({ ok, seconds, name }) => ok || seconds === undefined || OF_TIME.has(name));
}
