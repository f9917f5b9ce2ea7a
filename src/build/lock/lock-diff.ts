import type { ImageLock, LockedDeb } from './lock-file.js';

/** What two locks have of one thing; `undefined`: one of them does not have it. */
export type LockChange = {
  /** `tools`, `image`, `build` (only unpacked or run while building), `source`, `download`, `file`. */
  readonly part: 'tools' | 'image' | 'build' | 'source' | 'download' | 'file';
  readonly name: string;
  readonly architecture?: string;
  readonly before?: string | undefined;
  readonly after?: string | undefined;
  /** The version is the same and the bytes are others. */
  readonly sameVersion?: true;
  readonly why: readonly string[];
  /** What the package files have more, or less. */
  readonly bytes: number;
};

type Item = {
  readonly part: LockChange['part'];
  readonly name: string;
  readonly architecture?: string;
  readonly version: string;
  readonly digest: string;
  readonly sizeBytes: number;
  readonly why: readonly string[];
};

/** What changes between two locks, in the order of parts and names. */
export function diffLocks(before: ImageLock, after: ImageLock): readonly LockChange[] {
  const [old, now] = [itemsOf(before), itemsOf(after)];
  const keys = [...new Set([...old.keys(), ...now.keys()])].toSorted();
  return keys.flatMap((key): LockChange[] => {
    const [from, to] = [old.get(key), now.get(key)];
    const any = to ?? from;
    if (any === undefined || from?.digest === to?.digest) return [];
    return [
      {
        part: any.part,
        name: any.name,
        ...(any.architecture === undefined ? {} : { architecture: any.architecture }),
        before: from?.version,
        after: to?.version,
        ...(from?.version === to?.version ? { sameVersion: true as const } : {}),
        why: any.why,
        bytes: (to?.sizeBytes ?? 0) - (from?.sizeBytes ?? 0),
      },
    ];
  });
}

function itemsOf(lock: ImageLock): ReadonlyMap<string, Item> {
  const debs = (part: Item['part'], list: readonly LockedDeb[]): Item[] =>
    list.map(({ name, architecture, version, sha256, sizeBytes, why }) => {
      return { part, name, architecture, version, digest: sha256, sizeBytes, why };
    });
  const items: Item[] = [
    ...debs('tools', lock.tools.debs),
    ...lock.packages.flatMap(({ install, twins, fetched }) => [
      ...debs('image', install),
      ...debs('build', [...twins, ...fetched]),
    ]),
    ...lock.sources.map(({ name, version, files, why }) => {
      const sizeBytes = files.reduce((sum, file) => sum + file.sizeBytes, 0);
      const digest = files.map(({ sha256 }) => sha256).join(' ');
      return { part: 'source' as const, name, version, digest, sizeBytes, why };
    }),
    ...lock.downloads.map(({ name, sha256, sizeBytes = 0, why }) => {
      return { part: 'download' as const, name, version: sha256.slice(0, 12), digest: sha256, sizeBytes, why };
    }),
    ...lock.files.map(({ name, sha256, why }) => {
      return { part: 'file' as const, name, version: sha256.slice(0, 12), digest: sha256, sizeBytes: 0, why };
    }),
  ];
  return new Map(items.map((one) => [[one.part, one.name, one.architecture ?? ''].join(' '), one]));
}
