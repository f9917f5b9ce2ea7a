import type { Host } from '../../src/host/host.js';
import { archiveAsOf } from '../../src/pipeline/archive-date.js';
import { stageNode } from '../../src/pipeline/graph.js';
import { withRunner } from '../../src/pipeline/runner.js';
import { Store } from '../../src/pipeline/store.js';
import { toolsTreeInput } from '../../src/tools/obtain-tools.js';
import { toolsTreeStage } from '../../src/tools/tools-tree.js';

const PACKAGES = ['dnsmasq-base', 'curl', 'iproute2', 'python3-minimal'];

/** Root of a tree with dnsmasq and curl, Debian's own; the store keeps it. */
export async function networkServers(host: Host): Promise<string> {
  const store = new Store(host.facts.cacheDir, host);
  const reporter = { emit: () => undefined };
  return withRunner(host, store, reporter, { jobs: 1, offline: false }, async (runner) => {
    const input = toolsTreeInput(host.facts.architecture, { archiveAsOf: await archiveAsOf(store, false) });
    const stage = { ...toolsTreeStage, name: 'network-servers' };
    return (await runner.run(stageNode(stage, {}, () => ({ ...input, packages: PACKAGES })))).root;
  });
}
