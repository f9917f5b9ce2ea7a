import type { BlockMap } from '../formats/bmap.js';
import { parseBmap } from '../formats/bmap.js';
import type { ByteRange } from '../model/byte-range.js';
import { endOf } from '../model/byte-range.js';
import { KiB, MiB } from '../model/bytes.js';
import type { PartitionTable } from '../model/partition-table.js';
import { partitionsEndBytes } from '../model/partition-table.js';
import type { ReadAt } from '../model/read-at.js';
import { suffixOf } from '../formats/compression.js';
import { parseBootSector } from '../formats/fat/boot-sector.js';
import { MBR_SIZE_BYTES } from '../formats/mbr.js';
import { readPartitionTable } from '../formats/partition-table.js';
import { isExtended } from '../formats/partition-types.js';
import type { WritePlan } from './write-plan.js';
import { planWrite } from './write-plan.js';
import { IntegrityError, ReswarmError, UserError } from '../errors.js';
import type { StageReporter } from '../pipeline/reporter.js';
import type { DiskImage } from '../images/disk-image.js';
import { isRaw } from '../images/disk-image.js';
import { imageTruncated } from '../images/image-errors.js';
import type { ImageSource } from '../images/image-source.js';
import { mappedRanges } from '../images/used-ranges.js';
import { rangesAround } from './ranges-to-write.js';
import { openCursor } from '../images/image-cursor.js';
import { ImageDigests, type ExpectedDigest } from './image-digests.js';

/** The partition table of an MBR, and the header of a GPT. */
const HEAD_BYTES = 2 * MBR_SIZE_BYTES;

/** What is known of an image before anything is written. */
export type ImageAnalysis = {
  readonly plan: WritePlan;
  /** Its first two sectors. */
  readonly head: Uint8Array;
  /** What its partition table counts in. */
  readonly sectorSizeBytes: number;
  readonly mappedFrom: 'block-map' | 'file-systems' | 'all-blocks';
  readonly map?: BlockMap;
  readonly mapPath?: string;
  /** Known where all of it had to be read once. */
  readonly sha256?: string;
};

/**
 * Finds out which parts of an image have to be written: from the block map beside it, or else from its file systems.
 * A packed image without a map is read once for that, which also finds every damage before a card is touched.
 * Throws UserError `bmap-invalid`, IntegrityError `bmap-mismatch`, `image-truncated` or `image-digest-mismatch`, and what
 * its stream throws.
 *
 * @param options.from where it and what lies beside it come from
 */
export async function analyseImage(
  source: DiskImage,
  options: {
    readonly from: ImageSource;
    readonly allBlocks: boolean;
    readonly expected: readonly ExpectedDigest[];
  },
  report: StageReporter,
): Promise<ImageAnalysis> {
  const found = options.allBlocks ? undefined : await findBlockMap(options.from, suffixOf(source.compression));
  if (isRaw(source)) {
    const { read, sizeBytes } = source;
    const beginning = await readBeginning(read, sizeBytes);
    if (found !== undefined) {
      requireSameSize(found, options.from.name, sizeBytes);
      return fromMap(found, beginning, await mappedRanges(read, sizeBytes));
    }
    if (options.allBlocks) return fromRanges(wholeOf(sizeBytes), beginning, sizeBytes, 'all-blocks');
    requireWhole(options.from.name, beginning, sizeBytes);
    return fromRanges(await mappedRanges(read, sizeBytes), beginning, sizeBytes, 'file-systems');
  }
  if (found !== undefined && found.map.isOfFileSystems) {
    return fromMap(found, await firstLook(source), []);
  }
  report.step('reading the packed image once: how large it is, what is used of it, and whether it is whole');
  return firstReading(source, { ...options, found }, report);
}

/** Beside the image, by the names that makers of images use. */
export async function findBlockMap(source: ImageSource, suffix: string): Promise<FoundMap | undefined> {
  const { path: image } = source;
  if (image === '') return undefined;
  const unpacked = image.endsWith(suffix) ? image.slice(0, image.length - suffix.length) : image;
  for (const path of new Set([`${image}.bmap`, `${unpacked}.bmap`, `${unpacked.replace(/\.[^./]+$/, '')}.bmap`])) {
    const shown = source.show(path);
    const text = await source.readText(path).catch((error: unknown) => {
      if (error instanceof ReswarmError) throw error;
      throw new UserError('bmap-invalid', `The block map ${shown} cannot be read`, { cause: error });
    });
    if (text !== undefined) return { path: shown, map: parseBmap(text, shown) };
  }
  return undefined;
}

