import type { Hash } from 'node:crypto';
import { createHash } from 'node:crypto';
import type { DigestType } from '../formats/checksum-list.js';
import type { BlockMap } from '../formats/bmap.js';
import { IntegrityError } from '../errors.js';

/** What an image must hash to, and who says so. */
export type ExpectedDigest = {
  readonly type: DigestType;
  /** Lower case. */
  readonly hex: string;
  /** `file`: as it lies there; `image`: what is packed in it; `either`: a user gave it and did not say. */
  readonly of: 'file' | 'image' | 'either';
  /** For messages: "--sha256", "SHA256SUMS". */
  readonly from: string;
};

/** Digests of an image that are taken while it goes by: of the file, of its content, of each range of a block map. */
export class ImageDigests {
  private readonly file: DigestSet;
  private readonly image: DigestSet;
  private readonly ranges: RangeDigests | undefined;

  constructor(
    private readonly path: string,
    isPacked: boolean,
    private readonly expected: readonly ExpectedDigest[],
    map: BlockMap | undefined,
  ) {
    const types = new Set<DigestType>(['sha256', ...expected.map(({ type }) => type)]);
    this.image = new DigestSet(types);
    this.file = isPacked ? new DigestSet(types) : this.image;
    this.ranges = map === undefined ? undefined : new RangeDigests(path, map);
  }

  readonly onFileBytes = (bytes: Uint8Array): void => {
    if (this.file !== this.image) this.file.update(bytes);
  };

  /** The image's bytes in order, none left out. Throws IntegrityError `bmap-mismatch`. */
  update(bytes: Uint8Array): void {
    this.image.update(bytes);
    this.ranges?.update(bytes);
  }

  /** @returns sha256 of the image. Throws IntegrityError `image-digest-mismatch`. */
  finish(): string {
    this.ranges?.finish();
    for (const { type, hex, of, from } of this.expected) {
      const [file, image] = [this.file.hex(type), this.image.hex(type)];
      const found = of === 'file' ? [file] : of === 'image' ? [image] : [file, image];
      if (found.includes(hex)) continue;
      throw new IntegrityError('image-digest-mismatch', `${this.path} is not the image that ${from} names`, {
        details: [`expected ${type} ${hex}`, ...new Set(found.map((digest) => `found    ${type} ${digest}`))],
        hints: ['It was changed or damaged on its way: fetch it again.'],
      });
    }
    return this.image.hex('sha256');
  }
}

/** Digests of several types of the same bytes. */
class DigestSet {
  private readonly hashes: ReadonlyMap<DigestType, Hash>;
  private readonly done = new Map<DigestType, string>();

  constructor(types: Iterable<DigestType>) {
    this.hashes = new Map([...types].map((type) => [type, createHash(type)]));
  }

  update(bytes: Uint8Array): void {
    for (const hash of this.hashes.values()) hash.update(bytes);
  }

  /** Ends it: nothing may come afterwards. */
  hex(type: DigestType): string {
    const digest = this.done.get(type) ?? this.hashes.get(type)?.digest('hex');
    if (digest === undefined) throw new RangeError(`no ${type} was taken`);
    this.done.set(type, digest);
    return digest;
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
