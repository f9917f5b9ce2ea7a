import { createHash } from 'node:crypto';
import type { BlockMap } from '../formats/bmap.js';
import { IntegrityError } from '../errors.js';

/** What an image must hash to, and who says so. */
export type ExpectedDigest = {
  /** Hex, lower case. */
  readonly sha256: string;
  /** `file`: as it lies there; `image`: what is packed in it; `either`: a person gave it and did not say. */
  readonly of: 'file' | 'image' | 'either';
  /** For messages: "--sha256", "SHA256SUMS". */
  readonly from: string;
};

/** Digests of an image that are taken while it goes by: of the file, of its content, of each range of a block map. */
export class ImageDigests {
  private readonly file = createHash('sha256');
  private readonly image = createHash('sha256');
  private readonly ranges: RangeDigests | undefined;

  constructor(
    private readonly path: string,
    private readonly isPacked: boolean,
    private readonly expected: readonly ExpectedDigest[],
    map: BlockMap | undefined,
  ) {
    this.ranges = map === undefined ? undefined : new RangeDigests(path, map);
  }

  readonly onFileBytes = (bytes: Uint8Array): void => {
    this.file.update(bytes);
  };

  /** The image's bytes in order, none left out. Throws IntegrityError `bmap-mismatch`. */
  update(bytes: Uint8Array): void {
    this.image.update(bytes);
    this.ranges?.update(bytes);
  }

  /** @returns sha256 of the image. Throws IntegrityError `image-digest-mismatch`. */
  finish(): string {
    this.ranges?.finish();
    const image = this.image.digest('hex');
    const file = this.isPacked ? this.file.digest('hex') : image;
    for (const { sha256, of, from } of this.expected) {
      const found = of === 'file' ? [file] : of === 'image' ? [image] : [file, image];
      if (found.includes(sha256)) continue;
      throw new IntegrityError('image-digest-mismatch', `${this.path} is not the image that ${from} names`, {
        details: [`expected sha256 ${sha256}`, ...new Set(found.map((digest) => `found    sha256 ${digest}`))],
        hints: ['It was changed or damaged on its way: fetch it again.'],
      });
    }
    return image;
  }
}

class RangeDigests {
  private position = 0;
  private next = 0;
  private hash;

  constructor(
    private readonly path: string,
    private readonly map: BlockMap,
  ) {
    this.hash = createHash(map.digestType);
  }

  update(bytes: Uint8Array): void {
    const { blockSizeBytes, imageSizeBytes, ranges, digestType } = this.map;
    const end = this.position + bytes.length;
    for (;;) {
      const range = ranges[this.next];
      if (range === undefined) break;
      const from = range.firstBlock * blockSizeBytes;
      const until = Math.min((range.lastBlock + 1) * blockSizeBytes, imageSizeBytes);
      if (from >= end) break;
      this.hash.update(bytes.subarray(Math.max(0, from - this.position), Math.min(until, end) - this.position));
      if (until > end) break;
      const found = this.hash.digest('hex');
      if (range.digest !== undefined && found !== range.digest) {
        throw new IntegrityError('bmap-mismatch', `${this.path} and its block map do not belong together`, {
          details: [
            `bytes ${from} to ${until - 1}: expected ${digestType} ${range.digest}`,
            `found ${digestType} ${found}`,
          ],
          hints: ['One of them was changed. Take both from where they were made, or write all of it: --all-blocks'],
        });
      }
      this.hash = createHash(digestType);
      this.next += 1;
    }
    this.position = end;
  }

  finish(): void {
    if (this.position === this.map.imageSizeBytes) return;
    throw new IntegrityError('bmap-mismatch', `${this.path} and its block map do not belong together`, {
      details: [`the image has ${this.position} bytes, the map says ${this.map.imageSizeBytes}`],
      hints: ['Take both from where they were made, or write all of it: --all-blocks'],
    });
  }
}
