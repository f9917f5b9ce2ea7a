import { dirname, join, resolve } from 'node:path';
import { UserError } from '../../errors.js';
import type { Host } from '../../host/host.js';
import { replaceTextFile } from '../../host/replace-file.js';
import type { Reporter } from '../../pipeline/reporter.js';
import type { BuildOptions } from '../build-options.js';
import type { ImageLock } from './lock-file.js';
import { formatLock, readLock } from './lock-file.js';
import { makeLock } from './make-lock.js';

/** Makes a lock and writes it to `path`. Throws what `makeLock` and the writing throw. */
export async function writeLock(
  options: Omit<BuildOptions, 'output'>,
  path: string,
  host: Host,
  reporter: Reporter,
): Promise<ImageLock> {
  const lock = await makeLock(placed(options, path), host, reporter);
  await replaceTextFile(path, formatLock(lock));
  return lock;
}

export type LockUpdate = { readonly before: ImageLock; readonly after: ImageLock };

/**
 * The lock at `path`, and the one that the archive would give now for the same wishes. Nothing is written. Paths of the
 * wishes begin at the folder of the lock's first making, which is the working folder here.
 */
export async function updatedLock(
  path: string,
  means: Pick<BuildOptions, 'projectDir' | 'workingFolder' | 'jobs' | 'mirror'>,
  host: Host,
  reporter: Reporter,
): Promise<LockUpdate> {
  const before = await readLock(path);
  const { board, ...wishes } = before.options as Partial<BuildOptions>;
  if (board === undefined) {
    throw new UserError('lock-invalid', `${path} does not say for which board it was made`, {
      hints: ['Make it again: reswarm-os lock --board BOARD'],
    });
  }
  const options = { packages: [], overlays: [], ...wishes, board, ...means, seed: {}, accelerate: true };
  const after = await makeLock(placed({ ...options, offline: false, refresh: true }, path), host, reporter);
  return { before, after };
}

/** No image is written: the name is only held against what lies there. */
function placed(options: Omit<BuildOptions, 'output'>, path: string): BuildOptions {
  return { ...options, output: join(dirname(resolve(options.workingFolder, path)), '.reswarm-os-lock.img') };
}
