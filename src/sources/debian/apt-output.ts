import type { LockedPackage } from './packages.js';

/** `Inst` lines of `apt-get --simulate install`: what would be unpacked, in apt's order. */
export function simulatedInstalls(output: string): readonly { readonly name: string; readonly version: string }[] {
  return [...output.matchAll(/^Inst (?<name>[^\s:]+)\S* (?:\[\S+\] )?\((?<version>\S+) /gm)].map(({ groups }) => ({
    name: groups?.['name'] ?? '',
    version: groups?.['version'] ?? '',
  }));
}

/** Stanzas of `apt-cache show`; the same package from two suites comes once. */
export function shownPackages(output: string): readonly LockedPackage[] {
  const packages = new Map<string, LockedPackage>();
  for (const stanza of output.split('\n\n')) {
    const field = (name: string) => new RegExp(`^${name}: (.+)$`, 'm').exec(stanza)?.[1];
    const [name, version, architecture] = [field('Package'), field('Version'), field('Architecture')];
    const [filename, sha256, size] = [field('Filename'), field('SHA256'), field('Size')];
    if (!name || !version || !architecture || !filename || !sha256 || !size) continue;
    const found = { name, version, architecture, filename, sizeBytes: Number(size), sha256 };
    packages.set(`${name} ${version} ${architecture}`, found);
  }
  return [...packages.values()];
}

/** A file of a source package, pinned by what the signed lists of source packages say of it. */
export type SourceFile = {
  readonly name: string;
  /** Path below the mirror's root, as in a lock of packages. */
  readonly filename: string;
  readonly sizeBytes: number;
  readonly sha256: string;
};

const SOURCE_FILE = /^'(?<uri>[^']+)' (?<name>\S+) (?<size>\d+) SHA256:(?<sha256>[0-9a-f]{64})$/gm;

/**
 * What `apt-get --print-uris source` would fetch.
 * @param archives where the files may lie, without a slash at the end
 */
export function sourceFiles(output: string, archives: readonly string[]): readonly SourceFile[] {
  return [...output.matchAll(SOURCE_FILE)].map(({ groups }) => {
    const uri = decodeURIComponent(groups?.['uri'] ?? '');
    const archive = archives.find((one) => uri.startsWith(`${decodeURIComponent(one)}/`)) ?? '';
    return {
      name: groups?.['name'] ?? '',
      filename: uri.slice(decodeURIComponent(archive).length).replace(/^\/+/, ''),
      sizeBytes: Number(groups?.['size']),
      sha256: groups?.['sha256'] ?? '',
    };
  });
}

/** Names that apt does not know or has nothing to install for, from its messages. */
export function unknownPackages(messages: string): readonly string[] {
  const patterns = [
    /^E: Unable to locate package (\S+)$/gm,
    /^E: Package '([^']+)' has no installation candidate$/gm,
    /^E: No packages found matching (\S+)$/gm,
    /^N: Unable to locate package (\S+)$/gm,
  ];
  const names = patterns.flatMap((pattern) => [...messages.matchAll(pattern)].map((match) => match[1] ?? ''));
  return [...new Set(names)];
}

/** Packages that apt knows, but not in the version or of the release that was asked for, from its messages. */
export function unavailablePackages(
  messages: string,
): readonly { readonly kind: 'version' | 'release'; readonly name: string; readonly wanted: string }[] {
  const found = messages.matchAll(
    /^E: (?<kind>Version|Release) '(?<wanted>[^']+)' for '(?<name>[^']+)' was not found$/gm,
  );
  return [...found].map(({ groups }) => ({
    kind: groups?.['kind'] === 'Version' ? 'version' : 'release',
    name: groups?.['name'] ?? '',
    wanted: groups?.['wanted'] ?? '',
  }));
}

/** What a stanza of `linux-image-arm64` depends on: `linux-image-6.12.118+deb13-arm64`. */
export function kernelDependency(stanza: string): string | undefined {
  const depends = namesOf(/^Depends: (.+)$/m.exec(stanza)?.[1] ?? '');
  return depends.find((name) => /^linux-image-\d/.test(name));
}

/** Names of the packages in these stanzas that depend on `name`, or on something that it provides. */
export function dependents(name: string, stanzas: string): readonly string[] {
  const all = stanzas.split('\n\n').map((stanza) => {
    const field = (key: string): string => new RegExp(`^${key}: (.+)$`, 'm').exec(stanza)?.[1] ?? '';
    return {
      package: field('Package'),
      provides: namesOf(field('Provides')),
      groups: [...field('Depends').split(','), ...field('Pre-Depends').split(',')].map((group) => namesOf(group, '|')),
    };
  });
  const own = all.find((one) => one.package === name);
  const meant = new Set([name, ...(own?.provides ?? [])]);
  const needing = all.filter(
    ({ package: other, groups }) => other !== name && groups.some((group) => group.some((one) => meant.has(one))),
  );
  return [...new Set(needing.map((one) => one.package))].sort();
}

/** Without versions and architectures. */
function namesOf(list: string, separator = ','): readonly string[] {
  return list
    .split(separator)
    .map((one) => one.trim().split(/[\s(:]/)[0] ?? '')
    .filter((one) => one !== '');
}

/**
 * The same packages for another architecture. A rebuild without a change of source (+b1 against +b2) counts as the
 * same: such rebuilds happen for one architecture at a time.
 */
export function twinsOf(
  packages: readonly LockedPackage[],
  candidates: readonly LockedPackage[],
): readonly LockedPackage[] {
  const known = new Map(
    candidates.map((candidate) => [`${candidate.name} ${sourceBuild(candidate.version)}`, candidate]),
  );
  return packages.flatMap((wanted) => {
    if (wanted.architecture === 'all') return [];
    const twin = known.get(`${wanted.name} ${sourceBuild(wanted.version)}`);
    return twin === undefined || twin.architecture === 'all' ? [] : [twin];
  });
}

function sourceBuild(version: string): string {
  return version.replace(/\+b\d+$/, '');
}
