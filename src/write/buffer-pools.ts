/** Memory for one block of an image, shared by all cards that still have to write it. */
export type PooledBuffer = {
  readonly bytes: Uint8Array;
  /** How many still need it; it is free again at 0. */
  users: number;
};

/** A fixed number of slots: who reads the image waits here for the cards. */
export class SharedBufferPool {
  private readonly free: PooledBuffer[];
  private waiting: ((slot: PooledBuffer) => void) | undefined;

  constructor(buffers: readonly Uint8Array[]) {
    this.free = buffers.map((bytes) => ({ bytes, users: 0 }));
  }

  get isWaitedFor(): boolean {
    return this.waiting !== undefined;
  }

  /** One slot with one user, who asked. For one asker at a time. */
  async take(): Promise<PooledBuffer> {
    const slot = this.free.pop() ?? (await new Promise<PooledBuffer>((resolve) => (this.waiting = resolve)));
    slot.users = 1;
    return slot;
  }

  release(slot: PooledBuffer): void {
    slot.users -= 1;
    if (slot.users > 0) return;
    const waiting = this.waiting;
    this.waiting = undefined;
    if (waiting === undefined) this.free.push(slot);
    else waiting(slot);
  }
}

/** A card's own buffers. */
export class BufferPool {
  private readonly free: Uint8Array[];
  private readonly waiting: ((buffer: Uint8Array) => void)[] = [];

  constructor(buffers: readonly Uint8Array[]) {
    this.free = [...buffers];
  }

  async use<T>(use: (buffer: Uint8Array) => Promise<T>): Promise<T> {
    const buffer = this.free.pop() ?? (await new Promise<Uint8Array>((resolve) => this.waiting.push(resolve)));
    try {
      return await use(buffer);
    } finally {
      const next = this.waiting.shift();
      if (next === undefined) this.free.push(buffer);
      else next(buffer);
    }
  }
}
