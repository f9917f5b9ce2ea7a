import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startsByGrub } from '../boot/grub.js';
import { identify } from '../disk/identity.js';
import type { Made } from '../pipeline/stage.js';
import type { Node } from '../pipeline/graph.js';
import { stageNode, valueNode } from '../pipeline/graph.js';
import { withoutBackports } from '../sources/debian/apt-sources.js';
import type { Packages } from '../sources/debian/packages-of-image.js';
import type { Rootfs, RootfsInput } from '../sources/debian/rootfs/rootfs.js';
import { rootfsStage } from '../sources/debian/rootfs/rootfs.js';
import type { BootFirmware } from '../sources/firmware/boot-firmware.js';
import { bootFirmwareStage } from '../sources/firmware/boot-firmware.js';
import { wirelessFirmwareStage } from '../sources/firmware/wireless-firmware.js';
import type { DiskLoader } from '../sources/grub/disk-loader.js';
import { diskLoaderStage } from '../sources/grub/disk-loader.js';
import type { GrubModules } from '../sources/grub/grub-modules.js';
import { GRUB_PACKAGES, grubModulesStage } from '../sources/grub/grub-modules.js';
import { deviceTreeOverlaysStage } from '../sources/kernel/device-tree-overlays.js';
import type { Kernel } from '../sources/kernel/kernel.js';
import { kernelStage } from '../sources/kernel/kernel.js';
import type { KernelInput } from '../sources/kernel/kernel-build.js';
import { localVersionOf } from '../sources/kernel/kernel-flavour.js';
import { dockerBundleStage } from '../sources/software/docker-bundle.js';
import { softwareStage } from '../sources/software/pinned-files.js';
import type { ToolsTree } from '../tools/tools-tree.js';
import type { BuildRequest } from './build-request.js';
import type { Surroundings } from './debian-nodes.js';
import { kernelPackages, lockNode, wantsBackports } from './debian-nodes.js';

/** Where all content of an image comes from. */
export type SourceNodes = {
  /** Undefined for a board without boot firmware on the card. */
  readonly firmware: Node<BootFirmware> | undefined;
  /** GRUB's code, and GRUB for this disk, where it starts the board. */
  readonly grubModules: Node<GrubModules> | undefined;
  readonly loader: Node<DiskLoader> | undefined;
  readonly overlays: Node<Made>;
  readonly wireless: Node<Made>;
  readonly kernel: Node<Kernel>;
  readonly rootfs: Node<Rootfs>;
  readonly dockerBundle: Node<Made> | undefined;
  readonly software: Node<Made> | undefined;
  readonly all: readonly Node<unknown>[];
};

/** What apt resolves for an image: its packages, and those that are only unpacked while it is made. */
export function packagesNode(
  request: BuildRequest,
  tools: Node<ToolsTree>,
  surroundings: Surroundings,
): Node<Packages> {
  const { root, packages, spec } = request;
  const { board } = spec;
  const unpacked = [
    ...kernelPackages(board),
    ...firmwarePackages(request),
    ...(startsByGrub(board) ? GRUB_PACKAGES : []),
    ...board.wireless.map((one) => one.package),
  ];
  const fetched = [...new Set(unpacked)];
  const { packageFiles, repositories } = request;
  const wishes = { without: root.withoutPackages, packageFiles, repositories };
  return lockNode({ board, suite: root.suite, packages, fetched, ...wishes }, tools, surroundings);
}

function firmwarePackages({ firmware }: BuildRequest): readonly string[] {
  return (firmware?.sources ?? []).flatMap((source) => ('debian' in source ? [source.debian.package] : []));
}

