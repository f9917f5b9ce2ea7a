import { stat } from 'node:fs/promises';
import type { Host } from '../host/host.js';
import { knownArchiveAsOf } from '../pipeline/archive-date.js';
import { keyDocument } from '../pipeline/key-document.js';
import { keyOf, Store } from '../pipeline/store.js';
import { toolsTreeStage } from './tools-tree.js';
import { toolsTreeInput } from './obtain-tools.js';

/**
 * Root of the tools tree that the store holds already; undefined where nothing was built yet. For work that the
 * host's own programs can do as well, so that nobody has to make a tools tree for it.
 */
export async function findTools(host: Host): Promise<string | undefined> {
  const store = new Store(host.facts.cacheDir, host);
  const asOf = await knownArchiveAsOf(store);
  if (asOf === undefined) return undefined;
  const input = toolsTreeInput(host.facts.architecture, { archiveAsOf: asOf });
  const entry = await store.find(toolsTreeStage.name, keyOf(keyDocument(toolsTreeStage, input)));
  if (entry === undefined) return undefined;
  const { root } = await toolsTreeStage.open(entry, input);
  // Programs of the tree run through bubblewrap.
  const canRun = await stat('/usr/bin/bwrap').catch(() => undefined);
  return canRun === undefined ? undefined : root;
}
