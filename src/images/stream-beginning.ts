/** The first part of a stream, kept so that it can be looked at before the whole is read. */
export class StreamBeginning {
  private readonly parts: Uint8Array[] = [];
  private sizeBytes = 0;
  private hasEnded = false;
  private isLent = false;

  constructor(private readonly bytes: AsyncIterator<Uint8Array>) {}

  /** Reads so far as it has to; fewer bytes at the stream's end. */
  async read(offsetBytes: number, sizeBytes: number): Promise<Uint8Array> {
    const end = offsetBytes + sizeBytes;
    while (this.sizeBytes < end && !this.hasEnded) {
      const next = await this.bytes.next();
      if (next.done === true) this.hasEnded = true;
      else {
        this.parts.push(Uint8Array.from(next.value));
        this.sizeBytes += next.value.length;
      }
    }
    const result = Buffer.alloc(Math.max(0, Math.min(end, this.sizeBytes) - offsetBytes));
    let position = 0;
    for (const part of this.parts) {
      const from = Math.max(offsetBytes, position);
      const until = Math.min(end, position + part.length);
      if (from < until) result.set(part.subarray(from - position, until - position), from - offsetBytes);
      position += part.length;
    }
    return result;
  }

  /** The whole stream, what was looked at first. Once only. */
  async *rest(onStart: () => void = () => undefined): AsyncIterable<Uint8Array> {
    this.isLent = true;
    onStart();
    try {
      for (let part = this.parts.shift(); part !== undefined; part = this.parts.shift()) yield part;
      while (!this.hasEnded) {
        const next = await this.bytes.next();
        if (next.done === true) this.hasEnded = true;
        else yield next.value;
      }
    } finally {
      await this.end();
    }
  }

  /** Another stream that must begin with the same bytes. Throws what `otherwise` gives. */
  async *confirm(bytes: AsyncIterable<Uint8Array>, otherwise: () => Error): AsyncIterable<Uint8Array> {
    const wanted = Buffer.concat(this.parts);
    let position = 0;
    for await (const piece of bytes) {
      const part = wanted.subarray(position, position + piece.length);
      if (!part.equals(piece.subarray(0, part.length))) throw otherwise();
      position += piece.length;
      yield piece;
    }
    if (position < wanted.length) throw otherwise();
  }

  /** Ends the stream, where nobody reads the whole of it: who does ends it himself. */
  async close(): Promise<void> {
    if (!this.isLent) await this.end();
  }

  private async end(): Promise<void> {
    if (this.hasEnded) return;
    this.hasEnded = true;
    await this.bytes.return?.();
  }
}
