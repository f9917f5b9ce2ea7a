import { IdentityReader } from './definition/device-identity.js';
import { fleetProblems } from './definition/unique-values.js';
import type { Fleet, FleetDevice } from './definition/fleet.js';
import { readFleet } from './definition/read-fleet.js';
import type { DeviceIdentity } from '../seeds/device/device-identity.js';
import { nearestWord } from '../config/wording.js';
import { deviceStates, NEVER_WRITTEN, type FleetRecord } from './record-lines.js';
import { UserError, type Problem } from '../errors.js';
import { isClaimed, thisClaimant } from './fleet-claims.js';
import { readRecord, recordPathOf, updateRecord } from './fleet-record.js';

/** A device that is about to be written. */
export type QueuedDevice = {
  readonly name: string;
  readonly identity: DeviceIdentity;
  readonly warnings: readonly Problem[];
};

export type QueueOptions = {
  /** Default: beside the fleet file. */
  readonly record?: string;
  /** These, whether they were written before or not; in this order. */
  readonly only?: readonly string[];
  /** `false` for a plan that is shown only. Default: true. */
  readonly claim?: boolean;
  readonly signal: AbortSignal;
};

export type NextDevices = {
  readonly devices: readonly QueuedDevice[];
  readonly recordPath: string;
  /** How many devices wait after these. */
  readonly waiting: number;
  /** Gives devices that were not written back to the queue; all of them without names. */
  readonly release: (names?: readonly string[]) => Promise<void>;
};

/**
 * The next devices of a fleet that nobody has written yet, in the order of the list. They are claimed in the record, so
 * that another process that asks gets other ones, until they are written, released, or this process is gone.
 *
 * Throws UserError with every problem of the fleet, or `fleet-unknown-device`, `fleet-exhausted`, `fleet-device-busy`,
 * and what updateRecord throws.
 */
export async function nextDevices(fleetPath: string, count: number, options: QueueOptions): Promise<NextDevices> {
  const fleet = await openFleet(fleetPath);
  const recordPath = options.record ?? recordPathOf(fleetPath);
  let chosen: readonly FleetDevice[] = [];
  let waiting = 0;
  const choose = (record: FleetRecord): void => {
    const states = deviceStates(record.events);
    const free = fleet.devices.filter(({ name }) => {
      const state = states.get(name) ?? NEVER_WRITTEN;
      return state.written.length === 0 && !isClaimed(state);
    });
    chosen = options.only === undefined ? free.slice(0, count) : options.only.map((name) => findDevice(fleet, name));
    if (options.only === undefined && chosen.length < count)
      throw exhausted(fleetPath, count, chosen.length, recordPath);
    const busy = chosen.find(({ name }) => isClaimed(states.get(name) ?? NEVER_WRITTEN));
    if (busy !== undefined) throw inHand(busy.name);
    waiting = free.filter((device) => !chosen.includes(device)).length;
  };
  const names = (): readonly string[] => chosen.map(({ name }) => name);
  if (options.claim === false) choose(await readRecord(recordPath));
  else {
    await updateRecord(recordPath, options.signal, (record) => {
      choose(record);
      const by = thisClaimant();
      return names().map((device) => ({ event: 'claimed', device, at: new Date().toISOString(), by }));
    });
  }
  const release = async (released: readonly string[] = names()): Promise<void> => {
    if (options.claim === false) return;
    // Also after Ctrl-C: nobody should have to wait for what will never be written.
    await updateRecord(recordPath, new AbortController().signal, () =>
      released.map((device) => ({ event: 'released', device, at: new Date().toISOString() })),
    );
  };
  try {
    return { devices: await queued(chosen), recordPath, waiting, release };
  } catch (error) {
    await release();
    throw error;
  }
}

/** Reads a fleet and holds its lists against each other. Throws UserError with every problem. */
export async function openFleet(path: string): Promise<Fleet> {
  const { fleet, problems } = await readFleet(path);
  const all = [...problems, ...fleetProblems(fleet.devices)];
  if (all.length > 0) throw UserError.fromProblems(all);
  return fleet;
}

/** Throws UserError `fleet-unknown-device`. */
export function findDevice(fleet: Fleet, name: string): FleetDevice {
  const found = fleet.devices.find((device) => device.name === name);
  if (found !== undefined) return found;
  const meant = nearestWord(
    name,
    fleet.devices.map((device) => device.name),
  );
  throw new UserError('fleet-unknown-device', `There is no device "${name}" in ${fleet.path}`, {
    hints: meant === undefined ? [] : [`Did you mean "${meant}"?`],
  });
}

async function queued(devices: readonly FleetDevice[]): Promise<readonly QueuedDevice[]> {
  const reader = new IdentityReader();
  const problems: Problem[] = [];
  const result: QueuedDevice[] = [];
  for (const device of devices) {
    const read = await reader.read(device);
    problems.push(...read.problems);
    result.push({ name: device.name, identity: read.identity, warnings: read.warnings });
  }
  if (problems.length > 0) throw UserError.fromProblems(problems);
  return result;
}

function exhausted(fleetPath: string, count: number, left: number, recordPath: string): UserError {
  const message = `${fleetPath} has ${left === 0 ? 'no device' : left === 1 ? 'one device' : `${left} devices`} left to write, and ${count} ${count === 1 ? 'is' : 'are'} asked for`;
  return new UserError('fleet-exhausted', message, {
    hints: [
      `What was written stands in ${recordPath}; see it with: reswarm-os fleet status ${fleetPath}`,
      'To write a device again, name it with --only.',
    ],
  });
}

function inHand(name: string): UserError {
  return new UserError('fleet-device-busy', `Another process is writing ${name} right now`, {
    hints: ['Wait for it, or end it.'],
  });
}
