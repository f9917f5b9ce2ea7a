import { UserError } from '../../errors.js';
import type { Json } from '../../model/json.js';
import { canonicalJson } from '../../model/json.js';
import type { PinnedPackageFile, PinnedRepository } from '../../model/packages.js';
import type { Node } from '../../pipeline/graph.js';
import { stageNode, valueNode } from '../../pipeline/graph.js';
import { withMirrorFirst } from '../../sources/debian/apt-sources.js';
import { lockedToolsStage } from '../../sources/debian/locked-tools.js';
import type { Packages } from '../../sources/debian/packages-of-image.js';
import { openPackages } from '../../sources/debian/packages-of-image.js';
import type { LockedPackage } from '../../sources/debian/packages.js';
import type { SourcePackages } from '../../sources/debian/source-packages.js';
import { openSourcePackages } from '../../sources/debian/source-packages.js';
import type { ToolsTree } from '../../tools/tools-tree.js';
import type { ImageLock, LockedDeb } from './lock-file.js';

/** A lock that a build obeys. */
export type LockInUse = {
  readonly lock: ImageLock;
  /** As it was typed. */
  readonly path: string;
  /** Asked before the lock's own archives; may be a pool on this machine. */
  readonly mirror: string | undefined;
};

/** The tools tree from the lock's packages. Throws UserError `lock-other-host`. */
export function lockedTools({ lock, path, mirror }: LockInUse, hostArchitecture: string): Node<ToolsTree> {
  if (lock.hostArchitecture !== hostArchitecture) {
    throw new UserError(
      'lock-other-host',
      `${path} has the tools of a machine of ${lock.hostArchitecture}; this one is ${hostArchitecture}`,
      { hints: ['Build on a machine of that architecture, or make a lock on this one.'] },
    );
  }
  const { suite, archives, debs } = lock.tools;
  return stageNode(lockedToolsStage, {}, () => ({
    architecture: hostArchitecture,
    suite,
    debs: debs.map(packageOf),
    sources: withMirrorFirst(linesOf(archives), mirror),
  }));
}

/** The lock's answer to what is asked of apt. Throws UserError `lock-outdated`. */
export function lockedPackages(
  request: Json,
  wishes: { readonly repositories?: readonly PinnedRepository[]; readonly packageFiles?: readonly PinnedPackageFile[] },
  inUse: LockInUse,
): Node<Packages> {
  const { lock, path, mirror } = inUse;
  const asked = canonicalJson(request);
  const found = lock.packages.find((one) => canonicalJson(one.request) === asked);
  if (found === undefined) throw outdated(path, differences(request as Question, lock));
  const { suite, architecture, essential } = found;
  const [install, twins, fetched] = [found.install, found.twins, found.fetched].map((debs) => debs.map(packageOf));
  if (install === undefined || twins === undefined || fetched === undefined)
    throw new TypeError('three lists are three');
  const answer = { suite, architecture, essential, install, twins, fetched };
  return valueNode({}, () => openPackages(answer, request, linesOf(found.archives), { ...wishes, mirror }));
}

/** Throws UserError `lock-outdated`. */
export function lockedSources(names: readonly string[], { lock, path, mirror }: LockInUse): Node<SourcePackages> {
  const missing = names.filter((name) => !lock.sources.some((one) => one.name === name));
  if (missing.length > 0)
    throw outdated(
      path,
      missing.map((name) => `the source package ${name} is not in it`),
    );
  const archives = [...new Set(lock.sources.flatMap((one) => one.archives))];
  const sources = withMirrorFirst(linesOf(archives), mirror);
  return valueNode({}, () =>
    openSourcePackages(
      lock.sources.map(({ name, version, files }) => ({ name, version, files })),
      sources,
    ),
  );
}

/** `lock-outdated`: what the board and the flags ask for is not what the lock answers. */
export function outdated(path: string, details: readonly string[]): UserError {
  return new UserError('lock-outdated', `${path} was made for something else than what is asked for now`, {
    details,
    hints: [
      `Take the change into the lock: reswarm-os lock update ${path} (or \`lock --output ${path}\` with the new flags), and look at it with \`lock diff\`.`,
    ],
  });
}

type Question = Readonly<Record<string, Json | undefined>>;

/** In words, against the answer that has most in common with the question. */
function differences(question: Question, lock: ImageLock): readonly string[] {
  const all = lock.packages.map(({ request }) => compare(question, request));
  const nearest = all.toSorted((a, b) => a.length - b.length)[0];
  return nearest ?? ['it has no packages'];
}

function compare(now: Question, locked: Question): string[] {
  const keys = [...new Set([...Object.keys(now), ...Object.keys(locked)])].toSorted();
  return keys.flatMap((key): string[] => {
    const [after, before] = [now[key], locked[key]];
    if (canonicalJson(after ?? null) === canonicalJson(before ?? null)) return [];
    const [more, less] = [list(after), list(before)];
    return [
      ...more.filter((one) => !less.includes(one)).map((one) => `${key}: ${one} is asked for, and is not in the lock`),
      ...less
        .filter((one) => !more.includes(one))
        .map((one) => `${key}: ${one} is in the lock, and nobody asks for it`),
    ];
  });
}

function list(value: Json | undefined): readonly string[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value.map(textOf) : [textOf(value)];
}

function textOf(value: Json): string {
  return typeof value === 'string' ? value : canonicalJson(value);
}

function packageOf({ name, version, architecture, filename, sizeBytes, sha256, local }: LockedDeb): LockedPackage {
  const pinned = { name, version, architecture, filename, sizeBytes, sha256 };
  return local === undefined ? pinned : { ...pinned, local };
}

function linesOf(archives: readonly string[]): string {
  return archives.map((line) => `${line}\n`).join('');
}
