import { webcrypto } from 'node:crypto';
import type { ByteRange } from '../model/byte-range.js';
import type { WritePlan } from './write-plan.js';
import { BLOCK_BYTES, endOf } from './write-plan.js';
import { IntegrityError } from '../errors.js';
import type { Host } from '../host/host.js';
import { imageTruncated } from '../images/image-errors.js';
import type { DiskImage } from '../images/disk-image.js';
import type { ImageCursor } from '../images/image-cursor.js';
import { openCursor } from '../images/image-cursor.js';
import type { ImageDigests } from './image-digests.js';
import type { Slot, SlotPool } from './slot-pool.js';

/** Who takes the blocks of one reading of the image. */
export interface BlockTaker {
  /** False: nobody wants anything any more. */
  isListening(): boolean;
  wants(block: number): boolean;
  /** `slot` holds the block until everybody released it. */
  give(block: number, slot: Slot): void;
}

/** A piece of the image: a block, a sealed range, or what lies between them. */
type Segment = ByteRange & { readonly block?: number; readonly sealed?: number };

const DIGEST_BYTES = 32;
/** Each holds a copy of its block. */
const DIGESTS_UNDER_WAY = 4;

/**
 * Reads the image once for all cards. The first reading goes through all of it, also where nothing is mapped, and takes
 * every digest; later ones bring single blocks again, and find out when the image changed meanwhile.
 */
export class BlockFeed {
  /** The bytes of each sealed range, known after the first reading. */
  readonly sealed: Uint8Array[] = [];
  private readonly digests: Buffer;
  private readonly segments: readonly Segment[];
  private readonly underWay: Promise<void>[] = [];

  constructor(
    private readonly source: DiskImage,
    private readonly plan: WritePlan,
    private readonly pool: SlotPool,
    private readonly host: Host,
  ) {
    this.digests = Buffer.alloc(plan.blocks.length * DIGEST_BYTES);
    this.segments = segmentsOf(plan);
  }

  /** sha256 of a block, known after the first reading and `settled`. */
  digestOf(block: number): Uint8Array {
    return this.digests.subarray(block * DIGEST_BYTES, (block + 1) * DIGEST_BYTES);
  }

  /** Resolves when the digests of all blocks that were read are known. */
  async settled(): Promise<void> {
    await Promise.all(this.underWay);
  }

  private async takeDigest(block: number, bytes: Uint8Array): Promise<void> {
    if (this.underWay.length === DIGESTS_UNDER_WAY) await this.underWay.shift();
    this.underWay.push(
      digestOf(bytes).then((digest) => {
        this.digests.set(digest, block * DIGEST_BYTES);
      }),
    );
  }

  /**
   * The first reading. Throws what the source's stream and ImageDigests throw, and IntegrityError `image-truncated` or
   * `image-longer-than-known`.
   *
   * @returns sha256 of the image
   */
  async readAll(taker: BlockTaker, imageDigests: ImageDigests): Promise<string> {
    const cursor = openCursor(this.source, imageDigests.onFileBytes);
    const scratch = Buffer.alloc(BLOCK_BYTES);
    try {
      for (const segment of this.segments) {
        if (!taker.isListening()) break;
        await this.inMemory(segment, taker, scratch, async (bytes) => {
          const used = await this.fill(cursor, segment, bytes);
          if (segment.block !== undefined) await this.takeDigest(segment.block, bytes);
          imageDigests.update(used);
          if (segment.sealed !== undefined) this.sealed[segment.sealed] = Uint8Array.from(bytes);
        });
      }
      if (taker.isListening() && (await cursor.fill(scratch.subarray(0, 1), this.plan.imageSizeBytes)) > 0) {
        throw new IntegrityError('image-longer-than-known', `${this.source.name} is longer than it was said to be`, {
          details: [`its block map or its first reading counted ${this.plan.imageSizeBytes} bytes`],
          hints: ['The block map is of another image, or the image changed meanwhile.'],
        });
      }
    } finally {
      await cursor.close();
    }
    await this.settled();
    return taker.isListening() ? imageDigests.finish() : '';
  }

  /** A later reading, for what is still wanted. Throws IntegrityError `image-changed` too. */
  async readAgain(taker: BlockTaker): Promise<void> {
    const cursor = openCursor(this.source);
    try {
      for (const segment of this.segments) {
        const { block } = segment;
        if (!taker.isListening()) break;
        if (block === undefined || !taker.wants(block)) continue;
        await this.inMemory(segment, taker, undefined, async (bytes) => {
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
    taker: BlockTaker,
    scratch: Uint8Array | undefined,
    read: (bytes: Uint8Array) => Promise<void>,
  ): Promise<void> {
    this.host.signal.throwIfAborted();
    const { block, sizeBytes } = segment;
    if (scratch !== undefined && (block === undefined || !taker.wants(block))) {
      await read(scratch.subarray(0, sizeBytes));
      return;
    }
    if (block === undefined) return;
    const slot = await this.pool.take();
    try {
      await read(slot.bytes.subarray(0, sizeBytes));
      taker.give(block, slot);
    } finally {
      this.pool.release(slot);
    }
  }

  /** @returns what is the image's own of it; the last sector is filled up with zeros. */
  private async fill(cursor: ImageCursor, { offsetBytes }: Segment, bytes: Uint8Array): Promise<Uint8Array> {
    const ownBytes = Math.min(bytes.length, this.plan.imageSizeBytes - offsetBytes);
    const count = await cursor.fill(bytes.subarray(0, ownBytes), offsetBytes);
    if (count < ownBytes) {
      const neededBytes = this.plan.imageSizeBytes;
      throw imageTruncated(this.source.name, { sizeBytes: offsetBytes + count, neededBytes });
    }
    bytes.fill(0, ownBytes);
    return bytes.subarray(0, ownBytes);
  }
}

function segmentsOf({ blocks, sealed, cardSizeBytes }: WritePlan): readonly Segment[] {
  const used: Segment[] = [
    ...blocks.map((range, block) => ({ ...range, block })),
    ...sealed.map((range, index) => ({ ...range, sealed: index })),
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

/** sha256, taken beside the main thread; `bytes` are copied before this returns its promise. */
export async function digestOf(bytes: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await webcrypto.subtle.digest('SHA-256', bytes));
}
