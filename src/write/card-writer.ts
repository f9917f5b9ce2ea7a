import type { ByteRange } from '../model/byte-range.js';
import type { Overlay } from '../formats/image-delta.js';
import type { WritePlan } from './write-plan.js';
import { BLOCK_BYTES, endOf } from './write-plan.js';
import type { Host } from '../host/host.js';
import type { BlockFeed } from './block-feed.js';
import { digestOf } from './block-feed.js';
import type { BadRange, CardIo } from './card-io.js';
import { CardError, cardError, differenceOf, mediumError, readExactly, writeExactly } from './card-io.js';
import type { BufferPool, Slot, SlotPool } from './slot-pool.js';

/** What is known of a block of the card. */
export const BlockState = {
  todo: 0,
  /** An interrupted run says that it is there; looked at before it is written again. */
  claimed: 1,
  written: 2,
  /** Read back, and as it should be. */
  verified: 3,
  /** Could not be written, or came back different: tried again in the next reading of the image. */
  suspect: 4,
  bad: 5,
} as const;

export type CardPhase = 'preparing' | 'writing' | 'reading-back' | 'comparing' | 'sealing';
export type CardProgress = { readonly phase: CardPhase; readonly doneBytes: number; readonly totalBytes: number };

export type CardWork = {
  /** Only compare what is there with the image. */
  readonly compareOnly: boolean;
  /** The card's own bytes, over those of the image. */
  readonly overlay?: Overlay;
  readonly onProgress: (progress: CardProgress) => void;
};

/** Reads and writes under way at once. Some readers can do two, none gains from more than a few. */
export const CARD_DEPTH = 3;
/** A bad range is written so often again. */
const REWRITES = 3;
/** A card with more broken places than this is given up at once: each may take many seconds. */
const MOST_SUSPECTS = 32;
/** What tells a computer that there is something on a disk lies at its beginning and at its end (GPT). */
const WIPED_BYTES = BLOCK_BYTES;

/**
 * One card: takes blocks as they come, reads them back, and seals the card when all are right. An error of this card
 * ends up in `failure`, never with the other cards.
 */
export class CardWriter {
  readonly states: Uint8Array;
  failure: CardError | undefined;
  private readonly queue: { readonly block: number; readonly slot: Slot }[] = [];
  private readonly badRanges: BadRange[] = [];
  private inFlight = 0;
  private suspects = 0;
  private isDetached = false;
  private onDrained: (() => void) | undefined;
  private doneBytes = 0;

  constructor(
    readonly card: CardIo,
    private readonly plan: WritePlan,
    private readonly buffers: BufferPool,
    private readonly pool: SlotPool,
    private readonly work: CardWork,
    private readonly host: Host,
  ) {
    this.states = new Uint8Array(plan.blocks.length);
    if (work.compareOnly) this.states.fill(BlockState.claimed);
  }

  /** Whether a reading of the image would bring it further. */
  get needsReading(): boolean {
    return this.failure === undefined && this.states.some((state) => WANTED.has(state));
  }

  get isIdle(): boolean {
    return this.queue.length === 0 && this.inFlight === 0;
  }

  get backlog(): number {
    return this.queue.length;
  }

  /** From now on nothing on the card looks as if one could boot from it. */
  async prepare(): Promise<void> {
    if (this.work.compareOnly) return;
    await this.guarded(async () => {
      this.progress('preparing', 0, this.plan.writtenBytes);
      const { sizeBytes } = this.card;
      const tail = Math.floor(Math.max(0, sizeBytes - WIPED_BYTES) / 4096) * 4096;
      const wiped: ByteRange[] = [
        { offsetBytes: 0, sizeBytes: Math.min(WIPED_BYTES, sizeBytes) },
        ...this.plan.sealed.filter(({ offsetBytes }) => offsetBytes > 0),
        { offsetBytes: tail, sizeBytes: Math.min(WIPED_BYTES, sizeBytes - tail) },
      ];
      await this.buffers.lend(async (zeros) => {
        zeros.fill(0);
        for (const range of wiped) {
          await this.orFail(
            () => writeExactly(this.card, zeros.subarray(0, range.sizeBytes), range.offsetBytes),
            range,
          );
          await this.orFail(() => this.card.handle.sync(), range);
        }
      });
    });
  }

  /** Takes part in a reading of the image. */
  join(): void {
    this.isDetached = false;
    this.doneBytes = this.plan.blocks.reduce(
      (sum, { sizeBytes }, block) => sum + (WANTED.has(this.states[block] ?? 0) ? 0 : sizeBytes),
      0,
    );
  }

