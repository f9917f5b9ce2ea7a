import { lstat, readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { Problem } from '../../errors.js';
import type { ImageSpec } from '../../model/image-spec.js';
import type { PinnedSoftware } from '../../model/software.js';
import { mergedPath, NOT_ON_THE_ROOT, SOFTWARE_PRESET } from '../../model/software.js';

/** Folders that a user copies over the root, and what else the build puts there. */
export type CheckedOverlays = {
  readonly spec: Pick<ImageSpec, 'hostname' | 'partitions' | 'volumes' | 'trees'>;
  /** Overlays, and files of layers that are not shipped. Absolute. */
  readonly folders: readonly string[];
  readonly software: readonly PinnedSoftware[];
};

/**
 * What a device would never see of the folders that are copied. Codes: `overlay-hidden` for files below the mount
 * point of another file system, `overlay-file-derived` for files that the build writes itself, and
 * `software-destination` for software that would lie below a mount point.
 */
export async function overlayProblems({ spec, folders, software }: CheckedOverlays): Promise<readonly Problem[]> {
  const mounts = mountedData(spec);
  const onRoot = [
    ...NOT_ON_THE_ROOT.map((place) => ({ place, hint: place === 'boot' ? BOOT_FILES : 'Put it elsewhere.' })),
    ...mounts.map(({ name, mount }) => ({ place: mount.slice(1), hint: filesOf(name) })),
  ];
  const ofRoot = folders.map((folder) => hiddenFiles(folder, onRoot));
  const ofData = mounts.flatMap((outer) => {
    const below = mounts.filter(({ mount }) => mount.startsWith(`${outer.mount}/`));
    const places = below.map(({ name, mount }) => ({ place: relative(outer.mount, mount), hint: filesOf(name) }));
    return outer.folders.map((folder) => hiddenFiles(folder, places));
  });
  const derived = folders.map((folder) => derivedFiles(folder, spec.hostname, software));
  const found = await Promise.all([...ofRoot, ...ofData, ...derived]);
  return [...found.flat(), ...hiddenSoftware(software, mounts)];
}

const BOOT_FILES = 'Files for /boot: `reswarm-os inject IMAGE --file SRC:DST`.';
const filesOf = (name: string): string => `Name its folder under "files" of the partition ${name}.`;

type MountedData = { readonly name: string; readonly mount: string; readonly folders: readonly string[] };

function mountedData({ partitions, volumes, trees }: CheckedOverlays['spec']): readonly MountedData[] {
  return partitions.flatMap(({ name, role, mount, volume }) => {
    if (role !== 'data' || mount === undefined) return [];
    const tree = trees[volumes[volume]?.tree ?? ''];
    return [{ name, mount, folders: tree?.from === 'files' ? tree.overlays : [] }];
  });
}

/** Files that the device would never see: another file system lies over their place. */
async function hiddenFiles(
  folder: string,
  places: readonly { readonly place: string; readonly hint: string }[],
): Promise<Problem[]> {
  const problems = places.map(async ({ place, hint }): Promise<Problem[]> => {
    const [first] = await readdir(join(folder, place)).catch(() => []);
    if (first === undefined) return [];
    const message = `the overlay ${folder} has ${place}/${first}, which another file system hides on the device`;
    return [{ code: 'overlay-hidden', message, hint }];
  });
  return (await Promise.all(problems)).flat();
}

function hiddenSoftware(software: readonly PinnedSoftware[], mounts: readonly MountedData[]): Problem[] {
  return software.flatMap(({ files }) =>
    files.flatMap(({ to, at }): Problem[] => {
      const over = mounts.find(({ mount }) => to === mount || to.startsWith(`${mount}/`));
      if (over === undefined) return [];
      const message = `"${to}" lies on the partition ${over.name}, not in the root file system`;
      return [{ code: 'software-destination', message, hint: filesOf(over.name), ...at }];
    }),
  );
}

/** What the build writes over every overlay, and what to do instead. Paths without a leading slash. */
const DERIVED: Readonly<Record<string, string>> = {
  'etc/fstab':
    'It is written from "partitions": `mount` and `readOnly` there. For anything else add a unit: etc/systemd/system/NAME.mount.',
  'etc/hostname': 'Set `hostname` in the board or the system; for one device: --hostname.',
  'etc/os-release': 'It is made from usr/lib/os-release: put that file into the overlay.',
  'etc/reswarm-os-release': 'Put facts of your own into a file of another name.',
  'usr/lib/reswarm/container-engine': 'Choose the engine in the system or with --docker.',
  'usr/lib/reswarm/container-images': 'List the images in the system or with --docker-image.',
  'usr/lib/reswarm/grown-partition': 'Say `grow: true` of a partition.',
};

/** Files that would lose to what the build writes. A hostname that says the same loses nothing. */
async function derivedFiles(folder: string, hostname: string, software: readonly PinnedSoftware[]): Promise<Problem[]> {
  const ofSoftware = software.flatMap(({ name, files }) =>
    files.flatMap(({ to, unpack }) => (unpack === undefined ? [[to.slice(1), bySoftware(name)] as const] : [])),
  );
  const hasUnits = software.some(({ units }) => units.length > 0);
  const derived = [
    ...Object.entries(DERIVED),
    ...(hasUnits ? [[SOFTWARE_PRESET, 'Say `enable` of the units of "software".'] as const] : []),
    ...ofSoftware,
  ];
  const problems = derived.map(async ([path, hint]): Promise<Problem[]> => {
    const found = await firstPresent(folder, spellings(path));
    if (found === undefined) return [];
    if (path === 'etc/hostname' && (await readFile(join(folder, found), 'utf8').catch(() => '')).trim() === hostname)
      return [];
    const message = `the overlay ${folder} has ${found}, which the build replaces by its own`;
    return [{ code: 'overlay-file-derived', message, hint }];
  });
  return (await Promise.all(problems)).flat();
}

const bySoftware = (name: string): string => `"${name}" of the software brings it: keep one of the two.`;

/** An overlay may reach /usr/lib through the link /lib, which stays one. */
function spellings(path: string): readonly string[] {
  const merged = mergedPath(`/${path}`).slice(1);
  return [merged, ...(/^usr\/(?:bin|sbin|lib)\//.test(merged) ? [merged.slice('usr/'.length)] : [])];
}

async function firstPresent(folder: string, paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) {
    const status = await lstat(join(folder, path)).catch(() => undefined);
    if (status !== undefined) return path;
  }
  return undefined;
}
