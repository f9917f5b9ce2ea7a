/**
 * What a booting system is waiting for, by what systemd says on the console: units that it has begun to start and that
 * are not there yet. A value: each line gives the next one.
 */
export type PendingJobs = {
  /** `unit - title` as systemd writes it, in the order in which they began. */
  readonly starting: readonly string[];
  /** The last "A start job is running for …" with its times; gone when the unit is there. */
  readonly running?: string | undefined;
};

export const NO_JOBS: PendingJobs = { starting: [] };

const STARTING = /\bStarting (.+?)\.{3}$/;
const ENDED =
  /(?:\bStarted|\bFinished|\bFailed to (?:start|mount|listen on)|\bMounted|\bListening on|\bReached target|\bFound device|\bSkipped|\bStopped|Timed out waiting for device|Dependency failed for) (.+?)\.?$/;
const RUNNING = /A (?:start|stop) job is running for (.+)$/;

/** @param line without terminal codes */
export function followJobs(jobs: PendingJobs, line: string): PendingJobs {
  const running = RUNNING.exec(line)?.[1];
  if (running !== undefined) return { ...jobs, running };
  const started = STARTING.exec(line)?.[1];
  if (started !== undefined) {
    const isKnown = jobs.starting.some((job) => isSameUnit(job, started));
    return isKnown ? jobs : { ...jobs, starting: [...jobs.starting, started] };
  }
  const ended = ENDED.exec(line)?.[1];
  if (ended === undefined) return jobs;
  const isOver = jobs.running !== undefined && isSameUnit(jobs.running, ended);
  return {
    starting: jobs.starting.filter((job) => !isSameUnit(job, ended)),
    running: isOver ? undefined : jobs.running,
  };
}

/** In words; the one that systemd itself complains of first. */
export function describeJobs({ starting, running }: PendingJobs): readonly string[] {
  if (running === undefined) return starting;
  return [running, ...starting.filter((job) => !isSameUnit(job, running))];
}

/** systemd shortens lines to the width of the console, in the middle and each in its own way: `ssh.ser…hell server`. */
function isSameUnit(one: string, other: string): boolean {
  const [a, b] = [beginning(one), beginning(other)];
  return a.startsWith(b) || b.startsWith(a);
}

/** The unit's name, or as much of it as there is. */
function beginning(text: string): string {
  return text.split(/ - |…/, 1)[0] ?? text;
}
