import { webcrypto } from 'node:crypto';
import type { ByteRange } from '../model/byte-range.js';
import type { WritePlan } from './write-plan.js';
import { BLOCK_BYTES, closePlan, endOf } from './write-plan.js';
import { isUniform } from '../model/zeros.js';
import { IntegrityError, ReswarmError } from '../errors.js';
import { formatSize } from '../model/bytes.js';
import type { WrappedPlace } from './fake-card.js';
import type { Host } from '../host/host.js';
import { imageTruncated } from '../images/image-errors.js';
import type { DiskImage } from '../images/disk-image.js';
import type { ImageCursor } from '../images/image-cursor.js';
import { openCursor } from '../images/image-cursor.js';
import type { ImageDigests } from './image-digests.js';
import type { PooledBuffer, SharedBufferPool } from './buffer-pools.js';

/** Who gets the blocks of one reading of the image. */
export interface BlockConsumer {
  /** False: nobody wants anything any more. */
  isListening(): boolean;
  wants(block: number): boolean;
  /** `slot` holds the block until everybody released it. */
  give(block: number, slot: PooledBuffer): void;
  /** The image has shown its end. */
  close(plan: WritePlan): void;
}

/** A piece of the image: a block, a boot-critical range, or what lies between them. */
type Segment = ByteRange & { readonly block?: number; readonly critical?: number };

const DIGEST_BYTES = 32;
const SECTOR_BYTES = 512;
/** So many sectors of a wrong block are looked for elsewhere. */
const SAMPLES = 16;
/** Each holds a copy of its block. */
const DIGESTS_UNDER_WAY = 4;

/**
 * Reads the image once for all cards. The first reading goes through all of it, also where nothing is mapped, and takes
 * every digest; later ones bring single blocks again, and find out when the image changed meanwhile.
 */
export class ImageReader {
  /** The bytes of each boot-critical range, known after the first reading. */
  readonly bootCritical: Uint8Array[] = [];
  private readonly digests: Buffer;
  private segments: readonly Segment[];
  private readonly underWay: Promise<void>[] = [];
  private blocksByDigest: Map<string, number> | undefined;

  constructor(
    private readonly source: DiskImage,
    private plan: WritePlan,
    private readonly pool: SharedBufferPool,
    private readonly host: Host,
  ) {
    this.digests = Buffer.alloc(plan.blocks.length * DIGEST_BYTES);
    this.segments = segmentsOf(plan);
  }

  /** What the image's end has made of it, as soon as that was read. */
  get knownPlan(): WritePlan {
    return this.plan;
  }

  /** sha256 of a block, known after the first reading and `settled`. */
  digestOf(block: number): Uint8Array {
    return this.digests.subarray(block * DIGEST_BYTES, (block + 1) * DIGEST_BYTES);
  }

  /** A block of the image with this sha256; undefined when there is none. */
  blockWith(digest: Uint8Array): number | undefined {
    this.blocksByDigest ??= new Map(
      this.plan.blocks.map((_, block) => [Buffer.from(this.digestOf(block)).toString('hex'), block]),
    );
    return this.blocksByDigest.get(Buffer.from(digest).toString('hex'));
  }

  /**
   * Finds sectors of a card that belong to another place of the image, by reading the image once more.
   *
   * @param found what the card holds from `offsetBytes` on
   * @returns nothing where the image comes once only
   */
  async locateSectors(found: Uint8Array, offsetBytes: number): Promise<readonly WrappedPlace[]> {
    if (this.source.isReadOnce === true) return [];
    const wanted = sampleSectors(found).map((from) => ({
      offsetBytes: offsetBytes + from,
      bytes: found.subarray(from, from + SECTOR_BYTES),
    }));
    const places = new Map<number, number>();
    const cursor = openCursor(this.source);
    const window = Buffer.alloc(BLOCK_BYTES);
    try {
      for (let position = 0; position < this.plan.imageSizeBytes && wanted.length > 0; position += window.length) {
        this.host.signal.throwIfAborted();
        const bytes = window.subarray(0, await cursor.fill(window, position));
        for (const sector of wanted) {
          const own = sector.offsetBytes - position;
          const isAtHome = own >= 0 && bytes.subarray(own, own + SECTOR_BYTES).equals(sector.bytes);
          const at = isAtHome ? own : indexOfSector(bytes, sector.bytes);
          if (at === undefined || places.get(sector.offsetBytes) === sector.offsetBytes) continue;
          places.set(sector.offsetBytes, position + at);
        }
      }
    } finally {
      await cursor.close();
    }
    return [...places]
      .map(([place, belongsTo]) => ({ offsetBytes: place, belongsTo }))
      .filter((place) => place.offsetBytes !== place.belongsTo);
  }

