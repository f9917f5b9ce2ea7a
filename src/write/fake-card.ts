import { randomBytes } from 'node:crypto';
import { alignUp, formatSize, MiB } from '../model/bytes.js';
import type { CardError, CardIo } from './card-io.js';
import { cardError, readExactly, settle, writeExactly } from './card-io.js';

/** What a marker takes: a page, which is what cards write in at least. */
const MARKER_BYTES = 4096;
const SECTOR_BYTES = 512;
/** No card ever had less. */
const SMALLEST_WRAP_BYTES = MiB;

/**
 * Finds out whether a card has the room that it says it has, with a few writes behind the image: controllers of fake
 * cards ignore the upper bits of an address, so that what is written at A + 2^k comes back at A, or they drop it.
 * What was there is gone afterwards. Throws CardError `card-fake`, and what reading and writing throws.
 *
 * @param range of the card that no image needs; nothing is tried where it is too small
 * @param buffer aligned memory of a page
 */
export async function probeCapacity(
  card: CardIo,
  range: { readonly from: number; readonly until: number },
  buffer: Uint8Array,
): Promise<void> {
  const places = markerPlaces(range.from, range.until);
  if (places.length < 2) return;
  const page = buffer.subarray(0, MARKER_BYTES);
  const markers = places.map((offsetBytes) => ({ offsetBytes, bytes: randomBytes(MARKER_BYTES) }));
  for (const { offsetBytes, bytes } of markers) {
    page.set(bytes);
    await writeExactly(card, page, offsetBytes);
  }
  await settle(card);
  const wrong: { readonly offsetBytes: number; readonly belongsTo: number | undefined }[] = [];
  for (const { offsetBytes, bytes } of markers) {
    await readExactly(card, page, offsetBytes);
    if (Buffer.compare(page, bytes) === 0) continue;
    const found = markers.find((marker) => Buffer.compare(marker.bytes, page) === 0);
    wrong.push({ offsetBytes, belongsTo: found?.offsetBytes });
  }
  page.fill(0);
  for (const { offsetBytes } of markers) await writeExactly(card, page, offsetBytes);
  await settle(card);
  const wrapped = wrong.flatMap(({ offsetBytes, belongsTo }) =>
    belongsTo === undefined ? [] : [{ offsetBytes, belongsTo }],
  );
  const error = wrapError(card, wrapped);
  if (error !== undefined) throw error;
  const [lost] = wrong;
  if (lost !== undefined) throw notKept(card, lost.offsetBytes);
}

/** The first place behind the image, those at a distance of a power of two from it, and the last one. */
function markerPlaces(from: number, until: number): readonly number[] {
  const first = alignUp(from, MARKER_BYTES);
  const last = Math.floor(until / MARKER_BYTES) * MARKER_BYTES - MARKER_BYTES;
  if (last <= first) return [];
  const places = [first];
  for (let distance = MiB; first + distance < last; distance *= 2) places.push(first + distance);
  return [...places, last];
}

function notKept(card: CardIo, offsetBytes: number): CardError {
  return cardError(
    'card-fake',
    `${card.path} is a fake, or broken: it keeps nothing at ${formatSize(offsetBytes)}, and says that it has ${formatSize(card.sizeBytes)}`,
    [{ offsetBytes, sizeBytes: MARKER_BYTES, reason: 'what is read back is not what was written' }],
  );
}

/** A place that holds what was written to another one. */
export type WrappedPlace = { readonly offsetBytes: number; readonly belongsTo: number };

/**
 * The error of a card that holds the content of other places; undefined where these are not the same distance apart,
 * or a multiple of it: then it is what was on the card before.
 */
export function wrapError(card: CardIo, places: readonly WrappedPlace[]): CardError | undefined {
  const distances = places.map(({ offsetBytes, belongsTo }) => Math.abs(belongsTo - offsetBytes));
  const size = distances.reduce(greatestCommonDivisor, 0);
  if (size < SMALLEST_WRAP_BYTES) return undefined;
  return cardError(
    'card-fake',
    `${card.path} is a fake: addresses wrap at ${size} bytes (${formatSize(size)}); it says that it has ${formatSize(card.sizeBytes)}`,
    places.map(({ offsetBytes, belongsTo }) => ({
      offsetBytes,
      sizeBytes: SECTOR_BYTES,
      reason: `holds what belongs to byte ${belongsTo}`,
    })),
  );
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
