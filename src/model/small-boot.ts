import type { BootExpectations } from './boot-expectations.js';
import { plainText } from './boot-console.js';
import type { BootProof, Milestone, MilestoneName } from './boot-proof.js';
import { SMALL_MILESTONES } from './boot-proof.js';
import type { MachineClock } from './machine-clock.js';
import { wasHeldUp } from './machine-clock.js';
import type { MachineName } from './qemu.js';

/** What a system is asked to prove. */
export type SmallSystem = {
  readonly userland: string;
  readonly hasSsh: boolean;
  readonly expected: Pick<BootExpectations, 'hostname'>;
  /** Whether there is a seed that it has to find. */
  readonly hasSeed: boolean;
};

/** What has been seen of the boot of a system that says itself how it starts (`reswarm: …`). A value. */
export type SmallWatch = SmallSystem & {
  readonly reached: ReadonlyMap<MilestoneName, Milestone>;
  readonly errors: readonly string[];
  readonly panic?: string;
  readonly tail: readonly string[];
};

const TAIL_LINES = 40;

export function startSmallWatch(system: SmallSystem): SmallWatch {
  return { ...system, reached: new Map(), errors: [], tail: [] };
}

/** Which milestones a system has, in the order in which they come. */
export function smallMilestones({ userland, hasSsh }: SmallSystem): readonly MilestoneName[] {
  const ofBusybox: readonly MilestoneName[] = ['seed', 'hostname', 'shell', 'power-off'];
  const isThere = (name: MilestoneName): boolean => {
    if (name === 'ssh') return hasSsh;
    if (name === 'workload') return userland === 'workload';
    return userland === 'busybox' || !ofBusybox.includes(name);
  };
  return SMALL_MILESTONES.map(({ name }) => name).filter(isThere);
}

/** @param seconds since power-on */
export function watchSmallLine(watch: SmallWatch, rawLine: string, seconds: number): SmallWatch {
  const line = plainText(rawLine);
  if (line === '') return watch;
  const next = { ...watch, tail: [...watch.tail, line].slice(-TAIL_LINES) };
  const kernel = /Linux version (\S+)/.exec(line)?.[1];
  if (kernel !== undefined) return reachSmall(next, 'kernel', true, kernel, seconds);
  const panic = /Kernel panic - not syncing: .*/.exec(line)?.[0];
  if (panic !== undefined) return { ...next, panic };
  if (/reboot: Power down/.test(line)) return reachSmall(next, 'power-off', true, 'Power down', seconds);
  const [, word = '', rest = ''] = /reswarm: (\S+) ?(.*)$/.exec(line) ?? [];
  return watchStatus(next, word, rest, seconds);
}

function watchStatus(watch: SmallWatch, word: string, rest: string, seconds: number): SmallWatch {
  switch (word) {
    case 'init':
      return reachSmall(watch, 'init', true, rest, seconds);
    case 'seed': {
      const isLost = watch.hasSeed && rest === 'none';
      return reachSmall(watch, 'seed', !isLost, isLost ? 'none, and there is one' : rest, seconds);
    }
    case 'hostname': {
      const { hostname } = watch.expected;
      const fits = hostname === undefined || hostname === rest;
      return reachSmall(watch, 'hostname', fits, fits ? rest : `"${rest}", the seed says "${hostname}"`, seconds);
    }
    case 'network':
      return / none$/.test(` ${rest}`) ? watch : reachSmall(watch, 'network', true, rest, seconds);
    case 'ssh':
      // That it answers is seen from outside; without a key nobody could log in, and it is not started.
      return rest === 'no-key' ? reachSmall(watch, 'ssh', true, 'not started: the seed gives no key', seconds) : watch;
    case 'ready':
      return reachSmall(watch, 'ready', true, rest, seconds);
    case 'check':
      return reachSmall(watch, 'workload', rest === 'passed', `its command: ${rest}`, seconds);
    case 'ended':
      return { ...watch, errors: [...watch.errors, `the workload ended ${rest}`] };
    case 'error':
      return { ...watch, errors: [...watch.errors, rest] };
    default:
      return watch;
  }
}

/** The first time counts. */
export function reachSmall(
  watch: SmallWatch,
  name: MilestoneName,
  ok: boolean,
  detail: string,
  seconds: number,
): SmallWatch {
  if (watch.reached.has(name)) return watch;
  return { ...watch, reached: new Map([...watch.reached, [name, { name, ok, seconds, detail }]]) };
}

/** Whether everything came that is waited for before the machine is ended. */
export function isSmallDone(watch: SmallWatch): boolean {
  return smallMilestones(watch).every((name) => AT_THE_END.has(name) || watch.reached.has(name));
}

const AT_THE_END: ReadonlySet<MilestoneName> = new Set(['no-errors', 'power-off']);

export function concludeSmall(
  machine: MachineName,
  watch: SmallWatch,
  clock: MachineClock,
  stopped?: BootProof['stopped'],
): BootProof {
  const milestones = smallMilestones(watch).map((name): Milestone => {
    if (name !== 'no-errors') return watch.reached.get(name) ?? { name, ok: false, detail: 'did not come' };
    const detail = watch.errors.join('; ');
    return { name, ok: watch.errors.length === 0, seconds: clock.wallSeconds, detail };
  });
  const reason = watch.panic === undefined ? stopped : { code: 'kernel-panic' as const, detail: watch.panic };
  const passed = reason === undefined && milestones.every(({ ok }) => ok);
  const mayBeSlow = reason?.code === 'too-slow' || (reason?.code === 'timeout' && wasHeldUp(clock));
  const ready = watch.reached.get('ready')?.seconds;
  return {
    machine,
    milestones,
    ...(ready === undefined ? {} : { bootSeconds: ready }),
    passed,
    verdict: passed ? 'works' : mayBeSlow ? 'not-proven' : 'does-not-work',
    ...(reason === undefined ? {} : { stopped: reason }),
    waitingFor: [],
    time: { wallSeconds: Math.round(clock.wallSeconds), hadSeconds: Math.round(clock.hadSeconds) },
    failedUnits: watch.errors,
    profile: [],
    consoleTail: watch.tail,
  };
}
