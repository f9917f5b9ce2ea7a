import { describe, expect, it } from 'vitest';
import { InterruptedError } from '../../../src/errors.js';
import { MiB } from '../../../src/model/bytes.js';
import type { CardJob } from '../../../src/write/device-writer.js';
import { writeCards } from '../../../src/write/device-writer.js';
import { ImageDigests } from '../../../src/write/image-digests.js';
import { createFakeHost } from '../../helpers/fake-host.js';
import { errno, memoryCard, type MemoryCard } from '../../helpers/memory-card.js';
import { memoryImage } from '../../helpers/memory-image.js';

const IMAGE_BYTES = 6 * MiB;
const CARD_BYTES = 16 * MiB;
const image = memoryImage(IMAGE_BYTES);

function jobOf(card: MemoryCard, onProgress: CardJob['onProgress'] = () => undefined): CardJob {
  return { card, onProgress };
}

async function write(
  cards: readonly (MemoryCard | CardJob)[],
  { compareOnly = false, host = createFakeHost(), source = image.source } = {},
) {
  const jobs = cards.map((card) => ('card' in card ? card : jobOf(card)));
  const digests = new ImageDigests('memory.img', false, [], undefined);
  return writeCards({ source, plan: image.plan, digests, cards: jobs, compareOnly }, host);
}

describe('writeCards', () => {
  it('writes the partition table last, and nothing before it is everything read back', async () => {
    const card = memoryCard(CARD_BYTES);
    const result = await write([card]);
    expect(result.cards[0]?.failure).toBeUndefined();
    expect(card.bytes.subarray(0, IMAGE_BYTES).equals(image.bytes)).toBe(true);
    expect(card.writes.at(-1)).toEqual({ offsetBytes: 0, sizeBytes: 4096 });
    expect(card.writes.at(-2)).toEqual({ offsetBytes: MiB, sizeBytes: 4096 });
  });

  it('leaves zeros at the end of a card whose size is no multiple of 4096', async () => {
    const card = memoryCard(CARD_BYTES + 512);
    expect((await write([card])).cards[0]?.failure).toBeUndefined();
    expect(card.bytes.subarray(-MiB + 4096).every((byte) => byte === 0)).toBe(true);
  });

  it('writes a card of exactly the size of the image', async () => {
    const card = memoryCard(IMAGE_BYTES);
    expect((await write([card])).cards[0]?.failure).toBeUndefined();
    expect(card.bytes.equals(image.bytes)).toBe(true);
  });

  it('names a bug as a bug, with its stack, also when it happens while blocks are written', async () => {
    const bug = new TypeError('Cannot read properties of undefined');
    for (const phase of ['preparing', 'writing', 'reading-back', 'sealing']) {
      const good = memoryCard(CARD_BYTES);
      const job = jobOf(memoryCard(CARD_BYTES), (progress) => {
        if (progress.phase === phase) throw bug;
      });
      await expect(write([job, good]), phase).rejects.toBe(bug);
    }
  });

  it('does not take an error of Node for one of the card', async () => {
    const misuse = Object.assign(new RangeError('out of range'), { code: 'ERR_OUT_OF_RANGE' });
    const unaligned = errno('EINVAL');
    for (const error of [misuse, unaligned]) {
      const card = memoryCard(CARD_BYTES, {
        onWrite: () => {
          throw error;
        },
      });
      await expect(write([card])).rejects.toBe(error);
    }
  });

  it('is interrupted by Ctrl-C, whatever fails in consequence', async () => {
    const stop = new AbortController();
    const host = { ...createFakeHost(), signal: stop.signal };
    const card = memoryCard(CARD_BYTES, {
      onWrite: (offsetBytes) => {
        if (offsetBytes < 3 * MiB || offsetBytes >= IMAGE_BYTES) return;
        stop.abort(new InterruptedError('SIGINT'));
        throw errno('EIO');
      },
    });
    await expect(write([card], { host })).rejects.toBeInstanceOf(InterruptedError);
    expect(card.bytes.subarray(0, 4096).every((byte) => byte === 0)).toBe(true);
  });

  it.each([
    ['EIO', 'card-read-back-differs'],
    ['EREMOTEIO', 'card-read-back-differs'],
    ['ENOSPC', 'card-full'],
    ['ENOMEDIUM', 'card-gone'],
    ['ENODEV', 'card-gone'],
    ['ENXIO', 'card-gone'],
    ['EROFS', 'card-unwritable'],
  ])('reports %s of one place as %s, and finishes the other card', async (code, failure) => {
    const good = memoryCard(CARD_BYTES);
    const bad = memoryCard(CARD_BYTES, {
      onWrite: (offsetBytes) => {
        if (offsetBytes >= 3 * MiB && offsetBytes < IMAGE_BYTES) throw errno(code);
      },
    });
    const { cards } = await write([bad, good]);
    expect(cards[0]?.failure?.code).toBe(failure);
    expect(bad.bytes.subarray(0, 4096).every((byte) => byte === 0)).toBe(true);
    expect(cards[1]?.failure).toBeUndefined();
    expect(good.bytes.subarray(0, IMAGE_BYTES).equals(image.bytes)).toBe(true);
  });

  it('writes again what failed once', async () => {
    let failures = 0;
    const card = memoryCard(CARD_BYTES, {
      onWrite: (offsetBytes) => {
        if (offsetBytes === 2 * MiB && failures++ < 1) throw errno('EIO');
      },
    });
    expect((await write([card])).cards[0]?.failure).toBeUndefined();
    expect(card.bytes.subarray(0, IMAGE_BYTES).equals(image.bytes)).toBe(true);
  });

  it('reads everything once more when something came back different and was written again', async () => {
    let hasFlipped = false;
    let reads = 0;
    const card: MemoryCard = memoryCard(CARD_BYTES, {
      onRead: (offsetBytes) => {
        if (offsetBytes === 4 * MiB) reads += 1;
        if (offsetBytes !== 2 * MiB || hasFlipped) return;
        hasFlipped = true;
        card.bytes.writeUInt8((card.bytes[2 * MiB] ?? 0) ^ 1, 2 * MiB);
      },
    });
    expect((await write([card])).cards[0]?.failure).toBeUndefined();
    expect(card.bytes.subarray(0, IMAGE_BYTES).equals(image.bytes)).toBe(true);
    expect(reads).toBe(2);
  });

  it('gives up a card whose places change after they were right', async () => {
    const reads = new Map<number, number>();
    const card: MemoryCard = memoryCard(CARD_BYTES, {
      onRead: (offsetBytes) => {
        const nth = (reads.get(offsetBytes) ?? 0) + 1;
        reads.set(offsetBytes, nth);
        const isChange = (offsetBytes === 2 * MiB && nth === 1) || (offsetBytes === 4 * MiB && nth === 2);
        if (isChange) card.bytes.writeUInt8((card.bytes[offsetBytes] ?? 0) ^ 1, offsetBytes);
      },
    });
    const { failure } = (await write([card])).cards[0] ?? {};
    expect(failure?.code).toBe('card-read-back-differs');
    expect(failure?.badRanges.map(({ offsetBytes }) => offsetBytes)).toContain(4 * MiB);
  });

  it('compares without a single write, and names what differs', async () => {
    const card = memoryCard(CARD_BYTES);
    image.bytes.copy(card.bytes);
    expect((await write([card], { compareOnly: true })).cards[0]?.failure).toBeUndefined();
    card.bytes.writeUInt8((card.bytes[3 * MiB + 1000] ?? 0) ^ 1, 3 * MiB + 1000);
    const { cards } = await write([card], { compareOnly: true });
    expect(cards[0]?.failure?.code).toBe('card-differs');
    expect(cards[0]?.failure?.badRanges).toMatchObject([{ offsetBytes: 3 * MiB + 512, sizeBytes: 512 }]);
    expect(card.writes).toEqual([]);
  });

  it('does not let a slow card hold up the other one for ever', async () => {
    const slow = memoryCard(CARD_BYTES, { onWrite: () => new Promise((resolve) => setTimeout(resolve, 20)) });
    const good = memoryCard(CARD_BYTES);
    const { cards } = await write([slow, good]);
    expect(cards.map((card) => card.failure)).toEqual([undefined, undefined]);
    expect(slow.bytes.subarray(0, IMAGE_BYTES).equals(image.bytes)).toBe(true);
  });
});

