import { ReswarmError } from '../../errors.js';
import type { Host } from '../../host/host.js';
import { updateRecord } from '../fleet-record.js';
import type { FleetEvent, FleetRecord, SeenEvent, UpdatedEvent } from '../record-lines.js';
import type { DeviceEvent } from './device-program.js';
import { historyOf, statusOf } from './device-program.js';
import { inParallel } from './push-fleet.js';
import type { SshDevice, SshSettings } from './ssh-device.js';

export type CollectedDevice = {
  readonly device: string;
  readonly version?: string;
  readonly slot?: string;
  /** Updates that the record did not have. */
  readonly news: number;
  /** Why it could not be asked. */
  readonly code?: string;
  readonly reason?: string;
};

export type CollectOptions = {
  readonly devices: readonly SshDevice[];
  readonly record: string;
  readonly ssh: SshSettings;
  readonly jobs: number;
};

/** Asks every device what runs on it and what became of its updates, and adds that to the record. Throws what updateRecord throws. */
export async function collect(
  options: CollectOptions,
  host: Host,
  now: () => Date,
): Promise<readonly CollectedDevice[]> {
  const found = new Map<string, CollectedDevice>();
  await inParallel(options.devices, options.jobs, async (device) => {
    found.set(device.name, await collectDevice(device, options, host, now));
  });
  return options.devices.flatMap(({ name }) => found.get(name) ?? []);
}

async function collectDevice(
  device: SshDevice,
  { record, ssh }: CollectOptions,
  host: Host,
  now: () => Date,
): Promise<CollectedDevice> {
  try {
    const status = await statusOf(device, ssh, host);
    const history = await historyOf(device, ssh, host);
    const seen: SeenEvent = {
      event: 'seen',
      device: device.name,
      at: now().toISOString(),
      slot: status.slot,
      ...(status.version === undefined ? {} : { version: status.version }),
      machineId: status.machineId,
      trial: status.trial,
    };
    const added = await updateRecord(record, host.signal, (known) => [...newsOf(device.name, history, known), seen]);
    const version = status.version === undefined ? {} : { version: status.version };
    return { device: device.name, ...version, slot: status.slot, news: added.length - 1 };
  } catch (error) {
    host.signal.throwIfAborted();
    if (!(error instanceof ReswarmError) || error.code.startsWith('fleet-record')) throw error;
    return { device: device.name, news: 0, code: error.code, reason: error.message };
  }
}

/** Lines of a device's history that the record does not have yet. */
function newsOf(device: string, history: readonly DeviceEvent[], { events }: FleetRecord): readonly UpdatedEvent[] {
  const known = new Set(events.filter(isUpdate).map(identityOf));
  return history
    .filter(({ event }) => event === 'updated')
    .map((event) => updatedEvent(device, event))
    .filter((event) => !known.has(identityOf(event)));
}

function isUpdate(event: FleetEvent): event is UpdatedEvent {
  return event.event === 'updated';
}

function identityOf({ device, at, version, outcome }: UpdatedEvent): string {
  return JSON.stringify([device, at, version, outcome]);
}

function updatedEvent(device: string, event: DeviceEvent): UpdatedEvent {
  const { at, version, slot, outcome, reason, bundleSha256 } = event;
  return {
    event: 'updated',
    device,
    at,
    ...(version === undefined ? {} : { version }),
    ...(slot === undefined ? {} : { slot }),
    outcome: outcome ?? 'unknown',
    ...(reason === undefined || reason === '' ? {} : { reason }),
    ...(bundleSha256 === undefined ? {} : { bundleSha256 }),
  };
}