  /** Resolves when the digests of all blocks that were read are known. */
  async settled(): Promise<void> {
    await Promise.all(this.underWay);
  }

  private async addDigest(block: number, bytes: Uint8Array): Promise<void> {
    if (this.underWay.length === DIGESTS_UNDER_WAY) await this.underWay.shift();
    this.underWay.push(
      digestOf(bytes).then((digest) => {
        this.digests.set(digest, block * DIGEST_BYTES);
      }),
    );
  }

  /**
   * The first reading. Throws what the source's stream and ImageDigests throw, IntegrityError `image-truncated` or
   * `image-longer-than-known`, and ReswarmError `image-too-large`.
   *
   * @returns sha256 of the image
   */
  async readAll(consumer: BlockConsumer, imageDigests: ImageDigests): Promise<string> {
    const cursor = openCursor(this.source, imageDigests.onFileBytes);
    const scratch = Buffer.alloc(BLOCK_BYTES);
    try {
      for (const segment of this.segments) {
        if (!consumer.isListening() || segment.offsetBytes >= this.plan.cardSizeBytes) break;
        await this.inMemory(segment, consumer, scratch, async (bytes) => {
          const used = await this.fill(cursor, segment, bytes, consumer);
          const { block, critical } = segment;
          const own = bytes.subarray(0, this.plan.blocks[block ?? -1]?.sizeBytes);
          if (block !== undefined && block < this.plan.blocks.length) await this.addDigest(block, own);
          imageDigests.update(used);
          if (critical !== undefined) this.bootCritical[critical] = Uint8Array.from(bytes);
        });
      }
      if (consumer.isListening() && (await cursor.fill(scratch.subarray(0, 1), this.plan.imageSizeBytes)) > 0) {
        throw this.tooLong();
      }
      if (consumer.isListening()) this.closeAt(this.plan.imageSizeBytes, consumer);
    } finally {
      await cursor.close();
    }
    await this.settled();
    return consumer.isListening() ? imageDigests.finish() : '';
  }

  private tooLong(): ReswarmError {
    const { imageSizeBytes, openEnd } = this.plan;
    if (openEnd !== undefined) {
      const room = `${formatSize(imageSizeBytes)} (${imageSizeBytes} bytes)`;
      return new ReswarmError('image-too-large', `${this.source.name} has more than ${room}, and a card has no more`, {
        hints: ['Use a larger card; one that is smaller than the others stops all of them.'],
      });
    }
    return new IntegrityError('image-longer-than-known', `${this.source.name} is longer than is expected`, {
      details: [`its block map or its first reading counted ${imageSizeBytes} bytes`],
      hints: ['The block map is of another image, or the image changed meanwhile.'],
    });
  }

  /** From the first reading's end on the plan is one of known size. Throws IntegrityError `image-truncated`. */
  private closeAt(sizeBytes: number, consumer: BlockConsumer): void {
    const { openEnd } = this.plan;
    if (openEnd === undefined) return;
    const { neededBytes } = openEnd;
    if (sizeBytes < neededBytes) throw imageTruncated(this.source.name, { sizeBytes, neededBytes });
    this.plan = closePlan(this.plan, sizeBytes);
    this.segments = segmentsOf(this.plan);
    consumer.close(this.plan);
  }