describe('a fake card', () => {
  it.each([2, 3, 4, 5])('whose addresses wrap at %d MiB within the image is named', async (mebibytes) => {
    const card = memoryCard(CARD_BYTES, { wrapBytes: mebibytes * MiB });
    const { failure } = (await write([card])).cards[0] ?? {};
    expect(failure?.code).toBe('card-fake');
    expect(failure?.message).toContain(`addresses wrap at ${mebibytes * MiB} bytes`);
    expect(card.bytes.subarray(0, 512).every((byte) => byte === 0)).toBe(true);
  });

  it('whose addresses wrap in the middle of a block is named', async () => {
    const wrapBytes = 3 * MiB + 37 * 512;
    const { failure } = (await write([memoryCard(CARD_BYTES, { wrapBytes })])).cards[0] ?? {};
    expect(failure?.code).toBe('card-fake');
    expect(failure?.message).toContain(`addresses wrap at ${wrapBytes} bytes`);
  });

  it('whose addresses wrap behind the image is found before anything is written', async () => {
    const card = memoryCard(64 * MiB, { wrapBytes: 8 * MiB });
    const { failure } = (await write([card])).cards[0] ?? {};
    expect(failure?.code).toBe('card-fake');
    expect(failure?.message).toContain(`addresses wrap at ${8 * MiB} bytes`);
    expect(card.writes.some(({ offsetBytes }) => offsetBytes === 2 * MiB)).toBe(false);
  });

  it('that keeps nothing behind the image is found', async () => {
    const { failure } = (await write([memoryCard(CARD_BYTES, { keptBytes: 8 * MiB })])).cards[0] ?? {};
    expect(failure?.code).toBe('card-fake');
  });

  it('that loses what is beyond a place in the image is found', async () => {
    const card = memoryCard(IMAGE_BYTES, { keptBytes: 4 * MiB });
    const { failure } = (await write([card])).cards[0] ?? {};
    expect(failure?.code).toBe('card-read-back-differs');
    expect(failure?.badRanges[0]?.offsetBytes).toBe(4 * MiB);
  });

  it('is not what a card is called that keeps its old content', async () => {
    const card = memoryCard(IMAGE_BYTES);
    const old = Buffer.concat([image.bytes.subarray(4096), Buffer.alloc(4096)]);
    old.copy(card.bytes);
    card.handle.write = ((bytes: Uint8Array) =>
      Promise.resolve({ bytesWritten: bytes.length, buffer: bytes })) as never;
    const { failure } = (await write([card])).cards[0] ?? {};
    expect(failure?.code).not.toBe('card-fake');
    expect(failure).toBeDefined();
  });
});
