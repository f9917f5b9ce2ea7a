import { CommandError, ReswarmError } from '../errors.js';
import { diskFull } from '../host/disk-full.js';

/** Turns "no room" of whatever runs in `body`, file operations and programs alike, into ReswarmError `disk-full`. */
export async function guardSpace<T>(folder: string, hint: string, body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (error) {
    if (!isDiskFull(error)) throw error;
    const details = error instanceof ReswarmError ? [error.message, ...error.details] : [];
    throw diskFull({ folder, hint, details, cause: error });
  }
}

/** What programs print for ENOSPC and EDQUOT (they run in the C locale), and apt before it even begins. */
const NO_ROOM = /No space left on device|Disk quota exceeded|You don't have enough free space in/;

function isDiskFull(error: unknown): boolean {
  // Said already, and by somebody who knows more of it.
  if (error instanceof ReswarmError && error.code === 'disk-full') return false;
  if (error instanceof CommandError && error.details.some((line) => NO_ROOM.test(line))) return true;
  if (!(error instanceof Error)) return false;
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOSPC' || code === 'EDQUOT' || isDiskFull(error.cause);
}