  wants(block: number): boolean {
    return this.failure === undefined && !this.isDetached && WANTED.has(this.states[block] ?? 0);
  }

  give(block: number, slot: Slot): void {
    slot.users += 1;
    this.queue.push({ block, slot });
    this.pump();
  }

  /** Gives up its place in this reading: others shall not wait for it any longer. It goes on in the next one. */
  detach(): void {
    this.isDetached = true;
    this.dropQueue();
  }

  /** Resolves when all that was given to it is done, or it failed. */
  async drain(): Promise<void> {
    if (!this.isIdle) await new Promise<void>((resolve) => (this.onDrained = resolve));
  }

  /** Reads back what was written. What came back different is suspect afterwards. */
  async readBack(feed: BlockFeed): Promise<void> {
    if (this.work.compareOnly) return;
    await this.guarded(async () => {
      await feed.settled();
      await this.flush({ offsetBytes: 0, sizeBytes: this.plan.cardSizeBytes });
      await this.card.dropCache?.();
      const blocks = this.blocksIn(BlockState.written);
      const totalBytes = blocks.reduce((sum, block) => sum + this.rangeOf(block).sizeBytes, 0);
      this.doneBytes = 0;
      this.progress('reading-back', 0, totalBytes);
      const next = blocks.values();
      await allOf(CARD_DEPTH, async () => {
        for (const block of next) {
          this.host.signal.throwIfAborted();
          await this.readBackBlock(block, feed);
          this.doneBytes += this.rangeOf(block).sizeBytes;
          this.progress('reading-back', this.doneBytes, totalBytes);
        }
      });
    });
  }

  private async readBackBlock(block: number, feed: BlockFeed): Promise<void> {
    const { offsetBytes, sizeBytes } = this.rangeOf(block);
    await this.buffers.lend(async (buffer) => {
      const found = buffer.subarray(0, sizeBytes);
      try {
        await readExactly(this.card, found, offsetBytes);
      } catch (error) {
        await mediumError(this.card, error);
        this.suspect(block);
        return;
      }
      if (Buffer.compare(await digestOf(found), feed.digestOf(block)) === 0) this.states[block] = BlockState.verified;
      else this.suspect(block);
    });
  }

  /** The last step, when every block is verified: overlay, boot sectors, and at the very end the partition table. */
  async seal(sealed: readonly Uint8Array[]): Promise<void> {
    await this.guarded(async () => {
      this.requireGood();
      this.progress('sealing', this.plan.writtenBytes, this.plan.writtenBytes);
      if (this.work.compareOnly) {
        for (const { bytes, offsetBytes } of this.unsealedExtents()) await this.compareAll(bytes, offsetBytes);
        for (const [index, range] of this.plan.sealed.entries()) {
          await this.compare(this.own(sealed[index] ?? new Uint8Array(), range.offsetBytes), range.offsetBytes);
        }
        this.requireGood();
        return;
      }
      for (const extent of this.unsealedExtents()) await this.writeVerified(extent.bytes, extent.offsetBytes);
      for (const [index, range] of this.plan.sealed.entries()) {
        try {
          await this.writeVerified(this.own(sealed[index] ?? new Uint8Array(), range.offsetBytes), range.offsetBytes);
        } catch (error) {
          // A partition table that may be wrong is worse than none.
          if (range.offsetBytes === 0) await this.wipeTable();
          throw error;
        }
      }
    });
  }

  private pump(): void {
    while (this.inFlight < CARD_DEPTH) {
      const next = this.queue.shift();
      if (next === undefined) break;
      this.inFlight += 1;
      const { block, slot } = next;
      void this.guarded(() => this.take(block, slot.bytes.subarray(0, this.rangeOf(block).sizeBytes))).finally(() => {
        this.inFlight -= 1;
        this.pool.release(slot);
        this.pump();
      });
    }
    if (!this.isIdle) return;
    this.onDrained?.();
    this.onDrained = undefined;
  }