  /** A later reading, for what is still wanted. Throws IntegrityError `image-changed` too. */
  async readAgain(consumer: BlockConsumer): Promise<void> {
    const cursor = openCursor(this.source);
    try {
      for (const segment of this.segments) {
        const { block } = segment;
        if (!consumer.isListening()) break;
        if (block === undefined || !consumer.wants(block)) continue;
        await this.inMemory(segment, consumer, undefined, async (bytes) => {
          await this.fill(cursor, segment, bytes);
          if (Buffer.compare(this.digestOf(block), await digestOf(bytes)) === 0) return;
          throw new IntegrityError('image-changed', `${this.source.name} was changed while it was read`, {
            hints: ['Start again; the card does not boot until it is whole.'],
          });
        });
      }
    } finally {
      await cursor.close();
    }
  }

  /** Reads a segment into a slot and gives it away where it is wanted, into scratch memory otherwise. */
  private async inMemory(
    segment: Segment,
    consumer: BlockConsumer,
    scratch: Uint8Array | undefined,
    read: (bytes: Uint8Array) => Promise<void>,
  ): Promise<void> {
    this.host.signal.throwIfAborted();
    const { block, sizeBytes } = segment;
    if (scratch !== undefined && (block === undefined || !consumer.wants(block))) {
      await read(scratch.subarray(0, sizeBytes));
      return;
    }
    if (block === undefined) return;
    const slot = await this.pool.take();
    try {
      await read(slot.bytes.subarray(0, sizeBytes));
      if (block < this.plan.blocks.length) consumer.give(block, slot);
    } finally {
      this.pool.release(slot);
    }
  }

  /**
   * @param consumer told where the image's end shows here
   * @returns what is the image's own of it; the last sector is filled up with zeros.
   */
  private async fill(
    cursor: ImageCursor,
    { offsetBytes }: Segment,
    bytes: Uint8Array,
    consumer?: BlockConsumer,
  ): Promise<Uint8Array> {
    const ownBytes = Math.min(bytes.length, this.plan.imageSizeBytes - offsetBytes);
    const count = await cursor.fill(bytes.subarray(0, ownBytes), offsetBytes);
    if (count < ownBytes) {
      const neededBytes = this.plan.imageSizeBytes;
      const sizeBytes = offsetBytes + count;
      if (this.plan.openEnd === undefined || consumer === undefined) {
        throw imageTruncated(this.source.name, { sizeBytes, neededBytes });
      }
      this.closeAt(sizeBytes, consumer);
    }
    bytes.fill(0, count);
    return bytes.subarray(0, count);
  }
}

function segmentsOf({ blocks, bootCritical, cardSizeBytes }: WritePlan): readonly Segment[] {
  const used: Segment[] = [
    ...blocks.map((range, block) => ({ ...range, block })),
    ...bootCritical.map((range, index) => ({ ...range, critical: index })),
  ].sort((a, b) => a.offsetBytes - b.offsetBytes);
  const segments: Segment[] = [];
  let position = 0;
  const fillUpTo = (end: number): void => {
    for (; position < end; position = endOf(segments.at(-1) ?? { offsetBytes: end, sizeBytes: 0 })) {
      segments.push({ offsetBytes: position, sizeBytes: Math.min(BLOCK_BYTES, end - position) });
    }
  };
  for (const segment of used) {
    fillUpTo(segment.offsetBytes);
    segments.push(segment);
    position = endOf(segment);
  }
  fillUpTo(cardSizeBytes);
  return segments;
}

/** Where sectors begin that can be told from others. */
function sampleSectors(bytes: Uint8Array): readonly number[] {
  const starts = Array.from({ length: Math.floor(bytes.length / SECTOR_BYTES) }, (_, index) => index * SECTOR_BYTES);
  const distinct = starts.filter((start) => !isUniform(bytes.subarray(start, start + SECTOR_BYTES)));
  const step = Math.max(1, Math.floor(distinct.length / SAMPLES));
  return distinct.filter((_, index) => index % step === 0).slice(0, SAMPLES);
}

function indexOfSector(bytes: Buffer, sector: Uint8Array): number | undefined {
  for (let at = bytes.indexOf(sector); at >= 0; at = bytes.indexOf(sector, at + 1)) {
    if (at % SECTOR_BYTES === 0) return at;
  }
  return undefined;
}

/** sha256, taken beside the main thread; `bytes` are copied before this returns its promise. */
export async function digestOf(bytes: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await webcrypto.subtle.digest('SHA-256', bytes));
}
