/**
 * What a booting system is waiting for, by what systemd says on the console: units that it has begun to start and that
 * are not there yet. A value: each line gives the next one.
 */
export type PendingJobs = {
  /** Titles or names of units, in the order in which they began. */
  readonly starting: readonly string[];
  /** The last "A start job is running for …" and its time limit; gone when the unit is there. */
  readonly running?: string | undefined;
};

export const NO_JOBS: PendingJobs = { starting: [] };

const STARTING = /\bStarting (?:\S+\.\w+ - )?(.+?)\.\.\.$/;
const ENDED =
  /(?:\bStarted|\bFinished|\bFailed to start|\bMounted|\bListening on|\bReached target|Timed out waiting for device|Dependency failed for|\bSkipped) (?:\S+\.\w+ - )?(.+?)\.?(?: - .*)?$/;
const RUNNING = /A (?:start|stop) job is running for (.+)$/;

/** @param line without terminal codes */
export function followJobs(jobs: PendingJobs, line: string): PendingJobs {
  const running = RUNNING.exec(line)?.[1];
  if (running !== undefined) return { ...jobs, running };
  const started = STARTING.exec(line)?.[1];
  if (started !== undefined) {
    return jobs.starting.includes(started) ? jobs : { ...jobs, starting: [...jobs.starting, started] };
  }
  const ended = ENDED.exec(line)?.[1];
  if (ended === undefined) return jobs;
  const isOver = jobs.running !== undefined && nameOf(jobs.running).endsWith(ended);
  return { starting: jobs.starting.filter((title) => title !== ended), running: isOver ? undefined : jobs.running };
}

/** In words, the job that systemd itself complains of first. */
export function describeJobs({ starting, running }: PendingJobs): readonly string[] {
  const others = running === undefined ? starting : starting.filter((title) => !nameOf(running).endsWith(title));
  return [...(running === undefined ? [] : [running]), ...others];
}

/** Without the times: `dev-vdb.device - /dev/vdb (1min 2s / 1min 30s)`. */
function nameOf(running: string): string {
  return running.replace(/ \([^()]*\)$/, '');
}
