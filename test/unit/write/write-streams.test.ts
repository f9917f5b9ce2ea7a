import { describe, expect, it } from 'vitest';
import { KiB, MiB } from '../../../src/model/bytes.js';
import type { DiskImage } from '../../../src/images/disk-image.js';
import type { CardProgress } from '../../../src/write/device-writer.js';
import { writeCards } from '../../../src/write/device-writer.js';
import { ImageDigests } from '../../../src/write/image-digests.js';
import { planOpenWrite } from '../../../src/write/write-plan.js';
import { createFakeHost } from '../../helpers/fake-host.js';
import { errno, memoryCard, type MemoryCard } from '../../helpers/memory-card.js';
import { memoryImage } from '../../helpers/memory-image.js';

const CARD_BYTES = 16 * MiB;

/** An image that comes through a pipe; a second reading of it is a bug. */
function piped(bytes: Buffer): DiskImage {
  let readings = 0;
  return {
    name: 'standard input',
    path: 'standard input',
    isDrive: false,
    compression: 'none',
    fileSizeBytes: 0,
    isReadOnce: true,
    // eslint-disable-next-line @typescript-eslint/require-await
    async *stream() {
      readings += 1;
      if (readings > 1) throw new TypeError('read twice');
      for (let at = 0; at < bytes.length; at += 100_000) yield bytes.subarray(at, at + 100_000);
    },
    fileBytes: () => {
      throw new TypeError('not asked for');
    },
    close: () => Promise.resolve(),
  };
}

type Options = {
  readonly cut?: number;
  readonly more?: number;
  readonly compareOnly?: boolean;
  readonly onProgress?: (progress: CardProgress) => void;
};

async function write(imageBytes: number, cards: readonly MemoryCard[], options: Options = {}) {
  const { bytes: whole } = memoryImage(imageBytes);
  const bytes = Buffer.concat([whole.subarray(0, options.cut), Buffer.alloc(options.more ?? 0, 7)]);
  const plan = planOpenWrite({
    mostBytes: Math.min(...cards.map(({ sizeBytes }) => sizeBytes)),
    neededBytes: imageBytes,
    sectorSizeBytes: 512,
    partitions: [{ type: 0x0c, offsetBytes: MiB }],
  });
  const jobs = cards.map((card) => ({ card, onProgress: options.onProgress ?? (() => undefined) }));
  const digests = new ImageDigests('standard input', false, [], undefined);
  const { compareOnly = false } = options;
  const result = await writeCards({ source: piped(bytes), plan, digests, cards: jobs, compareOnly }, createFakeHost());
  return { ...result, bytes };
}

describe('an image of unknown size', () => {
  it.each([6 * MiB, 6 * MiB + 512, 6 * MiB + 300 * KiB, CARD_BYTES, 2 * MiB - 512])(
    'of %i bytes is written to its end, and no further',
    async (sizeBytes) => {
      const cards = [memoryCard(CARD_BYTES), memoryCard(CARD_BYTES + MiB)];
      const { bytes, plan, cards: outcomes } = await write(sizeBytes, cards);
      expect(outcomes.map(({ failure }) => failure)).toEqual([undefined, undefined]);
      for (const card of cards) expect(card.bytes.subarray(0, sizeBytes).equals(bytes)).toBe(true);
      expect(plan.imageSizeBytes).toBe(sizeBytes);
      expect(plan.writtenBytes).toBe(sizeBytes);
      expect(cards[0]?.writes.at(-1)).toEqual({ offsetBytes: 0, sizeBytes: 4096 });
    },
  );

  it('may have more than its partitions, also what fills no sector', async () => {
    const card = memoryCard(CARD_BYTES);
    const { bytes, plan } = await write(6 * MiB, [card], { more: MiB + 700 });
    expect(card.bytes.subarray(0, bytes.length).equals(bytes)).toBe(true);
    expect(plan).toMatchObject({ imageSizeBytes: bytes.length, cardSizeBytes: 7 * MiB + 1024 });
    expect(card.bytes.subarray(bytes.length, 7 * MiB + 1024).every((byte) => byte === 0)).toBe(true);
  });

  it.each([6 * MiB - 1, 3 * MiB, MiB + 100, 4096])(
    'that ends after %i bytes leaves no partition table',
    async (cut) => {
      const card = memoryCard(CARD_BYTES);
      await expect(write(6 * MiB, [card], { cut })).rejects.toMatchObject({ code: 'image-truncated' });
      expect(card.bytes.subarray(0, 4096).every((byte) => byte === 0)).toBe(true);
    },
  );

  it('that is larger than the smallest card leaves no partition table on any', async () => {
    const cards = [memoryCard(CARD_BYTES), memoryCard(2 * CARD_BYTES)];
    const writing = write(6 * MiB, cards, { more: CARD_BYTES });
    await expect(writing).rejects.toMatchObject({ code: 'image-too-large' });
    for (const { bytes } of cards) expect(bytes.subarray(0, 4096).every((byte) => byte === 0)).toBe(true);
  });

  it('shows how much of it came, and a total only once that is known', async () => {
    const seen: CardProgress[] = [];
    await write(6 * MiB, [memoryCard(CARD_BYTES)], { onProgress: (progress) => seen.push(progress) });
    const totals = new Set(seen.filter(({ phase }) => phase === 'writing').map(({ totalBytes }) => totalBytes));
    expect([...totals].every((total) => total === 0 || total === 6 * MiB)).toBe(true);
    expect(totals).toContain(0);
    expect(seen.find(({ phase }) => phase === 'reading-back')?.totalBytes).toBeGreaterThan(0);
  });

  it('is compared with a card to its end', async () => {
    const card = memoryCard(CARD_BYTES);
    card.bytes.fill(0x55);
    const { cards } = await write(6 * MiB, [card], { compareOnly: true });
    expect(cards[0]?.failure?.code).toBe('card-differs');
  });
});

describe('an image that comes once', () => {
  it('is written again at once where the card refused it for a moment', async () => {
    let refusals = 2;
    const card = memoryCard(CARD_BYTES, {
      onWrite: (offsetBytes, sizeBytes) => {
        if (offsetBytes !== 3 * MiB || sizeBytes < MiB || refusals === 0) return;
        refusals -= 1;
        throw errno('EIO');
      },
    });
    const { cards, bytes } = await write(6 * MiB, [card]);
    expect(cards[0]?.failure).toBeUndefined();
    expect(card.bytes.subarray(0, bytes.length).equals(bytes)).toBe(true);
  });

  it('fails on a card that does not keep a byte, and is good on the other', async () => {
    const bad: MemoryCard = memoryCard(CARD_BYTES, {
      onRead: (offsetBytes) => {
        if (offsetBytes === 3 * MiB) bad.bytes[3 * MiB + 5] = (bad.bytes[3 * MiB + 5] ?? 0) ^ 1;
      },
    });
    const good = memoryCard(CARD_BYTES);
    const { cards } = await write(6 * MiB, [bad, good]);
    expect(cards[0]?.failure?.code).toBe('card-read-back-differs');
    expect(cards[0]?.failure?.badRanges[0]).toMatchObject({ offsetBytes: 3 * MiB });
    expect(cards[1]?.failure).toBeUndefined();
    expect(bad.bytes.subarray(0, 512).every((byte) => byte === 0)).toBe(true);
  });

  it('finds a card that wraps its addresses', async () => {
    const { cards } = await write(6 * MiB, [memoryCard(CARD_BYTES, { wrapBytes: 4 * MiB })]);
    expect(cards[0]?.failure?.code).toBe('card-fake');
  });
});
