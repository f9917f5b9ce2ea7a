import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What one thread of a running program had of the processors so far. */
export type ThreadTime = {
  readonly id: number;
  readonly runSeconds: number;
  /** It could have run, and others did. 0 where the kernel does not say. */
  readonly waitSeconds: number;
};

const NANOSECONDS = 1e9;
/** USER_HZ, in which /proc counts: 100 on every architecture that runs Linux today. */
const TICKS = 100;

/**
 * Of all threads of a process group, whichever sandbox its processes are in: what runs inside bubblewrap keeps the group
 * of what we have started. Empty when nothing is left of it.
 *
 * @param leader process id, which is the group's id too
 * @param proc where /proc is; tests have a folder of their own
 */
export async function threadTimes(leader: number, proc = '/proc'): Promise<readonly ThreadTime[]> {
  const names = (await readdir(proc)).filter((name) => /^\d+$/.test(name));
  const members = await Promise.all(names.map(async (name) => ((await groupOf(proc, name)) === leader ? [name] : [])));
  const threads = await Promise.all(members.flat().map((pid) => threadsOf(join(proc, pid, 'task'))));
  return threads.flat();
}

async function groupOf(proc: string, pid: string): Promise<number | undefined> {
  return Number((await statFields(join(proc, pid, 'stat')))[2]);
}

async function threadsOf(folder: string): Promise<readonly ThreadTime[]> {
  // A thread may end while it is looked at.
  const ids = await readdir(folder).catch(() => []);
  const times = await Promise.all(ids.map((id) => timeOf(join(folder, id), Number(id))));
  return times.flatMap((time) => time ?? []);
}

async function timeOf(folder: string, id: number): Promise<ThreadTime | undefined> {
  const [run, wait] = (await textOf(join(folder, 'schedstat'))).split(' ');
  if (run !== undefined && wait !== undefined) {
    return { id, runSeconds: Number(run) / NANOSECONDS, waitSeconds: Number(wait) / NANOSECONDS };
  }
  // A kernel without CONFIG_SCHED_INFO: utime and stime.
  const fields = await statFields(join(folder, 'stat'));
  if (fields.length === 0) return undefined;
  return { id, runSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS, waitSeconds: 0 };
}

/** Behind the program's name, which may hold spaces and brackets (proc_pid_stat(5)): state, parent, group, … */
async function statFields(path: string): Promise<readonly string[]> {
  const text = await textOf(path);
  const end = text.lastIndexOf(') ');
  return end < 0 ? [] : text.slice(end + 2).split(' ');
}

function textOf(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '');
}
