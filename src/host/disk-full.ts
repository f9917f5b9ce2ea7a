import { ReswarmError } from '../errors.js';
import { formatSize } from '../model/bytes.js';

export type FullDisk = {
  readonly folder: string;
  /** What was to be written there: "the image"; undefined where many things are. */
  readonly what?: string;
  readonly neededBytes?: number;
  readonly freeBytes?: number;
  /** Where to make room. */
  readonly hint: string;
  readonly details?: readonly string[];
  readonly cause?: unknown;
};

/** ReswarmError `disk-full`. */
export function diskFull({ folder, what, neededBytes, freeBytes, hint, details = [], cause }: FullDisk): ReswarmError {
  const needed = neededBytes === undefined ? undefined : `it needs ${formatSize(neededBytes)}`;
  const free = freeBytes === undefined ? undefined : `${formatSize(freeBytes)} are free`;
  const sizes = [needed, free].filter((part) => part !== undefined).join(', ');
  const message =
    what === undefined ? `There is no room left in ${folder}` : `There is no room for ${what} in ${folder}`;
  return new ReswarmError('disk-full', sizes === '' ? message : `${message}: ${sizes}`, {
    details,
    hints: [hint],
    ...(cause === undefined ? {} : { cause }),
  });
}
