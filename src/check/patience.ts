import type { BootProof } from '../model/boot-proof.js';
import type { MachineClock } from '../model/machine-clock.js';
import { advanceClock, POWER_ON } from '../model/machine-clock.js';
import type { RunningProgram } from '../host/host.js';

const LOOK_EVERY_MS = 1_000;
/** On a busy machine a check takes longer, but not for ever: so many times its time-out on the wall. */
const WALL_FACTOR = 5;

/**
 * Ends an emulated machine that does not get on: when it had so many seconds of its own (`MachineClock`), or when this
 * machine gave it too few of them for too long.
 */
export class Patience {
  clock: MachineClock = POWER_ON;
  /** Why it was ended; undefined as long as it was not. */
  stopped: BootProof['stopped'];
  private limit:
    { readonly seconds: number; readonly had: number; readonly wall: number; readonly what: string } | undefined;
  private readonly timer: NodeJS.Timeout;
  private isLooking = false;

  constructor(
    private readonly machine: Pick<RunningProgram, 'threadTimes' | 'stop'>,
    private readonly sinceStart: () => number,
    everyMs = LOOK_EVERY_MS,
  ) {
    this.timer = setInterval(() => void this.look(), everyMs);
  }

  /** From now on; replaces the limit before. @param what what did not happen when it runs out */
  allow(seconds: number, what: string): void {
    this.limit = {
      seconds,
      what,
      had: this.clock.hadSeconds + seconds,
      wall: this.sinceStart() + seconds * WALL_FACTOR,
    };
  }

  end(): void {
    clearInterval(this.timer);
  }

  private async look(): Promise<void> {
    if (this.isLooking) return;
    this.isLooking = true;
    try {
      const threads = await this.machine.threadTimes();
      this.clock = advanceClock(this.clock, this.sinceStart(), threads);
      this.judge();
    } finally {
      this.isLooking = false;
    }
  }

  private judge(): void {
    if (this.limit === undefined || this.stopped !== undefined) return;
    const { seconds, had, wall, what } = this.limit;
    const { hadSeconds, wallSeconds } = this.clock;
    if (hadSeconds >= had) {
      this.stopped = { code: 'timeout', detail: `${what} within ${seconds} s` };
    } else if (wallSeconds >= wall) {
      const share = `${Math.round(hadSeconds)} s of ${Math.round(wallSeconds)} s`;
      this.stopped = { code: 'too-slow', detail: `${what}, and this machine is too busy: the device had ${share}` };
    } else return;
    void this.machine.stop();
  }
}
