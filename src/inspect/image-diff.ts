import type { ImageReport, PackageReport } from './image-report.js';

/** What differs between two images; "first" and "second" as they were named. */
export type ImageDiff = {
  readonly first: string;
  readonly second: string;
  readonly same: boolean;
  readonly sizeBytes: readonly [number, number];
  readonly facts: readonly FactChange[];
  readonly packages: PackageChanges;
  readonly files: FileChanges;
  /** Those whose size differs, the largest change first. */
  readonly folders: readonly SizeChange[];
  readonly packageSizes: readonly SizeChange[];
  readonly configTxt: LineChanges;
  readonly commandLine: LineChanges;
  /** Partitions, files and folders of either that are not read, each with the reason; the rest was compared. */
  readonly notCompared: readonly string[];
};

/** "kernel": 6.12.1 and 6.12.2; undefined where an image has none. */
export type FactChange = { readonly what: string; readonly first?: string; readonly second?: string };

export type SizeChange = { readonly name: string; readonly firstBytes: number; readonly secondBytes: number };

export type LineChanges = { readonly removed: readonly string[]; readonly added: readonly string[] };

export type PackageChanges = {
  readonly added: readonly { readonly name: string; readonly version: string }[];
  readonly removed: readonly { readonly name: string; readonly version: string }[];
  readonly changed: readonly { readonly name: string; readonly first: string; readonly second: string }[];
};

export type FileChanges = {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly changed: readonly FileChange[];
};

/** `content`, `size`, `mode`, `owner`, `kind`, `target`. */
export type FileChange = { readonly path: string; readonly what: readonly string[] };

export function comparePackages(first: readonly PackageReport[], second: readonly PackageReport[]): PackageChanges {
  const before = new Map(first.map((item) => [item.name, item]));
  const after = new Map(second.map((item) => [item.name, item]));
  const only = (list: readonly PackageReport[], other: ReadonlyMap<string, PackageReport>) =>
    list
      .filter(({ name }) => !other.has(name))
      .map(({ name, version }) => ({ name, version }))
      .sort(byName);
  return {
    added: only(second, before),
    removed: only(first, after),
    changed: first
      .flatMap(({ name, version }) => {
        const other = after.get(name);
        return other === undefined || other.version === version
          ? []
          : [{ name, first: version, second: other.version }];
      })
      .sort(byName),
  };
}

/** Lines that only one of the two has, in their order; a line that is there twice is two lines. */
export function compareLines(first: readonly string[], second: readonly string[]): LineChanges {
  const without = (lines: readonly string[], others: readonly string[]): readonly string[] => {
    const left = new Map<string, number>();
    for (const line of others) left.set(line, (left.get(line) ?? 0) + 1);
    return lines.filter((line) => {
      const count = left.get(line) ?? 0;
      if (count > 0) left.set(line, count - 1);
      return count === 0;
    });
  };
  return { removed: without(first, second), added: without(second, first) };
}

export function compareSizes(
  first: ReadonlyMap<string, number>,
  second: ReadonlyMap<string, number>,
): readonly SizeChange[] {
  return [...new Set([...first.keys(), ...second.keys()])]
    .map((name) => ({ name, firstBytes: first.get(name) ?? 0, secondBytes: second.get(name) ?? 0 }))
    .filter(({ firstBytes, secondBytes }) => firstBytes !== secondBytes)
    .sort((a, b) => Math.abs(b.secondBytes - b.firstBytes) - Math.abs(a.secondBytes - a.firstBytes) || byName(a, b));
}

export function compareFacts(first: ImageReport, second: ImageReport): readonly FactChange[] {
  const before = factsOf(first);
  const after = factsOf(second);
  return [...new Set([...before.keys(), ...after.keys()])].flatMap((what): FactChange[] => {
    const [was, is] = [before.get(what), after.get(what)];
    if (was === is) return [];
    return [{ what, ...(was === undefined ? {} : { first: was }), ...(is === undefined ? {} : { second: is }) }];
  });
}

/** What stands in the way of saying that two images are the same, though all that was read is. */
export function notComparedIn(report: ImageReport): readonly string[] {
  return report.partitions.flatMap(({ notRead }) => (notRead === undefined ? [] : [notRead.message]));
}

function factsOf(report: ImageReport): ReadonlyMap<string, string> {
  const facts = new Map<string, string | undefined>([
    ['disk id', report.diskId],
    ['system', report.os?.name],
    ['architecture', report.architecture],
    ['kernel', report.kernel?.version],
    [
      'root archive',
      report.archives.map(({ kind, compressions }) => `${kind} (${compressions.join(' + ')})`).join(', ') || undefined,
    ],
    ['host name', report.seed?.hostname],
    ['instance-id', report.seed?.instanceId],
    ['users', report.seed?.users.map(({ name, sshKeys }) => `${name} (${sshKeys.length} keys)`).join(', ')],
    ...report.partitions.flatMap((partition): [string, string | undefined][] => [
      [`partition ${partition.number}: offset`, partition.offsetBytes.toString()],
      [`partition ${partition.number}: size`, partition.sizeBytes.toString()],
      [`partition ${partition.number}: label`, partition.fileSystem?.label],
      [`partition ${partition.number}: uuid`, partition.fileSystem?.uuid],
    ]),
  ]);
  return new Map([...facts].filter((pair): pair is [string, string] => pair[1] !== undefined));
}

function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}
