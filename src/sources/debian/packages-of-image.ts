import type { PinnedPackageFile, Repository } from '../../model/packages.js';
import { withRepositories } from './repositories.js';
import type { LockedPackage, PackageLock, SourceDeb } from './packages.js';

/** The packages of one image: what they are, and the archives that they come from. */
export type Packages = {
  readonly lock: PackageLock;
  /** All archives that the locked packages come from, as lines of a sources.list. */
  readonly sources: string;
  /** Those of Debian among them. */
  readonly debianSources: string;
  /** A locked package by its name, installed or only unpacked. Throws TypeError for one that nobody asked for. */
  deb(name: string): SourceDeb;
  /** Debian's own kernel. Throws TypeError where nobody asked for it. */
  kernelImage(): SourceDeb;
  /** The same version of an installed package for the host's architecture; undefined where there is none. */
  nativeDeb(name: string, hostArchitecture: string): SourceDeb | undefined;
};

/** What the lock was made with beside Debian's archive. */
type Wishes = {
  readonly repositories?: readonly Repository[] | undefined;
  readonly packageFiles?: readonly PinnedPackageFile[] | undefined;
};

export function openPackages(
  lock: PackageLock,
  debianSources: string,
  { repositories = [], packageFiles = [] }: Wishes = {},
): Packages {
  const sources = withRepositories(debianSources, repositories);
  const deb = (name: string): SourceDeb => {
    const locked: LockedPackage | undefined = [...lock.fetched, ...lock.install].find((one) => one.name === name);
    if (locked === undefined) throw new TypeError(`${name} is not in the package lock`);
    return { ...locked, sources, ...(locked.local === true ? { packageFiles } : {}) };
  };
  return {
    lock,
    sources,
    debianSources,
    deb,
    kernelImage: () => deb(lock.kernelImage ?? 'linux-image'),
    nativeDeb(name, hostArchitecture) {
      // Host and image of one architecture need no twins.
      const own = lock.architecture === hostArchitecture ? lock.install : lock.twins;
      const locked = own.find((one) => one.name === name);
      return locked === undefined ? undefined : { ...locked, sources };
    },
  };
}
