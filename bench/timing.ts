import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

export const PROJECT = join(import.meta.dirname, '..');
/** The built command line, as users run it. */
export const CLI = join(PROJECT, 'bin/run.js');

export type Timed = {
  readonly seconds: number;
  /** Processor time of the program and of what it waited for; what else runs on the machine hardly changes it. */
  readonly cpuSeconds: number;
  readonly stdout: string;
  readonly lines: readonly TimedLine[];
};
/** A line of stderr, and when it came: seconds after the start. */
export type TimedLine = { readonly atSeconds: number; readonly text: string };

/** Wall time of a program from its start to its end. Throws when it fails. */
export async function time(file: string, args: readonly string[], cwd?: string): Promise<Timed> {
  const cpuBefore = await childrenCpuSeconds();
  const started = performance.now();
  const elapsed = (): number => (performance.now() - started) / 1000;
  const child = spawn(file, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  const lines: TimedLine[] = [];
  let rest = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => {
    const parts = (rest + chunk.toString()).split('\n');
    rest = parts.pop() ?? '';
    lines.push(...parts.map((text) => ({ atSeconds: elapsed(), text })));
  });
  const exitCode = await new Promise<number | null>((resolve, reject) => {
    child.on('close', resolve);
    child.on('error', reject);
  });
  const seconds = elapsed();
  if (exitCode !== 0) {
    const tail = lines.slice(-20).map(({ text }) => text);
    throw new Error([`${file} ${args.join(' ')} ended with ${exitCode ?? 'a signal'}`, ...tail, rest].join('\n'));
  }
  return { seconds, cpuSeconds: (await childrenCpuSeconds()) - cpuBefore, stdout, lines };
}

const CLOCK_TICKS_PER_SECOND = 100;

/** cutime and cstime of proc_pid_stat(5), which stand 14 and 15 words after the name in brackets. */
async function childrenCpuSeconds(): Promise<number> {
  const words = (await readFile('/proc/self/stat', 'utf8')).replace(/^.*\) /s, '').split(' ');
  return (Number(words[13]) + Number(words[14])) / CLOCK_TICKS_PER_SECOND;
}

/** reswarm-os with --json; `result` is the one document of its output, or the last line of its events. */
export async function timeCli(
  args: readonly string[],
  cwd?: string,
): Promise<{ seconds: number; cpuSeconds: number; result: unknown }> {
  const { seconds, cpuSeconds, stdout } = await time(process.execPath, [CLI, ...args, '--json'], cwd);
  const text = stdout.trimEnd();
  const last = text.startsWith('{\n') ? text : (text.split('\n').at(-1) ?? '');
  return { seconds, cpuSeconds, result: JSON.parse(last) as unknown };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const [low = 0, high = low] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  return (low + high) / 2;
}
