import { UserError } from '../../errors.js';
import type { Host } from '../../host/host.js';
import { statusOf } from './device-program.js';
import type { PushOptions, PushOutcome } from './push-device.js';
import { pushToDevice } from './push-device.js';
import type { SshDevice } from './ssh-device.js';
import type { Wave } from './waves.js';
import { planWaves } from './waves.js';

export type PushFleetOptions = PushOptions & {
  readonly devices: readonly SshDevice[];
  readonly waves: readonly Wave[];
  /** So many may fail; the wave in which there are more is the last one. */
  readonly maxFailures: number;
  /** Devices at a time. */
  readonly jobs: number;
};

export type PushedFleet = {
  readonly outcomes: readonly PushOutcome[];
  /** Devices whose wave did not begin. */
  readonly notStarted: readonly string[];
  readonly waves: number;
};

export type PushEvents = {
  readonly wave: (number: number, of: number, devices: number) => void;
  readonly step: (device: string, text: string) => void;
  readonly done: (outcome: PushOutcome) => Promise<void>;
};

/**
 * Updates devices wave by wave. Throws UserError `device-named-twice`, `device-id-twice`, `wave-order`; what is wrong
 * with a device is its outcome.
 */
export async function pushToFleet(options: PushFleetOptions, host: Host, events: PushEvents): Promise<PushedFleet> {
  const { devices, waves, maxFailures, jobs } = options;
  requireDifferentNames(devices);
  const plan = planWaves(devices, waves);
  await requireDifferentIds(options, host);
  const outcomes: PushOutcome[] = [];
  for (const [index, wave] of plan.entries()) {
    events.wave(index + 1, plan.length, wave.length);
    await inParallel(wave, jobs, async (device) => {
      // Devices of a wave that fails do not begin either.
      if (failures(outcomes) > maxFailures) return;
      const outcome = await pushToDevice(device, options, host, (text) => {
        events.step(device.name, text);
      });
      outcomes.push(outcome);
      await events.done(outcome);
    });
    if (failures(outcomes) > maxFailures) break;
  }
  const tried = new Set(outcomes.map(({ device }) => device));
  const notStarted = devices.map(({ name }) => name).filter((name) => !tried.has(name));
  return { outcomes, notStarted, waves: plan.length };
}

function failures(outcomes: readonly PushOutcome[]): number {
  return outcomes.filter(({ outcome }) => outcome === 'failed').length;
}

function requireDifferentNames(devices: readonly SshDevice[]): void {
  const names = devices.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice === undefined) return;
  throw new UserError('device-named-twice', `${twice} is named twice`, { hints: ['Name each device once.'] });
}

/** Two devices of one id were cloned: they also share host keys and addresses. One that cannot be asked fails later. */
async function requireDifferentIds({ devices, ssh, jobs }: PushFleetOptions, host: Host): Promise<void> {
  const byId = new Map<string, string>();
  await inParallel(devices, jobs, async ({ ...device }) => {
    const found = await statusOf(device, ssh, host).catch(() => undefined);
    host.signal.throwIfAborted();
    if (found === undefined) return;
    const other = byId.get(found.machineId);
    byId.set(found.machineId, device.name);
    if (other === undefined) return;
    throw new UserError('device-id-twice', `${other} and ${device.name} have the same machine id ${found.machineId}`, {
      hints: ['Either both names lead to one device, or one card was copied to another: reseed it.'],
    });
  });
}

/** At most `jobs` at a time, begun in order. */
export async function inParallel<Item>(
  items: readonly Item[],
  jobs: number,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const left = items.values();
  const worker = async (): Promise<void> => {
    for (const item of left) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(jobs, items.length) }, worker));
}
