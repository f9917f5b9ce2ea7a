import type { Host } from '../../host/host.js';
import { archiveAsOf } from '../../pipeline/archive-date.js';
import { Engine } from '../../pipeline/engine.js';
import type { Reporter } from '../../pipeline/reporter.js';
import { Store } from '../../pipeline/store.js';
import { obtainToolsTree } from '../obtain-tools.js';

export type BootToolsOptions = {
  /** Root of a tools tree; by default the one of the store, made when it is not there yet. */
  readonly tools?: string;
  readonly mirror?: string;
  readonly offline?: boolean;
};

/** The tools tree's root: QEMU and mtools. Throws what the tools stage throws. */
export async function obtainBootTools(options: BootToolsOptions, host: Host, report: Reporter): Promise<string> {
  if (options.tools !== undefined) return options.tools;
  const store = new Store(host.facts.cacheDir, host);
  await store.prepare();
  const engine = new Engine(host, store, report, { jobs: host.facts.cpus, offline: options.offline === true });
  const { mirror } = options;
  const tools = await obtainToolsTree(engine, {
    archiveAsOf: await archiveAsOf(store, false),
    ...(mirror === undefined ? {} : { mirror }),
  });
  return tools.root;
}
