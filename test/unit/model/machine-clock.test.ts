import { describe, expect, it } from 'vitest';
import type { MachineClock } from '../../../src/model/machine-clock.js';
import { advanceClock, POWER_ON, wasHeldUp } from '../../../src/model/machine-clock.js';

const thread = (id: number, runSeconds: number, waitSeconds: number) => ({ id, runSeconds, waitSeconds });

/** Ten seconds in which each thread ran and waited so long. */
function after(...threads: readonly (readonly [run: number, wait: number])[]): MachineClock {
  return advanceClock(
    POWER_ON,
    10,
    threads.map(([run, wait], index) => thread(index, run, wait)),
  );
}

describe("an emulated machine's time", () => {
  it.each<[string, readonly (readonly [number, number])[], number]>([
    ['all of it when it sleeps', [[0, 0]], 10],
    [
      'all of it when it has the processors',
      [
        [10, 0],
        [9, 0],
      ],
      10,
    ],
    ['half of it when another has them half of the time', [[5, 5]], 5],
    [
      'a tenth of it when ten others want them, threads that wait for each other too',
      [
        [0.5, 4.5],
        [0.5, 4.5],
      ],
      1,
    ],
    ['nearly all of it when it is busy for a moment only', [[0.1, 0.1]], 9.9],
    ['none of it when it never ran', [[0, 10]], 0],
    ['all of it when nothing is known', [], 10],
  ])('is %s', (_, threads, hadSeconds) => {
    const clock = after(...threads);
    expect(clock.hadSeconds).toBeCloseTo(hadSeconds, 5);
    expect(clock.wallSeconds).toBe(10);
  });

  it('goes by what is new since it was last looked at, also when threads come and go', () => {
    const first = advanceClock(POWER_ON, 10, [thread(1, 5, 5), thread(2, 0, 0)]);
    const second = advanceClock(first, 20, [thread(1, 15, 5), thread(3, 0, 0)]);
    expect(second.hadSeconds).toBeCloseTo(15, 5);
    expect(second.processorSeconds).toBeCloseTo(15, 5);
    expect(advanceClock(second, 20, []).hadSeconds).toBeCloseTo(15, 5);
  });

  it('proves nothing when it was less than half of the wall', () => {
    expect(wasHeldUp(POWER_ON)).toBe(false);
    expect(wasHeldUp(after([5, 5]))).toBe(false);
    expect(wasHeldUp(after([4, 6]))).toBe(true);
  });
});
