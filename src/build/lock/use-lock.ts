import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { UserError } from '../../errors.js';
import type { Host } from '../../host/host.js';
import { poolFolder, withPool } from '../../host/pool-downloads.js';
import { sha256 } from '../../model/sha256.js';
import { checkMirror } from '../../tools/obtain-tools.js';
import type { BuildOptions } from '../build-options.js';
import type { BuildRequest } from '../build-request.js';
import { requireLocked } from './lock-content.js';
import { readLock } from './lock-file.js';
import type { LockInUse } from './locked-nodes.js';

type Options = Pick<BuildOptions, 'locked' | 'mirror' | 'workingFolder'>;

/**
 * The lock that the build obeys; undefined for one that takes what the archive has. Throws UserError `mirror-invalid`,
 * `pool-not-found`, `lock-outdated`, and what `readLock` throws.
 */
export async function lockInUse(options: Options, request: BuildRequest): Promise<LockInUse | undefined> {
  const { locked, mirror, workingFolder } = options;
  if (locked === undefined) return undefined;
  checkMirror(mirror);
  await requirePool(poolFolder(mirror));
  const lock = await readLock(resolve(workingFolder, locked));
  requireLocked(request, lock, locked, sha256);
  return { lock, path: locked, mirror: mirror?.replace(/\/+$/, '') };
}

/** The host of a locked build: what a pool has is not asked of the web. */
export function hostOfLock(host: Host, lock: LockInUse | undefined): Host {
  const pool = lock && poolFolder(lock.mirror);
  return pool === undefined ? host : withPool(host, pool);
}

async function requirePool(folder: string | undefined): Promise<void> {
  if (folder === undefined) return;
  const status = await stat(folder).catch(() => undefined);
  if (status?.isDirectory() === true) return;
  throw new UserError('pool-not-found', `There is no folder ${folder}`, {
    hints: ['`reswarm-os lock fetch LOCK --pool DIR` makes one; --mirror takes its address: file:///path/of/DIR'],
  });
}
