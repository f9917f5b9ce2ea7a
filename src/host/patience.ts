/** Aborts when nothing happens for a while, and knows that it was its doing. */
export class Patience {
  readonly signal: AbortSignal;
  ranOut: string | undefined;
  readonly #controller = new AbortController();
  #timer: NodeJS.Timeout | undefined;

  constructor(outer: AbortSignal, timeoutMs: number, what: string) {
    this.signal = AbortSignal.any([outer, this.#controller.signal]);
    this.expect(timeoutMs, what);
  }

  expect(timeoutMs: number, what: string): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.ranOut = `${what} for ${timeoutMs / 1000} s`;
      this.#controller.abort();
    }, timeoutMs);
  }

  /** Nobody is waited for: what came is being dealt with. */
  rest(): void {
    clearTimeout(this.#timer);
  }

  end(): void {
    clearTimeout(this.#timer);
    // Frees the connection of an answer whose body nobody reads.
    this.#controller.abort();
  }
}
