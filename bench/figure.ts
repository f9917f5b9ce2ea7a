import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';

/** One line of the report. */
export type Figure = { readonly what: string; readonly value: string; readonly target?: string; readonly how?: string };

export function seconds(value: number): string {
  return `${value < 10 ? value.toFixed(2) : value.toFixed(0)} s`;
}

/** Decimal, as card makers and the targets count. */
export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

export function asMarkdown(figures: readonly Figure[]): string {
  const rows = figures.map(({ what, value, target = '', how = '' }) => `| ${what} | ${value} | ${target} | ${how} |`);
  return ['| what | figure | target | how |', '| --- | --- | --- | --- |', ...rows].join('\n');
}

/** What figures depend on. */
export function machine(): string {
  const model = cpus()[0]?.model ?? 'unknown processor';
  const load = loadavg()[0]?.toFixed(1) ?? '?';
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`;
  return `${availableParallelism()} cores (${model}), ${memory}, Linux ${release()}, Node ${process.versions.node}, load ${load}`;
}