  private async take(block: number, bytes: Uint8Array): Promise<void> {
    const range = this.rangeOf(block);
    const state = this.states[block];
    if (state === BlockState.suspect) await this.rewrite(block, bytes);
    else if (this.work.compareOnly) {
      await this.compare(this.own(bytes, range.offsetBytes), range.offsetBytes);
      this.states[block] = BlockState.verified;
    } else if (state === BlockState.claimed && (await this.isThere(bytes, range.offsetBytes))) {
      this.states[block] = BlockState.verified;
    } else {
      try {
        await writeExactly(this.card, bytes, range.offsetBytes);
        this.states[block] = BlockState.written;
      } catch (error) {
        await mediumError(this.card, error);
        this.suspect(block);
      }
    }
    this.doneBytes += range.sizeBytes;
    this.progress(this.work.compareOnly ? 'comparing' : 'writing', this.doneBytes, this.plan.writtenBytes);
  }

  private async rewrite(block: number, bytes: Uint8Array): Promise<void> {
    const fault = await this.faultAfterWriting(bytes, this.rangeOf(block).offsetBytes);
    this.states[block] = fault === undefined ? BlockState.verified : BlockState.bad;
    if (fault !== undefined) this.badRanges.push(fault);
  }

  private async writeVerified(bytes: Uint8Array, offsetBytes: number): Promise<void> {
    for (let from = 0; from < bytes.length; from += BLOCK_BYTES) {
      const fault = await this.faultAfterWriting(bytes.subarray(from, from + BLOCK_BYTES), offsetBytes + from);
      if (fault === undefined) continue;
      this.badRanges.push(fault);
      this.requireGood();
    }
  }

  /** Writes, flushes and reads back, a few times if need be; undefined when it is there in the end. */
  private async faultAfterWriting(bytes: Uint8Array, offsetBytes: number): Promise<BadRange | undefined> {
    const range = { offsetBytes, sizeBytes: bytes.length };
    return this.buffers.lend(async (buffer) => {
      const view = buffer.subarray(0, bytes.length);
      let fault: BadRange | undefined;
      for (let attempt = 0; attempt < REWRITES; attempt += 1) {
        this.host.signal.throwIfAborted();
        try {
          view.set(bytes);
          await writeExactly(this.card, view, offsetBytes);
          await this.card.handle.sync();
          await this.card.dropCache?.();
          view.fill(0xa5);
          await readExactly(this.card, view, offsetBytes);
          const difference = differenceOf(bytes, view, offsetBytes);
          if (difference === undefined) return undefined;
          fault = { ...difference, reason: 'what is read back differs from what was written' };
        } catch (error) {
          fault = { ...range, reason: await mediumError(this.card, error) };
        }
      }
      return fault;
    });
  }

  private async isThere(bytes: Uint8Array, offsetBytes: number): Promise<boolean> {
    return this.buffers.lend(async (buffer) => {
      const found = buffer.subarray(0, bytes.length);
      try {
        await readExactly(this.card, found, offsetBytes);
      } catch (error) {
        await mediumError(this.card, error);
        return false;
      }
      return Buffer.compare(found, bytes) === 0;
    });
  }

  private async compareAll(bytes: Uint8Array, offsetBytes: number): Promise<void> {
    for (let from = 0; from < bytes.length; from += BLOCK_BYTES) {
      await this.compare(bytes.subarray(from, from + BLOCK_BYTES), offsetBytes + from);
    }
  }

  private async compare(bytes: Uint8Array, offsetBytes: number): Promise<void> {
    await this.buffers.lend(async (buffer) => {
      const found = buffer.subarray(0, bytes.length);
      try {
        await readExactly(this.card, found, offsetBytes);
        const difference = differenceOf(bytes, found, offsetBytes);
        if (difference !== undefined) this.badRanges.push({ ...difference, reason: 'differs from the image' });
      } catch (error) {
        const reason = await mediumError(this.card, error);
        this.badRanges.push({ offsetBytes, sizeBytes: bytes.length, reason });
      }
    });
  }

  /** The image's bytes as this card is to have them. */
  private own(bytes: Uint8Array, offsetBytes: number): Uint8Array {
    const range = { offsetBytes, sizeBytes: bytes.length };
    const extents = (this.work.overlay?.extents ?? []).filter((extent) => overlaps(extent, range));
    if (extents.length === 0) return bytes;
    const own = Uint8Array.from(bytes);
    for (const extent of extents) {
      const from = Math.max(extent.offsetBytes, offsetBytes);
      const until = Math.min(extent.offsetBytes + extent.bytes.length, endOf(range));
      own.set(extent.bytes.subarray(from - extent.offsetBytes, until - extent.offsetBytes), from - offsetBytes);
    }
    return own;
  }

