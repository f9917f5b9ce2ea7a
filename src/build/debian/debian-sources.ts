import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Made } from '../../pipeline/stage.js';
import type { Node } from '../../pipeline/graph.js';
import { stageNode, valueNode } from '../../pipeline/graph.js';
import { withoutBackports } from '../../sources/debian/apt-sources.js';
import type { Layer } from '../../model/image-spec.js';
import type { PackageLock } from '../../sources/debian/packages.js';
import type { Packages } from '../../sources/debian/packages-of-image.js';
import type { Rootfs, RootfsInput } from '../../sources/debian/rootfs/rootfs.js';
import { rootfsStage } from '../../sources/debian/rootfs/rootfs.js';
import { wirelessFirmwareStage } from '../../sources/firmware/wireless-firmware.js';
import { dockerBundleStage } from '../../sources/software/docker-bundle.js';
import { softwareStage } from '../../sources/software/pinned-files.js';
import type { ToolsTree } from '../../tools/tools-tree.js';
import type { BuildRequest } from '../build-request.js';
import type { Surroundings } from '../debian-nodes.js';
import { wantsBackports } from '../debian-nodes.js';
import type { DebianRequest } from './debian-request.js';

/** Where the content of a Debian root comes from. */
export type DebianSources = {
  readonly wireless: Node<Made>;
  readonly rootfs: Node<Rootfs>;
  readonly dockerBundle: Node<Made> | undefined;
  readonly software: Node<Made> | undefined;
  readonly all: readonly Node<unknown>[];
};

export function debianSources(
  { spec: { board }, sourceDateEpoch }: BuildRequest,
  debian: DebianRequest,
  tools: Node<ToolsTree>,
  packages: Node<Packages>,
  surroundings: Surroundings,
): DebianSources {
  const { dockerBundle: bundle, software: wanted } = debian;
  const wireless = stageNode(wirelessFirmwareStage, { tools, packages }, ({ tools, packages }) => ({
    tools,
    packages: board.wireless.map((one) => ({ deb: packages.deb(one.package), files: one.files })),
  }));
  const dockerBundle =
    bundle &&
    stageNode(dockerBundleStage, { tools }, ({ tools }) => ({ tools, bundle, architecture: board.architecture }));
  const software = wanted.some(({ files }) => files.length > 0)
    ? stageNode(softwareStage, {}, () => ({ software: wanted }))
    : undefined;
  const input = rootfsInputNode(debian, sourceDateEpoch, tools, packages, surroundings);
  const rootfs = stageNode(rootfsStage, { input }, (made) => made.input);
  const all = [wireless, dockerBundle, software, rootfs].filter((node) => node !== undefined);
  return { wireless, rootfs, dockerBundle, software, all };
}

/** Whose dpkg filters and presets count while packages are installed. */
type ShapingFolders = { readonly layers: readonly Layer[]; readonly overlays: readonly string[] };

/**
 * What the packages' file system is made from.
 *
 * @param lockOf those of the locked packages that are installed
 */
export function rootfsInputNode(
  debian: DebianRequest,
  sourceDateEpoch: number,
  tools: Node<ToolsTree>,
  packages: Node<Packages>,
  { hostArchitecture }: Surroundings,
  { layers, overlays }: ShapingFolders = debian.root,
  lockOf: (lock: PackageLock) => RootfsInput['lock'] = (lock) => lock,
): Node<RootfsInput> {
  const shaping = layers.filter(({ shapesPackages }) => shapesPackages).flatMap(({ files }) => files ?? []);
  return valueNode({ tools, packages }, async ({ tools, packages }) => ({
    tools,
    hostArchitecture,
    lock: lockOf(packages.lock),
    sources: packages.sources,
    packageFiles: debian.packageFiles,
    // A device gets its updates from the release alone, unless a package of it comes from elsewhere.
    deviceSources: wantsBackports(debian.packages) ? packages.debianSources : withoutBackports(packages.debianSources),
    dpkgFilters: await textsBelow('etc/dpkg/dpkg.cfg.d', /^[\w-]+$/, [...shaping, ...overlays]),
    unitPresets: await textsBelow('etc/systemd/system-preset', /./, shaping),
    sourceDateEpoch,
    accelerate: debian.accelerate,
  }));
}

/**
 * All files of a place that several folders have, in the order of their names, as the programs that read them go. A file
 * of a later folder takes the place of an earlier one's of the same name.
 * @param names that those programs read
 */
async function textsBelow(place: string, names: RegExp, folders: readonly string[]): Promise<string> {
  const files = new Map<string, string>();
  for (const folder of folders) {
    const found = await readdir(join(folder, place)).catch(() => []);
    for (const name of found.filter((one) => names.test(one))) files.set(name, join(folder, place, name));
  }
  const sorted = [...files].sort(([a], [b]) => (a < b ? -1 : 1));
  return (await Promise.all(sorted.map(([, path]) => readFile(path, 'utf8')))).join('\n');
}
