import type { PackageControl } from '../../sources/debian/package-controls.js';
import type { LockedPackage } from '../../sources/debian/packages.js';
import type { LockedDeb } from './lock-file.js';

/** Who asked for a package, by its name. */
export type AskedBy = ReadonlyMap<string, readonly string[]>;

/**
 * Packages with why they are there: who asked for them, or the package through which they are needed, on the shortest
 * way from what was asked for.
 */
export function withReasons(
  packages: readonly LockedPackage[],
  controls: readonly PackageControl[],
  askedBy: AskedBy,
): readonly LockedDeb[] {
  const present = new Set(packages.map(({ name }) => name));
  const byName = new Map(controls.map((one) => [one.name, one]));
  const providers = providersOf(controls.filter(({ name }) => present.has(name)));
  const needs = new Map(
    packages.map(({ name }) => [name, resolve(byName.get(name)?.depends ?? [], name, present, providers)]),
  );
  const asked = new Map(
    packages.flatMap(({ name }) => {
      const isEssential = byName.get(name)?.isEssential === true;
      const reasons = [...(isEssential ? ['essential in Debian'] : []), ...(askedBy.get(name) ?? [])];
      return reasons.length === 0 ? [] : [[name, reasons] as const];
    }),
  );
  const parents = nearestParents([...asked.keys()], needs);
  return packages.map((one) => {
    const installedBytes = byName.get(one.name)?.installedBytes;
    const own = needs.get(one.name) ?? [];
    return {
      ...one,
      ...(installedBytes === undefined ? {} : { installedBytes }),
      ...(own.length === 0 ? {} : { needs: [...own] }),
      why: [...(asked.get(one.name) ?? [`needed by ${parents.get(one.name) ?? 'a package that apt chose'}`])],
    };
  });
}

function providersOf(controls: readonly PackageControl[]): ReadonlyMap<string, readonly string[]> {
  const providers = new Map<string, string[]>();
  for (const { name, provides } of controls) {
    for (const virtual of provides) providers.set(virtual, [...(providers.get(virtual) ?? []), name]);
  }
  return providers;
}

/** Of each list of alternatives the first one that is there. */
function resolve(
  depends: PackageControl['depends'],
  self: string,
  present: ReadonlySet<string>,
  providers: ReadonlyMap<string, readonly string[]>,
): readonly string[] {
  const found = depends.flatMap((alternatives): readonly string[] => {
    const direct = alternatives.find((name) => present.has(name));
    if (direct !== undefined) return [direct];
    return alternatives.flatMap((name) => providers.get(name) ?? []).slice(0, 1);
  });
  return [...new Set(found)].filter((name) => name !== self).toSorted();
}

/** Breadth first, in the order of names. */
function nearestParents(roots: readonly string[], needs: ReadonlyMap<string, readonly string[]>): Map<string, string> {
  const parents = new Map<string, string>();
  const seen = new Set(roots);
  let level = roots.toSorted();
  while (level.length > 0) {
    const next: string[] = [];
    for (const name of level) {
      for (const need of needs.get(name) ?? []) {
        if (seen.has(need)) continue;
        seen.add(need);
        parents.set(need, name);
        next.push(need);
      }
    }
    level = next.toSorted();
  }
  return parents;
}
