import {
  deviceStates,
  NEVER_WRITTEN,
  type DeviceState,
  type SeenEvent,
  type UpdatedEvent,
  type WrittenEvent,
} from './record-lines.js';
import { isClaimed } from './fleet-claims.js';
import { openFleet } from './fleet-queue.js';
import { readRecord, recordPathOf } from './fleet-record.js';

export type DeviceStatus = {
  readonly device: string;
  readonly state: 'waiting' | 'writing' | 'written';
  /** How often it was written. */
  readonly times: number;
  readonly last?: WrittenEvent;
  /** What ran when "fleet collect" looked last. */
  readonly seen?: SeenEvent;
  readonly lastUpdate?: UpdatedEvent;
};

export type FleetStatus = {
  readonly fleet: string;
  readonly record: string;
  readonly devices: readonly DeviceStatus[];
  /** In the record, and not in the list any more. */
  readonly removed: readonly DeviceStatus[];
  /** Cards, by their CID, that hold another device by now than the record says last of some device. */
  readonly reusedCards: readonly { readonly cid: string; readonly devices: readonly string[] }[];
  /** Lines of the record, from 1, that cannot be read. */
  readonly unreadableLines: readonly number[];
};

/** Which device was written, to which card, when. Throws what openFleet and readRecord throw. */
export async function fleetStatus(path: string, record = recordPathOf(path)): Promise<FleetStatus> {
  const fleet = await openFleet(path);
  const { events, unreadableLines } = await readRecord(record);
  const states = deviceStates(events);
  const names = new Set(fleet.devices.map(({ name }) => name));
  const status = (device: string): DeviceStatus => describe(device, states.get(device) ?? NEVER_WRITTEN);
  return {
    fleet: path,
    record,
    devices: [...names].map(status),
    removed: [...states.keys()].filter((name) => !names.has(name)).map(status),
    reusedCards: reusedCards(states),
    unreadableLines,
  };
}

function describe(device: string, state: DeviceState): DeviceStatus {
  const { written, seen, updates } = state;
  const last = written.at(-1);
  const lastUpdate = updates?.at(-1);
  return {
    device,
    state: isClaimed(state) ? 'writing' : last === undefined ? 'waiting' : 'written',
    times: written.length,
    ...(last === undefined ? {} : { last }),
    ...(seen === undefined ? {} : { seen }),
    ...(lastUpdate === undefined ? {} : { lastUpdate }),
  };
}

/** Two devices whose newest card is the same one: the older of them has none any more. */
function reusedCards(states: ReadonlyMap<string, DeviceState>): FleetStatus['reusedCards'] {
  const holders = new Map<string, string[]>();
  for (const [device, { written }] of states) {
    const cid = written.at(-1)?.card.cid;
    if (cid !== undefined) holders.set(cid, [...(holders.get(cid) ?? []), device]);
  }
  return [...holders].filter(([, devices]) => devices.length > 1).map(([cid, devices]) => ({ cid, devices }));
}
