import { didYouMean } from '../../config/wording.js';
import { UserError } from '../../errors.js';
import type { ImageLock, LockedDeb } from './lock-file.js';

/** Why a package is there, in one of the parts of a lock. */
export type PackageReason = {
  /** `image`, `tools`, or `build` for what is only unpacked or run while building. */
  readonly part: 'image' | 'tools' | 'build';
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  /** From what was asked for to the package. */
  readonly path: readonly string[];
  readonly askedBy: readonly string[];
  /** Names of packages that depend on it directly. */
  readonly neededBy: readonly string[];
  readonly downloadBytes: number;
  readonly installedBytes: number;
  /** Packages that would go with it, itself included: nothing else needs them. */
  readonly onlyForIt: readonly string[];
  readonly onlyForItBytes: number;
};

/** Throws UserError `package-not-locked`. */
export function whyPackage(lock: ImageLock, name: string): readonly PackageReason[] {
  const graphs = [
    ...lock.packages.map(({ install }) => ({ part: 'image' as const, debs: install })),
    { part: 'tools' as const, debs: lock.tools.debs },
  ];
  const found = [
    ...graphs.flatMap(({ part, debs }) =>
      debs.filter((one) => one.name === name).map((deb) => reasonIn(part, deb, debs)),
    ),
    ...lock.packages.flatMap(({ twins, fetched }) =>
      [...twins, ...fetched].filter((one) => one.name === name).map((deb) => reasonIn('build', deb, [deb])),
    ),
  ];
  if (found.length > 0) return found;
  const names = [...graphs.flatMap(({ debs }) => debs), ...lock.packages.flatMap(({ fetched }) => fetched)];
  const nearest = didYouMean(name, [...new Set(names.map((one) => one.name))]);
  throw new UserError('package-not-locked', `${name} is neither in the image nor among what builds it`, {
    hints: [nearest ?? 'The lock file lists all packages.'],
  });
}

function reasonIn(part: PackageReason['part'], deb: LockedDeb, debs: readonly LockedDeb[]): PackageReason {
  const { name, version, architecture, sizeBytes, installedBytes = 0 } = deb;
  const stays = reachable(rootsOf(debs, name), debs, name);
  const withIt = reachable(rootsOf(debs), debs);
  const onlyForIt = debs.filter((one) => withIt.has(one.name) && !stays.has(one.name));
  const path = shortestPath(name, debs);
  return {
    part,
    name,
    version,
    architecture,
    path,
    askedBy: debs.find((one) => one.name === path[0])?.why ?? deb.why,
    neededBy: debs.filter(({ needs = [] }) => needs.includes(name)).map((one) => one.name),
    downloadBytes: sizeBytes,
    installedBytes,
    onlyForIt: onlyForIt.map((one) => one.name),
    onlyForItBytes: onlyForIt.reduce((sum, one) => sum + (one.installedBytes ?? 0), 0),
  };
}

/** What was asked for, and what apt chose without a way to it. */
function rootsOf(debs: readonly LockedDeb[], without?: string): readonly string[] {
  return debs.filter(({ name, why }) => name !== without && !isNeeded(why)).map(({ name }) => name);
}

function isNeeded(why: readonly string[]): boolean {
  return why.every((one) => one.startsWith('needed by ') && one !== 'needed by a package that apt chose');
}

function reachable(roots: readonly string[], debs: readonly LockedDeb[], without?: string): ReadonlySet<string> {
  const needs = new Map(debs.map((one) => [one.name, one.needs ?? []]));
  const seen = new Set<string>();
  const open = [...roots];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (seen.has(name) || name === without) continue;
    seen.add(name);
    open.push(...(needs.get(name) ?? []));
  }
  return seen;
}

/** The way that the lock notes: from the package back to what was asked for. */
function shortestPath(name: string, debs: readonly LockedDeb[]): readonly string[] {
  const byName = new Map(debs.map((one) => [one.name, one]));
  const path = [name];
  for (let one = byName.get(name); one !== undefined && isNeeded(one.why);) {
    const parent = one.why[0]?.replace('needed by ', '') ?? '';
    if (path.includes(parent)) break;
    path.unshift(parent);
    one = byName.get(parent);
  }
  return path;
}
