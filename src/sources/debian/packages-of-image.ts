import { join } from 'node:path';
import type { DebFile, LockedPackage, PackageLock } from './packages.js';
import type { Engine } from '../../pipeline/engine.js';
import type { Store } from '../../pipeline/store.js';
import type { StageContext } from '../../pipeline/stage.js';
import { debName, fetchDebs } from './debs.js';
import type { PackageLockInput } from './package-lock.js';
import { packageLockStage, readPackageLock } from './package-lock.js';

/** The packages of one image: what they are, and where their files lie once they are fetched. */
export type Packages = {
  readonly lock: PackageLock;
  /** The sources.list that the lock was made with. */
  readonly sources: string;
  /** A locked package by its name, installed or only unpacked. Throws TypeError for one that nobody asked for. */
  deb(name: string): DebFile;
  /** For `Engine.obtain`: brings these to this machine. */
  fetcher(debs: readonly LockedPackage[]): (context: StageContext) => Promise<unknown>;
};

export async function obtainPackages(engine: Engine, input: PackageLockInput): Promise<Packages> {
  const entry = await engine.obtain(packageLockStage, input);
  return openPackages(await readPackageLock(entry.path), input.sources, engine.store);
}

export function openPackages(lock: PackageLock, sources: string, store: Store): Packages {
  return {
    lock,
    sources,
    deb(name) {
      const locked = [...lock.fetched, ...lock.install].find((one) => one.name === name);
      if (locked === undefined) throw new TypeError(`${name} is not in the package lock`);
      return { ...locked, path: join(store.shared.downloads, 'debs', debName(locked)) };
    },
    fetcher: (debs) => (context) => fetchDebs(debs, sources, context),
  };
}
