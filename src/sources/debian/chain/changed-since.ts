import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { StageContext } from '../../../pipeline/stage.js';
import type { ToolsTree } from '../../../tools/tools-tree.js';

/** A moment as the file system that the tree is on knows it: a file of the host. */
type Moment = { readonly stamp: string };

/** What may have changed since then: names to pack, each with a NUL behind it, and all other paths. */
export type Changes = {
  readonly names: { readonly folder: string; readonly file: string };
  /** One character for each byte. */
  readonly kept: readonly string[];
};

/** A kernel counts changes in ticks of up to 10 ms. */
const TICK_MS = 20;
const STAMP = 'stamp';

/** Everything that changes after this is found by `listChanges`. */
export async function markTime(
  root: string,
  { root: tools }: ToolsTree,
  { host, work }: StageContext,
): Promise<Moment> {
  await setTimeout(TICK_MS);
  const mounts = [
    { source: root, target: '/mnt' },
    { source: work, target: '/srv', writable: true },
  ];
  await host.runIn({ root: tools, mounts }, { file: 'touch', args: [`/srv/${STAMP}`] });
  await setTimeout(TICK_MS);
  return { stamp: STAMP };
}

/**
 * Files whose content, attributes or links changed, by the time of the change that the kernel keeps and no program can
 * set, and all folders. A layer has few of the files of the tree, and reading all of them takes most of the time.
 */
export async function listChanges(
  root: string,
  { stamp }: Moment,
  { root: tools }: ToolsTree,
  { host, work }: StageContext,
): Promise<Changes> {
  const mounts = [
    { source: root, target: '/mnt' },
    { source: work, target: '/srv', writable: true },
  ];
  const sandbox = { root: tools, mounts };
  const changed = ['(', '-type', 'd', '-o', '-cnewer', `/srv/${stamp}`, ')'];
  const find = (conditions: readonly string[], action: string) => ({
    file: 'find',
    args: ['/mnt', ...conditions, '-printf', action],
  });
  await host.runIn(sandbox, find(changed, './%P\\0'), { stdoutFile: join(work, 'changed.unsorted') });
  const sort = ['--zero-terminated', '--output=/srv/changed', '/srv/changed.unsorted'];
  await host.runIn(sandbox, { file: 'sort', args: sort, env: { LC_ALL: 'C' } });
  await host.runIn(sandbox, find(['!', ...changed], '%P\\0'), { stdoutFile: join(work, 'kept') });
  const kept = (await readFile(join(work, 'kept'), 'latin1')).split('\0').slice(0, -1);
  return { names: { folder: work, file: 'changed' }, kept };
}
