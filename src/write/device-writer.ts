import type { ImageDelta } from '../formats/delta/image-delta.js';
import type { WritePlan } from './write-plan.js';
import { BLOCK_BYTES } from './write-plan.js';
import type { Host } from '../host/host.js';
import type { BlockConsumer } from './image-reader.js';
import { ImageReader } from './image-reader.js';
import type { CardFailure, CardIo } from './card-io.js';
import type { CardProgress } from './card-writer.js';
import { BlockState } from './block-state.js';
import { CARD_DEPTH, CardWriter } from './card-writer.js';
import type { Checkpoint } from './checkpoint.js';
import type { ImageDigests } from './image-digests.js';
import { alignedBuffers } from '../model/aligned-buffers.js';
import { SharedBufferPool, BufferPool } from './buffer-pools.js';
import type { DiskImage } from '../images/disk-image.js';

export type { CardFailure, CardIo } from './card-io.js';
export type { CardProgress } from './card-writer.js';

/** An open card and what it is to get. */
export type CardJob = {
  readonly card: CardIo;
  /** The card's own bytes, over those of the image. */
  readonly overlay?: ImageDelta;
  readonly checkpoint?: Checkpoint;
  readonly onProgress: (progress: CardProgress) => void;
  /** Called as soon as this card is done, whatever the others do. */
  readonly onEnd?: (outcome: CardOutcome, imageSha256: string) => Promise<void>;
};

export type CardOutcome = {
  readonly path: string;
  /** Undefined: every byte of it was read back and is right. */
  readonly failure?: CardFailure;
  /** Found there already by a resumed run. */
  readonly resumedBytes: number;
  readonly durationMs: number;
};

export type CardsToWrite = {
  readonly source: DiskImage;
  readonly plan: WritePlan;
  /** Fresh ones: they are used up. */
  readonly digests: ImageDigests;
  readonly cards: readonly CardJob[];
  /** Write nothing, only compare. */
  readonly compareOnly: boolean;
};

/** What is read ahead for all cards together. */
const SHARED_SLOTS = 6;
/** How far a card may fall behind the others before they have to wait for it. */
const SLOTS_A_CARD = 5;
/** So long in all may one card keep the others waiting; then they go on without it, and it gets a reading of its own. */
const PATIENCE_MS = 10_000;
const WATCH_EVERY_MS = 250;
const CHECKPOINT_EVERY_MS = 2_000;

/**
 * Writes an image to cards: read once for all of them, every byte read back, the partition table last. A card that
 * fails does not disturb the others; a slow one keeps them waiting for seconds at most. Throws what is wrong with the
 * image (see ImageReader) and InterruptedError; then no card has a partition table.
 *
 * @returns how it went, in the order of the cards
 */
export async function writeCards(
  work: CardsToWrite,
  host: Host,
): Promise<{
  readonly sha256: string;
  /** With the size that the image turned out to have. */
  readonly plan: WritePlan;
  readonly cards: readonly CardOutcome[];
}> {
  const { plan, cards } = work;
  const memory = alignedBuffers(SHARED_SLOTS + cards.length * (SLOTS_A_CARD + CARD_DEPTH), BLOCK_BYTES);
  const slots = SHARED_SLOTS + cards.length * SLOTS_A_CARD;
  const pool = new SharedBufferPool(memory.slice(0, slots));
  const reader = new ImageReader(work.source, plan, pool, host);
  const started = performance.now();
  const outcomes: CardOutcome[] = [];
  let sha256 = '';
  const running = cards.map((job, index): RunningCard => {
    const from = slots + index * CARD_DEPTH;
    const buffers = new BufferPool(memory.slice(from, from + CARD_DEPTH));
    const { card, onProgress, overlay } = job;
    const isReadOnce = work.source.isReadOnce === true;
    const options = {
      compareOnly: work.compareOnly,
      isReadOnce,
      onProgress,
      ...(overlay === undefined ? {} : { overlay }),
    };
    return { job, index, writer: new CardWriter(card, plan, buffers, pool, options, host), resumedBytes: 0 };
  });
  const end = async ({ job, index, writer, resumedBytes }: RunningCard): Promise<void> => {
    host.signal.throwIfAborted();
    const outcome: CardOutcome = {
      path: job.card.path,
      ...(writer.failure === undefined ? {} : { failure: writer.failure.failure }),
      resumedBytes,
      durationMs: Math.round(performance.now() - started),
    };
    outcomes[index] = outcome;
    if (outcome.failure === undefined) await job.checkpoint?.remove();
    await job.onEnd?.(outcome, sha256);
  };

  await allSettledOrThrow(
    running.map((card) => prepare(card, plan)),
    host,
  );
  host.signal.throwIfAborted();
  const saving = saveCheckpoints(running, work.compareOnly);
  try {
    let active = running;
    for (let round = 0; active.length > 0; round += 1) {
      const reading = read(
        active.map(({ writer }) => writer),
        pool,
        async (consumer) => {
          if (round === 0) sha256 = await reader.readAll(consumer, work.digests);
          else await reader.readAgain(consumer);
        },
        // Nobody who is left behind can catch up.
        work.source.isReadOnce === true ? Number.POSITIVE_INFINITY : PATIENCE_MS,
      );
      const ends = active.map(async (card) => {
        const { writer } = card;
        if (!(await reading.given(writer))) return;
        if (!writer.needsReading) await writer.readBack(reader);
        if (writer.needsReading) return;
        // Only a whole image, known to be the right one, gets a partition table.
        await reading.done;
        await writer.finalise(reader);
        await end(card);
      });
      await allSettledOrThrow([reading.done, ...ends], host);
      active = active.filter(({ writer }) => writer.needsReading);
    }
    return { sha256, plan: reader.knownPlan, cards: outcomes };
  } finally {
    await saving.stop();
  }
}

