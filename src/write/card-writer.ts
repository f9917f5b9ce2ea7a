import type { ImageDelta } from '../formats/delta/image-delta.js';
import type { Host } from '../host/host.js';
import type { ByteRange } from '../model/byte-range.js';
import { isUniform, isZero } from '../model/zeros.js';
import { BlockState, WANTED_STATES } from './block-state.js';
import type { SharedBufferPool, PooledBuffer, BufferPool } from './buffer-pools.js';
import { deltaOutside, withDelta } from './card-delta.js';
import type { BadRange, CardIo } from './card-io.js';
import { CardError, cardError, differenceOf, MediumError, readExactly, settle, writeExactly } from './card-io.js';
import type { WrappedPlace } from './fake-card.js';
import { probeCapacity, wrapError } from './fake-card.js';
import type { ImageReader } from './image-reader.js';
import { digestOf } from './image-reader.js';
import { piecesOf, writeVerified } from './verified-write.js';
import type { WritePlan } from './write-plan.js';
import { BLOCK_BYTES, endOf, lastBytesOf } from './write-plan.js';

export type CardPhase = 'preparing' | 'writing' | 'reading-back' | 'comparing' | 'sealing';
export type CardProgress = {
  readonly phase: CardPhase;
  readonly doneBytes: number;
  /** 0 while it is not known. */
  readonly totalBytes: number;
};

export type CardWork = {
  /** Only compare what is there with the image. */
  readonly compareOnly: boolean;
  /** The card's own bytes, over those of the image. */
  readonly overlay?: ImageDelta;
  /** No second reading of the image mends anything. */
  readonly isReadOnce?: boolean;
  readonly onProgress: (progress: CardProgress) => void;
};

/** Reads and writes under way at once. Some readers can do two, none gains from more than a few. */
export const CARD_DEPTH = 3;
/** A card with more broken places than this is given up at once: each may take many seconds. */
const MOST_SUSPECTS = 32;

/**
 * Writes one card: blocks as they come, reads them back, and finalises the card when all are right. A CardError ends up
 * in `failure` and does not disturb other cards; every other error is thrown (by `drain`, where it happened in the
 * background).
 */
export class CardWriter {
  states: Uint8Array;
  failure: CardError | undefined;
  /** An error that is no fault of the card: a bug, Ctrl-C. */
  crash: { readonly error: unknown } | undefined;
  private readonly queue: { readonly block: number; readonly slot: PooledBuffer }[] = [];
  private readonly badRanges: BadRange[] = [];
  /** sha256 of blocks in which this card differs from the image. */
  private readonly ownDigests = new Map<number, Uint8Array>();
  private readonly looseExtents: ReturnType<typeof deltaOutside>;
  private inFlight = 0;
  private isDetached = false;
  /** Something was written after blocks were read back: all of them must be read once more. */
  private hasRewritten = false;
  private hasReadBack = false;
  private onDrained: (() => void) | undefined;
  private doneBytes = 0;

  constructor(
    readonly card: CardIo,
    private plan: WritePlan,
    private readonly buffers: BufferPool,
    private readonly pool: SharedBufferPool,
    private readonly work: CardWork,
    private readonly host: Host,
  ) {
    this.states = new Uint8Array(plan.blocks.length);
    if (work.compareOnly) this.states.fill(BlockState.claimed);
    this.looseExtents = deltaOutside(work.overlay, [...plan.blocks, ...plan.bootCritical]);
  }

  /** Whether a reading of the image would bring it further. */
  get needsReading(): boolean {
    return this.failure === undefined && this.states.some((state) => WANTED_STATES.has(state));
  }

  get isIdle(): boolean {
    return this.queue.length === 0 && this.inFlight === 0;
  }

  get backlog(): number {
    return this.queue.length;
  }

