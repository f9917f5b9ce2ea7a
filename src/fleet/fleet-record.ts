import { open, readFile } from 'node:fs/promises';
import { join, parse, resolve } from 'node:path';
import { formatEvent, parseRecord, type FleetEvent, type FleetRecord, type WrittenEvent } from './record-lines.js';
import { ReswarmError, UserError } from '../errors.js';
import { waitForFileLock } from '../host/file-lock.js';

/** The record of a fleet: beside its file, or beside its folder of .flock files. */
export function recordPathOf(fleetPath: string): string {
  const { dir, name, base } = parse(resolve(fleetPath));
  return join(dir, `${/\.(ya?ml|csv|tsv)$/i.test(base) ? name : base}.written.ndjson`);
}

/** A record that is not there yet is an empty one. Throws UserError `fleet-record-unreadable`. */
export async function readRecord(path: string): Promise<FleetRecord> {
  try {
    return parseRecord(await readFile(path, 'utf8'));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return { events: [], unreadableLines: [] };
    throw unusable(path, 'read', cause);
  }
}

/** Notes that a device was written to a card. On the disk when it returns. */
export async function recordWritten(recordPath: string, written: Omit<WrittenEvent, 'event'>): Promise<void> {
  await updateRecord(recordPath, new AbortController().signal, () => [{ event: 'written', ...written }]);
}

/**
 * Adds to a record what `decide` makes of it. Nobody else reads or writes it meanwhile; nothing that was written before
 * is ever touched. Throws UserError `fleet-record-unreadable`, `fleet-record-unwritable`.
 */
export async function updateRecord(
  path: string,
  signal: AbortSignal,
  decide: (record: FleetRecord) => readonly FleetEvent[],
): Promise<readonly FleetEvent[]> {
  return withRecordLocked(path, signal, async () => {
    const events = decide(await readRecord(path));
    if (events.length > 0) await append(path, events.map(formatEvent).join(''));
    return events;
  });
}

async function append(path: string, lines: string): Promise<void> {
  try {
    const file = await open(path, 'a+', 0o600);
    try {
      const { size } = await file.stat();
      const last = Buffer.alloc(1);
      if (size > 0) await file.read(last, 0, 1, size - 1);
      // A line that a power cut has torn is ended, so that it does not swallow ours.
      await file.appendFile((size > 0 && last[0] !== 0x0a ? '\n' : '') + lines);
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw unusable(path, 'written', cause);
  }
}

async function withRecordLocked<T>(path: string, signal: AbortSignal, body: () => Promise<T>): Promise<T> {
  const lock = await waitForFileLock(`${path}.locked`, { signal }).catch((cause: unknown) => {
    signal.throwIfAborted();
    throw cause instanceof ReswarmError ? cause : unusable(path, 'locked', cause);
  });
  try {
    return await body();
  } finally {
    await lock.release();
  }
}

function unusable(path: string, how: 'read' | 'written' | 'locked', cause: unknown): UserError {
  const code = how === 'read' ? 'fleet-record-unreadable' : 'fleet-record-unwritable';
  const why = (cause as NodeJS.ErrnoException).code ?? String(cause);
  return new UserError(code, `The record ${path} cannot be ${how} (${why})`, {
    hints: ['Name another place with --record FILE.'],
    cause,
  });
}