type RunningCard = {
  readonly job: CardJob;
  readonly index: number;
  readonly writer: CardWriter;
  resumedBytes: number;
};

async function prepare(card: RunningCard, plan: WritePlan): Promise<void> {
  const { writer, job } = card;
  const claimed = (await job.checkpoint?.load()) ?? [];
  for (const block of claimed) {
    writer.states[block] = BlockState.claimed;
    card.resumedBytes += plan.blocks[block]?.sizeBytes ?? 0;
  }
  await writer.prepare();
}

type Reading = {
  /** Resolves when the image was read to its end. */
  readonly done: Promise<void>;
  /**
   * Resolves when this card has dealt with all it was given, and is given no more of this reading; to false when the
   * image turned out to be wrong.
   */
  given(writer: CardWriter): Promise<boolean>;
};

/** One reading of the image for all cards that need one. */
function read(
  writers: readonly CardWriter[],
  pool: SharedBufferPool,
  body: (consumer: BlockConsumer) => Promise<void>,
  patienceMs: number,
): Reading {
  for (const writer of writers) writer.join();
  const waitedMs = new Map(writers.map((writer) => [writer, 0]));
  const detached = new Map(writers.map((writer) => [writer, deferred()]));
  const watch = setInterval(() => {
    const slowest = slowestOf(writers, pool);
    if (slowest === undefined) return;
    const waited = (waitedMs.get(slowest) ?? 0) + WATCH_EVERY_MS;
    waitedMs.set(slowest, waited);
    if (waited < patienceMs) return;
    slowest.detach();
    detached.get(slowest)?.resolve();
  }, WATCH_EVERY_MS);
  const consumer: BlockConsumer = {
    isListening: () => {
      const crash = writers.find((writer) => writer.crash !== undefined)?.crash;
      if (crash !== undefined) throw crash.error;
      return writers.some((writer) => writer.failure === undefined);
    },
    wants: (block) => writers.some((writer) => writer.wants(block)),
    give: (block, slot) => {
      for (const writer of writers) if (writer.wants(block)) writer.give(block, slot);
    },
    close: (plan) => {
      for (const writer of writers) writer.close(plan);
    },
  };
  const done = body(consumer).finally(() => {
    clearInterval(watch);
  });
  // Each card waits for it too; alone it must not count as unhandled.
  done.catch(() => undefined);
  return {
    done,
    given: async (writer) => {
      const isGood = await Promise.race([done, detached.get(writer)?.promise]).then(
        () => true,
        () => false,
      );
      await writer.drain();
      return isGood;
    },
  };
}

/** The card that all wait for, when others have nothing to do. */
function slowestOf(writers: readonly CardWriter[], pool: SharedBufferPool): CardWriter | undefined {
  if (!pool.isWaitedFor) return undefined;
  const alive = writers.filter(({ failure }) => failure === undefined);
  if (!alive.some(({ isIdle }) => isIdle)) return undefined;
  return alive.filter(({ isIdle }) => !isIdle).sort((a, b) => b.backlog - a.backlog)[0];
}

/** Keeps the checkpoints up to date; a full disk there is no reason to stop writing cards. */
function saveCheckpoints(cards: readonly RunningCard[], compareOnly: boolean): { stop(): Promise<void> } {
  let saving = Promise.resolve();
  const save = (): void => {
    saving = saving.then(async () => {
      for (const { job, writer } of cards) {
        if (compareOnly || writer.states.every((state) => state === BlockState.verified)) continue;
        await job.checkpoint?.save(writer.states).catch(() => undefined);
      }
    });
  };
  const timer = setInterval(save, CHECKPOINT_EVERY_MS);
  return {
    stop: async () => {
      clearInterval(timer);
      save();
      await saving;
    },
  };
}

/** Waits for all, so that nothing goes on in the background; then Ctrl-C counts before what else went wrong. */
async function allSettledOrThrow(work: readonly Promise<void>[], host: Host): Promise<void> {
  const results = await Promise.allSettled(work);
  host.signal.throwIfAborted();
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

/** Promise.withResolvers is not in Node 20. */
function deferred(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((onResolve) => (resolve = onResolve));
  return { promise, resolve };
}
