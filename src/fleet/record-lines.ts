/** A card as far as it can be told from others; `cid` is the register that every SD card carries. */
export type RecordedCard = {
  readonly path: string;
  readonly sizeBytes?: number;
  readonly model?: string;
  /** Of the drive. A USB reader gives its own, whichever card is in it. */
  readonly serial?: string;
  readonly cid?: string;
};

/** Who is about to write: a process of a machine. `startedAt` tells it from a later one with the same pid. */
export type Claimant = { readonly host: string; readonly pid: number; readonly startedAt?: string };

/** A device was written to a card and read back. Digests are hex sha256. Never a value of the seed. */
export type WrittenEvent = {
  readonly event: 'written';
  readonly device: string;
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly card: RecordedCard;
  readonly imageSha256: string;
  readonly seedSha256?: string;
  readonly overlaySha256?: string;
};

/** What became of an update, as the device tells it. */
export type UpdatedEvent = {
  readonly event: 'updated';
  readonly device: string;
  /** ISO 8601, UTC; by the clock of the device. */
  readonly at: string;
  readonly version?: string;
  readonly slot?: string;
  readonly outcome: string;
  readonly reason?: string;
  readonly bundleSha256?: string;
};

/** What ran on a device when somebody looked. */
export type SeenEvent = {
  readonly event: 'seen';
  readonly device: string;
  readonly at: string;
  readonly slot: string;
  readonly version?: string;
  readonly machineId: string;
  readonly trial: boolean;
};

/** One line of a record. What was claimed is being written; a claim ends by `written`, by `released` or with its process. */
export type FleetEvent =
  | WrittenEvent
  | UpdatedEvent
  | SeenEvent
  | { readonly event: 'claimed'; readonly device: string; readonly at: string; readonly by: Claimant }
  | { readonly event: 'released'; readonly device: string; readonly at: string };

export type FleetRecord = {
  readonly events: readonly FleetEvent[];
  /** Lines, from 1, that hold no event: a power cut or a full disk cut them off. */
  readonly unreadableLines: readonly number[];
};

export type DeviceState = {
  /** Every time it was written, oldest first. */
  readonly written: readonly WrittenEvent[];
  /** Set while a process has it in hand, as far as the record knows. */
  readonly claim?: { readonly at: string; readonly by: Claimant };
  /** When somebody looked last. */
  readonly seen?: SeenEvent;
  /** Every update that is known of, in the order of the record. */
  readonly updates?: readonly UpdatedEvent[];
};

export const NEVER_WRITTEN: DeviceState = { written: [] };

export function formatEvent(event: FleetEvent): string {
  return `${JSON.stringify(event)}\n`;
}

/** Reads a record. A line that is none is noted and passed over: whatever was recorded before and after it counts. */
export function parseRecord(text: string): FleetRecord {
  const events: FleetEvent[] = [];
  const unreadableLines: number[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    if (line === '') continue;
    const event = parseEvent(line);
    if (event === undefined) unreadableLines.push(index + 1);
    else events.push(event);
  }
  return { events, unreadableLines };
}

/** What the record says of each device that it names. */
export function deviceStates(events: readonly FleetEvent[]): ReadonlyMap<string, DeviceState> {
  const states = new Map<string, DeviceState>();
  for (const event of events) {
    states.set(event.device, after(states.get(event.device) ?? NEVER_WRITTEN, event));
  }
  return states;
}

function after(state: DeviceState, event: FleetEvent): DeviceState {
  switch (event.event) {
    case 'written':
      return { ...withoutClaim(state), written: [...state.written, event] };
    case 'claimed':
      return { ...state, claim: { at: event.at, by: event.by } };
    case 'released':
      return withoutClaim(state);
    case 'updated':
      return { ...state, updates: [...(state.updates ?? []), event] };
    case 'seen':
      return { ...state, seen: event };
  }
}

function withoutClaim({ written, updates, seen }: DeviceState): DeviceState {
  return {
    written,
    ...(updates === undefined ? {} : { updates }),
    ...(seen === undefined ? {} : { seen }),
  };
}

function parseEvent(line: string): FleetEvent | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  const found = fields(value);
  if (typeof found['device'] !== 'string' || typeof found['at'] !== 'string') return undefined;
  const isEvent =
    found['event'] === 'released' ||
    (found['event'] === 'updated' && typeof found['outcome'] === 'string') ||
    (found['event'] === 'seen' && typeof found['slot'] === 'string') ||
    (found['event'] === 'claimed' && isClaimant(fields(found['by']))) ||
    (found['event'] === 'written' &&
      typeof found['imageSha256'] === 'string' &&
      typeof fields(found['card'])['path'] === 'string');
  return isEvent ? (value as FleetEvent) : undefined;
}

function isClaimant(by: Readonly<Record<string, unknown>>): boolean {
  return typeof by['host'] === 'string' && typeof by['pid'] === 'number';
}

function fields(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}