export function sourceNodes(
  request: BuildRequest,
  tools: Node<ToolsTree>,
  packages: Node<Packages>,
  surroundings: Surroundings,
): SourceNodes {
  const { board } = request.spec;
  const { firmware: entry, dockerBundle: bundle } = request;
  const given = { tools, packages };
  const firmware =
    entry &&
    stageNode(bootFirmwareStage, given, ({ tools, packages }) => {
      const deb = firmwarePackages(request).map((name) => packages.deb(name))[0];
      return { tools, firmware: entry, files: board.firmware?.files ?? [], deb };
    });
  const grubModules = startsByGrub(board)
    ? stageNode(grubModulesStage, given, ({ tools, packages }) => {
        return { tools, debs: GRUB_PACKAGES.map((name) => packages.deb(name)) };
      })
    : undefined;
  const loader =
    grubModules &&
    stageNode(diskLoaderStage, { tools, modules: grubModules }, (made) => ({ ...made, ...bootPlace(request) }));
  const overlays = stageNode(deviceTreeOverlaysStage, { tools }, ({ tools }) => ({
    tools,
    overlays: request.deviceTreeOverlays,
  }));
  const wireless = stageNode(wirelessFirmwareStage, given, ({ tools, packages }) => ({
    tools,
    packages: board.wireless.map((one) => ({ deb: packages.deb(one.package), files: one.files })),
  }));
  const kernel = stageNode(kernelStage, given, ({ tools, packages }) => kernelInput(request, tools, packages));
  const dockerBundle =
    bundle &&
    stageNode(dockerBundleStage, { tools }, ({ tools }) => ({ tools, bundle, architecture: board.architecture }));
  const software = request.software.some(({ files }) => files.length > 0)
    ? stageNode(softwareStage, {}, () => ({ software: request.software }))
    : undefined;
  const input = rootfsInputNode(request, tools, packages, surroundings);
  const rootfs = stageNode(rootfsStage, { input }, (made) => made.input);
  const all = [firmware, loader, wireless, overlays, kernel, dockerBundle, software, rootfs];
  return {
    firmware,
    grubModules,
    loader,
    overlays,
    wireless,
    kernel,
    rootfs,
    dockerBundle,
    software,
    all: all.filter((node) => node !== undefined),
  };
}

/** Where GRUB finds its configuration. Throws TypeError: every disk has a boot partition. */
function bootPlace({ spec: { id, table, partitions } }: BuildRequest) {
  const boot = partitions.find(({ role }) => role === 'boot');
  if (boot === undefined) throw new TypeError('the disk has no boot partition');
  return { table, partition: identify(id, table, partitions).partition(boot.name).number };
}

/** What the packages' file system is made from. */
export function rootfsInputNode(
  request: BuildRequest,
  tools: Node<ToolsTree>,
  packages: Node<Packages>,
  { hostArchitecture }: Surroundings,
): Node<RootfsInput> {
  const { layers, overlays } = request.root;
  const shaping = layers.filter(({ shapesPackages }) => shapesPackages).flatMap(({ files }) => files ?? []);
  return valueNode({ tools, packages }, async ({ tools, packages }) => ({
    tools,
    hostArchitecture,
    lock: packages.lock,
    sources: packages.sources,
    packageFiles: request.packageFiles,
    // A device gets its updates from the release alone, unless a package of it comes from elsewhere.
    deviceSources: wantsBackports(request.packages) ? packages.debianSources : withoutBackports(packages.debianSources),
    dpkgFilters: await textsBelow('etc/dpkg/dpkg.cfg.d', /^[\w-]+$/, [...shaping, ...overlays]),
    unitPresets: await textsBelow('etc/systemd/system-preset', /./, shaping),
    sourceDateEpoch: request.sourceDateEpoch,
    accelerate: request.accelerate,
  }));
}

/** What a kernel needs of a build's request. */
export type KernelRequest = Pick<BuildRequest, 'fragments' | 'patches' | 'sourceDateEpoch'> & {
  readonly spec: Pick<BuildRequest['spec'], 'board'>;
};

export function kernelInput(
  { spec: { board }, fragments, patches, sourceDateEpoch }: KernelRequest,
  tools: ToolsTree,
  packages: Packages,
): KernelInput {
  const { architecture } = board;
  const source = board.kernel.source ?? packages.deb(board.kernel.package);
  return { tools, architecture, source, fragments, patches, localVersion: localVersionOf(board), sourceDateEpoch };
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
