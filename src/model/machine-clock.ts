/** What a thread of the emulator had of the processors so far; see src/host/thread-times.ts. */
type ThreadTime = { readonly id: number; readonly runSeconds: number; readonly waitSeconds: number };

/**
 * How much time an emulated machine really had. A machine that shares its processors with others is not slow by itself:
 * of the time in which the emulator wanted a processor, only that counts in which it had one. The time in which it slept
 * counts whole: the device was waiting for something, as it would on its own board.
 */
export type MachineClock = {
  /** Since power-on, on the wall. */
  readonly wallSeconds: number;
  /** Of those, what the emulator had of the processors or had no use for. */
  readonly hadSeconds: number;
  /** Of all its threads together, on the processors. */
  readonly processorSeconds: number;
  readonly threads: ReadonlyMap<number, ThreadTime>;
};

export const POWER_ON: MachineClock = { wallSeconds: 0, hadSeconds: 0, processorSeconds: 0, threads: new Map() };

/** @param wallSeconds since power-on, later than the clock's */
export function advanceClock(clock: MachineClock, wallSeconds: number, threads: readonly ThreadTime[]): MachineClock {
  const passed = Math.max(0, wallSeconds - clock.wallSeconds);
  const ran = grown(clock, threads, 'runSeconds');
  const waited = grown(clock, threads, 'waitSeconds');
  const wanted = ran + waited;
  // Threads wait for each other too: while one of them has no processor, those that sleep do so for its sake.
  const busy = passed === 0 ? 0 : Math.min(1, wanted / passed);
  const share = wanted === 0 ? 1 : ran / wanted;
  return {
    wallSeconds: clock.wallSeconds + passed,
    hadSeconds: clock.hadSeconds + passed * (1 - busy + busy * share),
    processorSeconds: clock.processorSeconds + ran,
    threads: new Map(threads.map((thread) => [thread.id, thread])),
  };
}

function grown(clock: MachineClock, threads: readonly ThreadTime[], what: 'runSeconds' | 'waitSeconds'): number {
  const growth = threads.map((thread) => thread[what] - (clock.threads.get(thread.id)?.[what] ?? 0));
  return growth.reduce((sum, seconds) => sum + Math.max(0, seconds), 0);
}

/** Below this share of the time that has passed, the device's own time-outs, which go by the wall, prove nothing. */
const FAIR_SHARE = 0.5;

/** Whether others had the processors for so long that a failure may be theirs. */
export function wasHeldUp({ wallSeconds, hadSeconds }: MachineClock): boolean {
  return wallSeconds > 0 && hadSeconds / wallSeconds < FAIR_SHARE;
}