  /** From now on nothing on the card looks as if one could boot from it, and it has the room that it says it has. */
  async prepare(): Promise<void> {
    if (this.work.compareOnly) return;
    await this.guarded(async () => {
      this.progress('preparing', 0, this.plan.writtenBytes);
      const { sizeBytes } = this.card;
      const first = { offsetBytes: 0, sizeBytes: Math.min(BLOCK_BYTES, sizeBytes) };
      const heads = this.plan.bootCritical.filter(({ offsetBytes }) => offsetBytes > 0);
      await this.buffers.use(async (buffer) => {
        for (const range of [first, ...heads, lastBytesOf(sizeBytes, BLOCK_BYTES)]) {
          await this.orFail(range, async () => {
            await writeExactly(this.card, buffer.subarray(0, range.sizeBytes).fill(0), range.offsetBytes);
            await settle(this.card);
          });
        }
        const { cardSizeBytes, openEnd } = this.plan;
        // All of what an image of unknown size covers is written later.
        const behind = { from: openEnd?.neededBytes ?? cardSizeBytes, until: sizeBytes };
        await this.orFail({ offsetBytes: behind.from, sizeBytes: behind.until - behind.from }, () =>
          probeCapacity(this.card, behind, buffer),
        );
      });
    });
  }

  /** Takes part in a reading of the image. */
  join(): void {
    this.isDetached = false;
    this.doneBytes = this.plan.blocks.reduce(
      (sum, { sizeBytes }, block) => sum + (WANTED_STATES.has(this.states[block] ?? 0) ? 0 : sizeBytes),
      0,
    );
  }

  /** The image has shown its end. */
  close(plan: WritePlan): void {
    this.plan = plan;
    this.states = this.states.subarray(0, plan.blocks.length);
  }

  wants(block: number): boolean {
    const isOut =
      block >= this.states.length || this.failure !== undefined || this.crash !== undefined || this.isDetached;
    return !isOut && WANTED_STATES.has(this.states[block] ?? 0);
  }

  give(block: number, slot: PooledBuffer): void {
    slot.users += 1;
    this.queue.push({ block, slot });
    this.pump();
  }

  /** Gives up its place in this reading: others do not wait for it any longer. It goes on in the next one. */
  detach(): void {
    this.isDetached = true;
    this.dropQueue();
  }

  /** Resolves when everything that was given to it is done, or the card failed. Throws what is no fault of the card. */
  async drain(): Promise<void> {
    if (!this.isIdle) await new Promise<void>((resolve) => (this.onDrained = resolve));
    if (this.crash !== undefined) throw this.crash.error;
  }

  /**
   * Reads back what was written. What came back different is suspect afterwards. When something had to be written
   * again, all of it is read once more, and what is different then is bad: a fake card whose addresses wrap keeps
   * whatever was written last, at the cost of another place.
   */
  async readBack(reader: ImageReader): Promise<void> {
    if (this.work.compareOnly) return;
    await this.guarded(async () => {
      this.requireGood();
      await reader.settled();
      for (const { bytes, offsetBytes } of this.looseExtents) await this.writeOrFail(bytes, offsetBytes);
      await this.orFail({ offsetBytes: 0, sizeBytes: this.plan.cardSizeBytes }, () => settle(this.card));
      const isLast = this.work.isReadOnce === true || (this.hasRewritten && this.hasReadBack);
      this.hasReadBack = true;
      const blocks = this.blocksIn(BlockState.written, ...(this.hasRewritten ? [BlockState.verified] : []));
      const { different, unreadable, wrapped } = await this.compareDigests(blocks, reader);
      this.requireNoneOf(wrapped);
      if (different.length + unreadable.length > MOST_SUSPECTS || (isLast && different.length > 0)) {
        await this.requireNoWrap(different, reader);
      }
      this.record([...different, ...unreadable], isLast);
    });
  }