/** What stands at an image's beginning. */
export type Beginning = {
  readonly head: Uint8Array;
  readonly table: PartitionTable | undefined;
  readonly sectorSizeBytes: number;
};

const SECTOR_BYTES = 512;
const LARGE_SECTOR_BYTES = 4096;
/** A GPT and its entries, with sectors of either size; the records of logical partitions lie further on. */
const LOOK_BYTES = 64 * KiB;

async function firstLook(source: DiskImage): Promise<Beginning> {
  const cursor = openCursor(source);
  const bytes = Buffer.alloc(LOOK_BYTES);
  try {
    return await lookAt(bytes.subarray(0, await cursor.fill(bytes, 0)));
  } finally {
    await cursor.close();
  }
}

function lookAt(bytes: Uint8Array): Promise<Beginning> {
  const read: ReadAt = (offsetBytes, sizeBytes) =>
    Promise.resolve(bytes.subarray(offsetBytes, offsetBytes + sizeBytes));
  return readBeginning(read, undefined);
}

/** Throws UserError `partition-table-invalid`. */
export async function readBeginning(read: ReadAt, sizeBytes: number | undefined): Promise<Beginning> {
  const head = await read(0, HEAD_BYTES);
  const table = await readPartitionTable(read, sizeBytes);
  // A file system without a table around it is one with the sectors of its drive.
  const whole = table === undefined ? parseBootSector(head.subarray(0, MBR_SIZE_BYTES)) : undefined;
  const ofVolume = whole?.sectorBytes === LARGE_SECTOR_BYTES ? LARGE_SECTOR_BYTES : SECTOR_BYTES;
  return { head, table, sectorSizeBytes: table?.sectorSizeBytes ?? ofVolume };
}

/** An image that its own partition table calls larger was not copied to its end; its card would not start. */
export function requireWhole(
  image: string,
  { table }: Beginning,
  sizeBytes: number,
  hint = 'If it is meant to be so: --all-blocks',
): void {
  const neededBytes = table === undefined ? 0 : partitionsEndBytes(table);
  if (neededBytes <= sizeBytes) return;
  throw imageTruncated(image, { sizeBytes, neededBytes }, hint);
}

/** Where the last byte is that the table speaks of: a GPT has its backup behind the partitions. */
function endOfTable(table: PartitionTable | undefined): number {
  if (table === undefined) return 0;
  return Math.max(partitionsEndBytes(table), ...table.ownRanges.map(endOf));
}

export type FoundMap = { readonly path: string; readonly map: BlockMap };

export function requireSameSize({ path, map }: FoundMap, image: string, sizeBytes: number): void {
  if (sizeBytes === map.imageSizeBytes) return;
  throw new IntegrityError('bmap-mismatch', `${image} and its block map do not belong together`, {
    details: [`the image has ${sizeBytes} bytes, ${path} says ${map.imageSizeBytes}`],
    hints: ['Take both from where they were made, or write all of it: --all-blocks'],
  });
}

/** @param used what the file systems use: a map that was made of a sparse file's holes leaves out zeros they rely on */
export function fromMap({ path, map }: FoundMap, beginning: Beginning, used: readonly ByteRange[]): ImageAnalysis {
  const mapped = map.ranges.map(({ firstBlock, lastBlock }) => ({
    offsetBytes: firstBlock * map.blockSizeBytes,
    sizeBytes: (lastBlock - firstBlock + 1) * map.blockSizeBytes,
  }));
  return { ...fromRanges([...mapped, ...used], beginning, map.imageSizeBytes, 'block-map'), map, mapPath: path };
}

export function fromRanges(
  mapped: readonly ByteRange[],
  { head, table, sectorSizeBytes }: Beginning,
  sizeBytes: number,
  mappedFrom: ImageAnalysis['mappedFrom'],
): ImageAnalysis {
  const partitions = (table?.partitions ?? []).filter((partition) => !isExtended(partition));
  const wanted = [...mapped, ...rangesAround(partitions, sizeBytes)];
  const plan = planWrite({ sizeBytes, sectorSizeBytes, mapped: wanted, partitions });
  return { plan, head, sectorSizeBytes, mappedFrom };
}

