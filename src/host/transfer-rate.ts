/** Speed over the last seconds, so that a stall shows and one fast burst at the start does not flatter the rest. */
export class TransferRate {
  readonly #samples: { readonly atMs: number; readonly doneBytes: number }[] = [];

  constructor(private readonly windowMs = 5000) {}

  /** `doneBytes` counts from the start of the file. Returns the speed in bytes per second, 0 until it can be known. */
  sample(doneBytes: number, atMs: number): number {
    this.#samples.push({ atMs, doneBytes });
    while (this.#samples.length > 2 && (this.#samples[1]?.atMs ?? atMs) <= atMs - this.windowMs) this.#samples.shift();
    const oldest = this.#samples[0];
    if (oldest === undefined || atMs <= oldest.atMs) return 0;
    return ((doneBytes - oldest.doneBytes) * 1000) / (atMs - oldest.atMs);
  }
}

/** Whole seconds that are left; undefined when the size or the speed is not known. */
export function etaSeconds(doneBytes: number, totalBytes: number, bytesPerSecond: number): number | undefined {
  if (totalBytes <= 0 || bytesPerSecond <= 0) return undefined;
  return Math.ceil(Math.max(0, totalBytes - doneBytes) / bytesPerSecond);
}