  /** The last step, when every block is verified: boot sectors, and at the very end the partition table. */
  async finalise(reader: ImageReader): Promise<void> {
    await this.guarded(async () => {
      this.requireGood();
      this.progress('sealing', this.plan.writtenBytes, this.plan.writtenBytes);
      const critical = this.plan.bootCritical.map(({ offsetBytes }, index) => {
        const bytes = withDelta(reader.bootCritical[index] ?? new Uint8Array(), offsetBytes, this.work.overlay);
        return { offsetBytes, bytes };
      });
      if (this.work.compareOnly) {
        for (const { bytes, offsetBytes } of [...this.looseExtents, ...critical]) {
          for (const piece of piecesOf(bytes, offsetBytes)) await this.compare(piece.bytes, piece.offsetBytes);
        }
        this.requireGood();
        return;
      }
      await this.requireStillErased(reader);
      for (const { bytes, offsetBytes } of critical) {
        try {
          await this.writeOrFail(bytes, offsetBytes);
        } catch (error) {
          // A partition table that may be wrong is worse than none.
          if (offsetBytes === 0) await this.wipeTable();
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
      void this.guarded(() => this.take(block, slot.bytes.subarray(0, this.rangeOf(block).sizeBytes)))
        .catch((error: unknown) => {
          this.crash ??= { error };
          this.dropQueue();
        })
        .finally(() => {
          this.inFlight -= 1;
          this.pool.release(slot);
          this.pump();
        });
    }
    if (!this.isIdle) return;
    this.onDrained?.();
    this.onDrained = undefined;
  }

  /** @param imageBytes aligned memory that others read too */
  private async take(block: number, imageBytes: Uint8Array): Promise<void> {
    const { offsetBytes, sizeBytes } = this.rangeOf(block);
    const bytes = withDelta(imageBytes, offsetBytes, this.work.overlay);
    if (bytes !== imageBytes) this.ownDigests.set(block, await digestOf(bytes));
    const state = this.states[block];
    if (state === BlockState.suspect) await this.rewrite(block, bytes);
    else if (this.work.compareOnly) {
      await this.compare(bytes, offsetBytes);
      this.states[block] = BlockState.verified;
    } else if (state === BlockState.claimed && (await this.isThere(bytes, offsetBytes))) {
      this.states[block] = BlockState.written;
    } else await this.write(block, bytes, bytes === imageBytes);
    this.doneBytes += sizeBytes;
    this.progress(this.work.compareOnly ? 'comparing' : 'writing', this.doneBytes, this.plan.writtenBytes);
  }

  private async write(block: number, bytes: Uint8Array, isAligned: boolean): Promise<void> {
    const { offsetBytes } = this.rangeOf(block);
    try {
      if (isAligned) await writeExactly(this.card, bytes, offsetBytes);
      else {
        await this.buffers.use(async (buffer) => {
          buffer.set(bytes);
          await writeExactly(this.card, buffer.subarray(0, bytes.length), offsetBytes);
        });
      }
      this.states[block] = BlockState.written;
    } catch (error) {
      if (!(error instanceof MediumError)) throw error;
      if (this.work.isReadOnce === true) await this.rewrite(block, bytes);
      else this.suspect([block]);
    }
  }

  private async rewrite(block: number, bytes: Uint8Array): Promise<void> {
    this.hasRewritten = true;
    const { offsetBytes } = this.rangeOf(block);
    const fault = await this.buffers.use((buffer) => writeVerified(this.card, bytes, offsetBytes, buffer, this.host));
    this.states[block] = fault === undefined ? BlockState.written : BlockState.bad;
    if (fault !== undefined) this.badRanges.push(fault);
  }

  /** Reads blocks and compares their digests. Stops when there are more wrong ones than a card may have. */
  private async compareDigests(
    blocks: readonly number[],
    reader: ImageReader,
  ): Promise<{ different: number[]; unreadable: number[]; wrapped: WrappedPlace[] }> {
    const found = { different: [] as number[], unreadable: [] as number[], wrapped: [] as WrappedPlace[] };
    const totalBytes = blocks.reduce((sum, block) => sum + this.rangeOf(block).sizeBytes, 0);
    this.doneBytes = 0;
    this.progress('reading-back', 0, totalBytes);
    const next = blocks.values();
    await allOf(CARD_DEPTH, async () => {
      for (const block of next) {
        this.host.signal.throwIfAborted();
        if (found.different.length + found.unreadable.length > MOST_SUSPECTS) return;
        await this.compareDigest(block, reader, found);
        this.doneBytes += this.rangeOf(block).sizeBytes;
        this.progress('reading-back', this.doneBytes, totalBytes);
      }
    });
    return found;
  }

  private async compareDigest(
    block: number,
    reader: ImageReader,
    found: { different: number[]; unreadable: number[]; wrapped: WrappedPlace[] },
  ): Promise<void> {
    const { offsetBytes, sizeBytes } = this.rangeOf(block);
    await this.buffers.use(async (buffer) => {
      const bytes = buffer.subarray(0, sizeBytes);
      try {
        await readExactly(this.card, bytes, offsetBytes);
      } catch (error) {
        if (!(error instanceof MediumError)) throw error;
        found.unreadable.push(block);
        return;
      }
      const digest = await digestOf(bytes);
      if (Buffer.compare(digest, this.ownDigests.get(block) ?? reader.digestOf(block)) === 0) {
        this.states[block] = BlockState.verified;
        return;
      }
      found.different.push(block);
      const other = isUniform(bytes) ? undefined : reader.blockWith(digest);
      if (other !== undefined && other !== block) {
        found.wrapped.push({ offsetBytes, belongsTo: this.rangeOf(other).offsetBytes });
      }
    });
  }

  /** Looks for the content of wrong blocks elsewhere in the image. Throws CardError `card-fake`. */
  private async requireNoWrap(blocks: readonly number[], reader: ImageReader): Promise<void> {
    for (const block of blocks.slice(0, CARD_DEPTH)) await this.requireNotOfOthers(this.rangeOf(block), reader);
  }

  private async requireNotOfOthers({ offsetBytes, sizeBytes }: ByteRange, reader: ImageReader): Promise<void> {
    const bytes = await this.buffers.use(async (buffer) => {
      const view = buffer.subarray(0, sizeBytes);
      await this.orFail({ offsetBytes, sizeBytes }, () => readExactly(this.card, view, offsetBytes));
      return Uint8Array.from(view);
    });
    this.requireNoneOf(await reader.locateSectors(bytes, offsetBytes));
  }

  private requireNoneOf(wrapped: readonly WrappedPlace[]): void {
    const error = wrapError(this.card, wrapped);
    if (error !== undefined) throw error;
  }

  /** What was erased before the first write must be so still: else something that was written elsewhere is there. */
  private async requireStillErased(reader: ImageReader): Promise<void> {
    const tail = lastBytesOf(this.card.sizeBytes, BLOCK_BYTES);
    const offsetBytes = Math.max(tail.offsetBytes, this.plan.cardSizeBytes);
    const behind = { offsetBytes, sizeBytes: endOf(tail) - offsetBytes };
    for (const range of [...this.plan.bootCritical, behind].filter(({ sizeBytes }) => sizeBytes > 0)) {
      const isErased = await this.buffers.use(async (buffer) => {
        const view = buffer.subarray(0, range.sizeBytes);
        await this.orFail(range, () => readExactly(this.card, view, range.offsetBytes));
        return isZero(view);
      });
      if (isErased) continue;
      await this.requireNotOfOthers(range, reader);
      this.badRanges.push({ ...range, reason: 'was erased, and holds something again' });
      this.requireGood();
    }
  }

  /** Writes until it is there. Throws CardError otherwise. */
  private async writeOrFail(bytes: Uint8Array, offsetBytes: number): Promise<void> {
    for (const piece of piecesOf(bytes, offsetBytes)) {
      const fault = await this.buffers.use((buffer) =>
        writeVerified(this.card, piece.bytes, piece.offsetBytes, buffer, this.host),
      );
      if (fault !== undefined) this.badRanges.push(fault);
      this.requireGood();
    }
  }

  private async isThere(bytes: Uint8Array, offsetBytes: number): Promise<boolean> {
    return this.buffers.use(async (buffer) => {
      const found = buffer.subarray(0, bytes.length);
      try {
        await readExactly(this.card, found, offsetBytes);
      } catch (error) {
        if (!(error instanceof MediumError)) throw error;
        return false;
      }
      return Buffer.compare(found, bytes) === 0;
    });
  }

  private async compare(bytes: Uint8Array, offsetBytes: number): Promise<void> {
    await this.buffers.use(async (buffer) => {
      const found = buffer.subarray(0, bytes.length);
      try {
        await readExactly(this.card, found, offsetBytes);
        const difference = differenceOf(bytes, found, offsetBytes);
        if (difference !== undefined) this.badRanges.push({ ...difference, reason: 'differs from the image' });
      } catch (error) {
        if (!(error instanceof MediumError)) throw error;
        this.badRanges.push({ offsetBytes, sizeBytes: bytes.length, reason: error.reason });
      }
    });
  }

  private async wipeTable(): Promise<void> {
    await this.buffers.use(async (buffer) => {
      try {
        await writeExactly(this.card, buffer.subarray(0, 4096).fill(0), 0);
        await settle(this.card);
      } catch {
        // The error that led here is the one to report.
      }
    });
  }

  private record(wrong: readonly number[], isLast: boolean): void {
    if (!isLast) {
      this.suspect(wrong);
      return;
    }
    for (const block of wrong) {
      this.states[block] = BlockState.bad;
      const reason =
        this.work.isReadOnce === true
          ? 'came back different, and the image cannot be read a second time'
          : 'was right, and came back different later';
      this.badRanges.push({ ...this.rangeOf(block), reason });
    }
    this.requireGood();
  }

  private suspect(blocks: readonly number[]): void {
    for (const block of blocks) this.states[block] = BlockState.suspect;
    const suspects = this.blocksIn(BlockState.suspect);
    if (suspects.length <= MOST_SUSPECTS) return;
    throw cardError(
      'card-unwritable',
      `${this.card.path} is broken: more than ${MOST_SUSPECTS} places could not be written or came back different`,
      suspects.map((block) => ({ ...this.rangeOf(block), reason: 'could not be written, or came back different' })),
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

  /** Where one bad place is enough to give up. */
  private async orFail(range: ByteRange, action: () => Promise<void>): Promise<void> {
    try {
      await action();
    } catch (error) {
      if (!(error instanceof MediumError)) throw error;
      const { reason } = error;
      throw cardError('card-unwritable', `${this.card.path} cannot be written`, [{ ...range, reason }]);
    }
  }

  /** Records a CardError as this card's failure; everything else goes on. */
  private async guarded(action: () => Promise<void>): Promise<void> {
    if (this.failure !== undefined) return;
    try {
      await action();
    } catch (error) {
      if (!(error instanceof CardError)) throw error;
      this.failure ??= error;
      this.dropQueue();
      // Its beginning may hold what was written anywhere.
      if (error.failure.code === 'card-fake' && !this.work.compareOnly) await this.wipeTable();
    }
  }

  private dropQueue(): void {
    for (const { slot } of this.queue.splice(0)) this.pool.release(slot);
  }

  private blocksIn(...states: readonly number[]): readonly number[] {
    return [...this.states.keys()].filter((block) => states.includes(this.states[block] ?? 0));
  }

  private rangeOf(block: number): ByteRange {
    const range = this.plan.blocks[block];
    if (range === undefined) throw new RangeError(`the plan has no block ${block}`);
    return range;
  }

  private progress(phase: CardPhase, doneBytes: number, knownBytes: number): void {
    const totalBytes = this.plan.openEnd === undefined ? knownBytes : 0;
    this.work.onProgress({ phase, doneBytes: Math.min(doneBytes, knownBytes), totalBytes });
  }
}

async function allOf(count: number, worker: () => Promise<void>): Promise<void> {
  const results = await Promise.allSettled(Array.from({ length: count }, worker));
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}
