import type { Host } from '../host/host.js';
import { archiveAsOf } from '../pipeline/archive-date.js';
import { Engine } from '../pipeline/engine.js';
import type { Reporter } from '../pipeline/reporter.js';
import { Store } from '../pipeline/store.js';
import type { Machine } from '../model/qemu.js';
import type { ToolsOptions } from '../tools/obtain-tools.js';
import { obtainQemuTree, obtainToolsTree } from '../tools/obtain-tools.js';

export type BootToolsOptions = {
  /** Root of a tools tree; by default the one of the store, made when it is not there yet. */
  readonly tools?: string;
  readonly mirror?: string;
  readonly offline?: boolean;
};

/** The tools tree's root: QEMU and mtools. Throws what the tools stage throws. */
export async function obtainBootTools(options: BootToolsOptions, host: Host, report: Reporter): Promise<string> {
  if (options.tools !== undefined) return options.tools;
  return (await obtainToolsTree(...(await engineFor(options, host, report)))).root;
}

/** Root of the tree that has the QEMU for a machine: the tools themselves, but for PCs, which few people start. */
export async function obtainQemu(
  machine: Machine,
  tools: string,
  options: BootToolsOptions,
  host: Host,
  report: Reporter,
): Promise<string> {
  if (machine.architecture !== 'amd64') return tools;
  return (await obtainQemuTree(...(await engineFor(options, host, report)))).root;
}

async function engineFor(
  { mirror, offline }: BootToolsOptions,
  host: Host,
  report: Reporter,
): Promise<[Engine, ToolsOptions]> {
  const store = new Store(host.facts.cacheDir, host);
  await store.prepare();
  const engine = new Engine(host, store, report, { jobs: host.facts.cpus, offline: offline === true });
  return [engine, { archiveAsOf: await archiveAsOf(store, false), ...(mirror === undefined ? {} : { mirror }) }];
}