export function wholeOf(sizeBytes: number): readonly ByteRange[] {
  return [{ offsetBytes: 0, sizeBytes }];
}

const STEP_BYTES = MiB;
const REPORT_EVERY_MS = 250;

async function firstReading(
  source: DiskImage,
  options: {
    readonly from: ImageSource;
    readonly allBlocks: boolean;
    readonly expected: readonly ExpectedDigest[];
    readonly found: FoundMap | undefined;
  },
  report: StageReporter,
): Promise<ImageAnalysis> {
  const digests = new ImageDigests(options.from.name, true, options.expected, undefined);
  let fileBytes = 0;
  let reportedMs = 0;
  const kept = new KeptParts();
  const cursor = openCursor(source, (bytes) => {
    digests.onFileBytes(bytes);
    fileBytes += bytes.length;
    const now = performance.now();
    if (now - reportedMs < REPORT_EVERY_MS && fileBytes < source.fileSizeBytes) return;
    reportedMs = now;
    report.progress({ done: fileBytes, total: source.fileSizeBytes, unit: 'bytes' });
  });
  const window = Buffer.alloc(STEP_BYTES);
  let position = 0;
  const advance = async (): Promise<boolean> => {
    const count = await cursor.fill(window, position);
    const bytes = window.subarray(0, count);
    digests.update(bytes);
    kept.add(bytes, position);
    position += count;
    return count === window.length;
  };
  try {
    // The file systems' own tables come before most of what they describe, so one reading forwards answers this.
    const read: ReadAt = (offsetBytes, sizeBytes) => kept.read(offsetBytes, sizeBytes, advance);
    const beginning = await lookAt(await read(0, LOOK_BYTES));
    const end = endOfTable(beginning.table);
    const mapped = options.allBlocks || end === 0 ? undefined : await mappedRanges(read, end).catch(noneIfTooFarBack);
    while (await advance());
    const sha256 = digests.finish();
    if (!options.allBlocks) requireWhole(options.from.name, beginning, position);
    const isWhole = mapped === undefined || mapped[0]?.sizeBytes === end;
    const used = isWhole ? wholeOf(position) : mapped;
    if (options.found !== undefined) {
      requireSameSize(options.found, options.from.name, position);
      return { ...fromMap(options.found, beginning, used), sha256 };
    }
    return { ...fromRanges(used, beginning, position, options.allBlocks ? 'all-blocks' : 'file-systems'), sha256 };
  } finally {
    await cursor.close();
  }
}

/** How far back a file system's table may lie when it is asked for. */
const KEPT_BYTES = 16 * MiB;

/** The last part of what went by. */
class KeptParts {
  private readonly parts: { readonly offsetBytes: number; readonly bytes: Uint8Array }[] = [];
  private endBytes = 0;

  add(bytes: Uint8Array, offsetBytes: number): void {
    this.parts.push({ offsetBytes, bytes: Uint8Array.from(bytes) });
    this.endBytes = offsetBytes + bytes.length;
    if (this.parts.length > KEPT_BYTES / STEP_BYTES) this.parts.shift();
  }

  /** @param advance brings the next part; false at the end */
  async read(offsetBytes: number, sizeBytes: number, advance: () => Promise<boolean>): Promise<Uint8Array> {
    const result = Buffer.alloc(sizeBytes);
    let filled = 0;
    for (;;) {
      for (const part of this.parts) {
        const from = offsetBytes + filled - part.offsetBytes;
        if (from < 0 || from >= part.bytes.length || filled === sizeBytes) continue;
        const bytes = part.bytes.subarray(from, from + sizeBytes - filled);
        result.set(bytes, filled);
        filled += bytes.length;
      }
      if (filled === sizeBytes) return result;
      if (this.endBytes > offsetBytes + filled) throw new TooFarBack(offsetBytes);
      if (!(await advance())) return result.subarray(0, filled);
    }
  }
}

/** A file system whose tables lie where one reading does not find them. */
class TooFarBack extends Error {
  constructor(offsetBytes: number) {
    super(`bytes from ${offsetBytes} on have gone by`);
  }
}

function noneIfTooFarBack(error: unknown): undefined {
  if (!(error instanceof TooFarBack)) throw error;
}