  /** The overlay's parts outside of the sealed ranges, in order. */
  private unsealedExtents(): readonly { readonly offsetBytes: number; readonly bytes: Uint8Array }[] {
    const sealed = this.plan.sealed.toSorted((a, b) => a.offsetBytes - b.offsetBytes);
    return (this.work.overlay?.extents ?? []).flatMap(({ offsetBytes, bytes }) => {
      const parts: { offsetBytes: number; bytes: Uint8Array }[] = [];
      let from = offsetBytes;
      const end = offsetBytes + bytes.length;
      for (const range of sealed) {
        if (endOf(range) <= from || range.offsetBytes >= end) continue;
        if (range.offsetBytes > from) {
          parts.push({ offsetBytes: from, bytes: bytes.subarray(from - offsetBytes, range.offsetBytes - offsetBytes) });
        }
        from = Math.min(end, endOf(range));
      }
      if (from < end) parts.push({ offsetBytes: from, bytes: bytes.subarray(from - offsetBytes) });
      return parts;
    });
  }

  private async wipeTable(): Promise<void> {
    await this.buffers.lend(async (buffer) => {
      const zeros = buffer.subarray(0, 4096).fill(0);
      await writeExactly(this.card, zeros, 0).catch(() => undefined);
      await this.card.handle.sync().catch(() => undefined);
    });
  }

  private suspect(block: number): void {
    this.states[block] = BlockState.suspect;
    this.suspects += 1;
    if (this.suspects <= MOST_SUSPECTS) return;
    const ranges = this.blocksIn(BlockState.suspect).map((index) => this.rangeOf(index));
    throw cardError(
      'card-unwritable',
      `${this.card.path} is broken: ${this.suspects} places could not be written or came back different`,
      ranges.map((range) => ({ ...range, reason: 'could not be written, or came back different' })),
    );
  }

  private requireGood(): void {
    if (this.badRanges.length === 0) return;
    const ranges = this.badRanges.toSorted((a, b) => a.offsetBytes - b.offsetBytes);
    const count = ranges.length === 1 ? '1 place' : `${ranges.length} places`;
    throw this.work.compareOnly
      ? cardError('card-differs', `${this.card.path} differs from the image in ${count}`, ranges)
      : cardError('card-read-back-differs', `${this.card.path} does not keep what is written, in ${count}`, ranges);
  }

  private async flush(range: ByteRange): Promise<void> {
    await this.orFail(() => this.card.handle.sync(), range);
  }

  private async orFail(action: () => Promise<unknown>, range: ByteRange): Promise<void> {
    try {
      await action();
    } catch (error) {
      const reason = await mediumError(this.card, error);
      throw cardError('card-unwritable', `${this.card.path} cannot be written`, [{ ...range, reason }]);
    }
  }

  /** Keeps an error of this card with this card. What is no such error (Ctrl-C, a bug) goes on. */
  private async guarded(action: () => Promise<void>): Promise<void> {
    if (this.failure !== undefined) return;
    try {
      await action();
    } catch (error) {
      if (!(error instanceof CardError) && !this.host.signal.aborted)
        this.fail(cardError('card-unwritable', String(error)));
      else if (error instanceof CardError) this.fail(error);
    }
  }

  private fail(error: CardError): void {
    this.failure ??= error;
    this.dropQueue();
  }

  private dropQueue(): void {
    for (const { slot } of this.queue.splice(0)) this.pool.release(slot);
  }

  private blocksIn(state: number): readonly number[] {
    return [...this.states.keys()].filter((block) => this.states[block] === state);
  }

  private rangeOf(block: number): ByteRange {
    const range = this.plan.blocks[block];
    if (range === undefined) throw new RangeError(`the plan has no block ${block}`);
    return range;
  }

  private progress(phase: CardPhase, doneBytes: number, totalBytes: number): void {
    this.work.onProgress({ phase, doneBytes: Math.min(doneBytes, totalBytes), totalBytes });
  }
}

const WANTED: ReadonlySet<number> = new Set([BlockState.todo, BlockState.claimed, BlockState.suspect]);

function overlaps(extent: { readonly offsetBytes: number; readonly bytes: Uint8Array }, range: ByteRange): boolean {
  return extent.offsetBytes < endOf(range) && extent.offsetBytes + extent.bytes.length > range.offsetBytes;
}

async function allOf(count: number, worker: () => Promise<void>): Promise<void> {
  const results = await Promise.allSettled(Array.from({ length: count }, worker));
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}
