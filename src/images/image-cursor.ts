import type { DiskImage } from './disk-image.js';

/** Reads an image from its beginning to its end. */
export interface ImageCursor {
  /** Fills `target` from `offsetBytes` on, never before where the last call ended; fewer bytes at the image's end. */
  fill(target: Uint8Array, offsetBytes: number): Promise<number>;
  close(): Promise<void>;
}

export function openCursor(image: DiskImage, onFileBytes?: (bytes: Uint8Array) => void): ImageCursor {
  const { readInto } = image;
  if (readInto === undefined) return new StreamCursor(image.stream(onFileBytes)[Symbol.asyncIterator]());
  return {
    fill: async (target, offsetBytes) => {
      let filled = 0;
      while (filled < target.length) {
        const count = await readInto(target.subarray(filled), offsetBytes + filled);
        if (count === 0) break;
        filled += count;
      }
      return filled;
    },
    close: () => Promise.resolve(),
  };
}

class StreamCursor implements ImageCursor {
  private position = 0;
  private rest: Uint8Array = new Uint8Array();

  constructor(private readonly chunks: AsyncIterator<Uint8Array>) {}

  async fill(target: Uint8Array, offsetBytes: number): Promise<number> {
    while (this.position < offsetBytes && (await this.more())) this.drop(offsetBytes - this.position);
    let filled = 0;
    while (filled < target.length && (await this.more())) {
      const part = this.rest.subarray(0, target.length - filled);
      target.set(part, filled);
      filled += part.length;
      this.drop(part.length);
    }
    return filled;
  }

  async close(): Promise<void> {
    await this.chunks.return?.();
  }

  /** False at the end. */
  private async more(): Promise<boolean> {
    while (this.rest.length === 0) {
      const next = await this.chunks.next();
      if (next.done === true) return false;
      this.rest = next.value;
    }
    return true;
  }

  private drop(count: number): void {
    const dropped = Math.min(count, this.rest.length);
    this.rest = this.rest.subarray(dropped);
    this.position += dropped;
  }
}
