import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Seed } from '../seeds/seed.js';
import { SEED_FILE_NAMES } from '../seeds/seed.js';
import type { Board } from '../model/board.js';
import { withBackports, withoutBackports } from '../sources/debian/apt-sources.js';
import { cmdlineTxt, configTxt, fstab } from '../boot/boot-files.js';
import type { Command } from '../model/command.js';
import type { DiskLayout } from '../disk/disk-layout.js';
import { planDiskLayout } from '../disk/disk-layout.js';
import { IMAGES_FOLDER } from '../model/container-engine.js';
import type { Json } from '../model/json.js';
import { osReleaseVariant, reswarmRelease } from '../sources/debian/release-files.js';
import { SOFTWARE_PRESET, SOFTWARE_UNIT_FOLDER, softwarePreset } from '../model/software.js';
import type { TreeContent } from '../model/tree-content.js';
import { measureTree } from '../model/tree-content.js';
import type { StoreEntry } from '../pipeline/store.js';
import type { BootFirmwareInput } from '../sources/firmware/boot-firmware.js';
import type { BootFile, BootPartitionInput } from '../filesystems/vfat.js';
import type { DeviceTreeOverlaysInput } from '../sources/kernel/device-tree-overlays.js';
import type { CloudInitSchemaInput } from '../sources/debian/cloud-init-schema.js';
import type { DockerBundleInput } from '../sources/software/docker-bundle.js';
import type { KernelInput } from '../sources/kernel/kernel.js';
import { kernelFiles } from '../sources/kernel/kernel.js';
import type { PackageLockInput } from '../sources/debian/package-lock.js';
import type { SoftwareInput } from '../sources/software/pinned-files.js';
import type { RootLayer, RootPartitionInput } from '../filesystems/ext4.js';
import type { PlacedFile } from '../model/software.js';
import type { RootfsInput } from '../sources/debian/rootfs.js';
import type { ToolsTree } from '../tools/tools-tree.js';
import type { WirelessFirmwareInput } from '../sources/firmware/wireless-firmware.js';
import type { BuildRequest } from './build-request.js';
import { localVersionOf } from '../sources/kernel/kernel-flavour.js';
import type { Packages } from '../sources/debian/packages-of-image.js';

/** What each stage of a build is given: the one place that knows which result goes where. */

export type BuiltParts = Readonly<Record<'wireless' | 'kernel' | 'rootfs' | 'overlays', StoreEntry>> & {
  /** Undefined for a board without boot firmware on the card. */
  readonly firmware?: StoreEntry | undefined;
  /** With Docker's static programs only. */
  readonly dockerBundle?: StoreEntry | undefined;
  /** Where there is software with files only. */
  readonly software?: StoreEntry | undefined;
};

export function packageLock(
  request: BuildRequest,
  tools: ToolsTree,
  options: { readonly hostArchitecture: string; readonly sources: string; readonly archiveAsOf: string },
): PackageLockInput {
  const { board } = request;
  const firmwarePackages = debianSources(request);
  return {
    tools,
    suite: board.rootfs.suite,
    architecture: board.architecture,
    ...options,
    sources: packageSources(board, options.sources),
    packages: request.packages,
    fetched: [...new Set([...kernelPackages(board), ...firmwarePackages, ...board.wireless.map((one) => one.package)])],
  };
}

export function cloudInitSchema(tools: ToolsTree, packages: Packages): CloudInitSchemaInput {
  return { tools, deb: packages.deb('cloud-init') };
}

/** Undefined for a board without boot firmware on the card. */
export function bootFirmware(
  request: BuildRequest,
  tools: ToolsTree,
  packages: Packages,
): BootFirmwareInput | undefined {
  const { firmware, board } = request;
  if (firmware === undefined) return undefined;
  const deb = debianSources(request).map((name) => packages.deb(name))[0];
  return { tools, firmware, files: board.firmware?.files ?? [], ...(deb === undefined ? {} : { deb }) };
}

function debianSources({ firmware }: BuildRequest): readonly string[] {
  return (firmware?.sources ?? []).flatMap((source) => ('debian' in source ? [source.debian.package] : []));
}

export function deviceTreeOverlays(request: BuildRequest, tools: ToolsTree): DeviceTreeOverlaysInput {
  return { tools, overlays: request.deviceTreeOverlays };
}

export function wirelessFirmware(request: BuildRequest, tools: ToolsTree, packages: Packages): WirelessFirmwareInput {
  return {
    tools,
    packages: request.board.wireless.map((one) => ({ deb: packages.deb(one.package), files: one.files })),
  };
}

export function kernel(
  { board, fragments, patches, sourceDateEpoch }: KernelRequest,
  tools: ToolsTree,
  packages: Packages,
): KernelInput {
  const { architecture } = board;
  const localVersion = localVersionOf(board);
  const source = board.kernel.source ?? packages.deb(board.kernel.package);
  return { tools, architecture, source, fragments, patches, localVersion, sourceDateEpoch };
}

/** What a kernel needs of a build's request. */
export type KernelRequest = Pick<BuildRequest, 'board' | 'fragments' | 'patches' | 'sourceDateEpoch'>;

/** Debian packages that the kernel is made from; a tarball is none. */
export function kernelPackages({ kernel }: Board): readonly string[] {
  return kernel.source === undefined ? [kernel.package] : [];
}

/** The archives of the board's packages: backports only where its kernel comes from there. */
export function packageSources({ kernel, rootfs }: Board, sources: string): string {
  const wantsBackports = kernel.source === undefined && kernel.suite !== rootfs.suite;
  return wantsBackports ? withBackports(sources, rootfs.suite) : sources;
}

export async function rootfs(
  request: BuildRequest,
  tools: ToolsTree,
  packages: Packages,
  hostArchitecture: string,
): Promise<RootfsInput> {
  return {
    tools,
    hostArchitecture,
    lock: packages.lock,
    sources: packages.sources,
    // A device gets its updates from the release alone.
    deviceSources: withoutBackports(packages.sources),
    dpkgFilters: await textsBelow('etc/dpkg/dpkg.cfg.d', request.systemLayers),
    unitPresets: await textsBelow('etc/systemd/system-preset', request.systemLayers),
    sourceDateEpoch: request.sourceDateEpoch,
    accelerate: request.accelerate,
  };
}

/** All files of a folder that several layers have, in the order of their names, as the programs that read them go. */
async function textsBelow(folder: string, layers: readonly string[]): Promise<string> {
  const found = await Promise.all(
    layers.map(async (layer) => {
      const names = await readdir(join(layer, folder)).catch(() => []);
      return names.map((name) => ({ name, path: join(layer, folder, name) }));
    }),
  );
  const files = found.flat().sort((a, b) => (a.name < b.name ? -1 : 1));
  return (await Promise.all(files.map(({ path }) => readFile(path, 'utf8')))).join('\n');
}

/** Undefined with another source than `static`. */
export function dockerBundle(request: BuildRequest, tools: ToolsTree): DockerBundleInput | undefined {
  const { dockerBundle: bundle, board } = request;
  return bundle && { tools, bundle, architecture: board.architecture };
}

/** Undefined where no software has files. */
export function software(request: BuildRequest): SoftwareInput | undefined {
  return request.software.some(({ files }) => files.length > 0) ? { software: request.software } : undefined;
}

export function rootPartition(request: BuildRequest, tools: ToolsTree, parts: BuiltParts): RootPartitionInput {
  const { board, sourceDateEpoch } = request;
  const release = { board, version: request.version, kernel: parts.kernel.key, rootfs: parts.rootfs.key };
  const layers: RootLayer[] = [
    { path: kernelFiles(parts.kernel.path).modules, digest: parts.kernel.key, normaliseModes: true },
    { path: parts.wireless.path, digest: parts.wireless.key, normaliseModes: true },
    ...(parts.dockerBundle === undefined
      ? []
      : [{ path: parts.dockerBundle.path, digest: parts.dockerBundle.key, normaliseModes: true }]),
    ...request.overlays,
  ];
  return {
    tools,
    rootfs: { tar: join(parts.rootfs.path, 'rootfs.tar'), digest: parts.rootfs.key },
    layers,
    texts: [
      { path: 'etc/fstab', text: fstab(emptyLayout(board)) },
      { path: 'etc/hostname', text: `${board.hostname}\n` },
      { path: 'etc/reswarm-os-release', text: reswarmRelease(release) },
      ...contentTexts(request),
    ],
    osRelease: osReleaseVariant(release),
    files: placedFiles(request, parts),
    inImage: settledInImage(request),
    board,
    sourceDateEpoch,
  };
}

/** What the boot check and the units of an image read about it, and the units of its software. */
function contentTexts({ board, images, software }: BuildRequest): RootPartitionInput['texts'] {
  const units = software.flatMap((one) => one.units);
  const tags = images.flatMap((image) => image.tags);
  return [
    { path: 'usr/lib/reswarm/container-engine', text: `${board.docker.source}\n` },
    ...(tags.length === 0 ? [] : [{ path: 'usr/lib/reswarm/container-images', text: `${tags.join('\n')}\n` }]),
    ...units.map(({ name, text }) => ({ path: `${SOFTWARE_UNIT_FOLDER}/${name}`, text })),
    ...(units.length === 0 ? [] : [{ path: SOFTWARE_PRESET, text: softwarePreset(software) }]),
  ];
}

function placedFiles({ images, software }: BuildRequest, parts: BuiltParts): readonly PlacedFile[] {
  const folder = parts.software?.path;
  return [
    ...images.map(({ path, sha256, name }) => {
      return { source: path, sha256, to: `/${IMAGES_FOLDER}/${name}`, mode: 0o600, owner: 'root' };
    }),
    ...software
      .flatMap(({ files }) => files)
      .map(({ sha256, to, mode, owner, unpack }) => {
        const source = join(folder ?? '', sha256);
        return { source, sha256, to, mode, owner, ...(unpack === undefined ? {} : { unpack }) };
      }),
  ];
}

/** Units that come with no package are enabled by the image's own systemctl, as their presets say. */
function settledInImage({ layers, software }: BuildRequest): readonly Command[] {
  const units = [
    ...layers.flatMap((layer) => layer.units),
    ...software.flatMap((one) => one.units.map(({ name }) => name)),
  ];
  return [
    ...layers
      .flatMap(({ sysusers }) => sysusers)
      .map((name) => ({
        file: 'systemd-sysusers',
        args: [`/usr/lib/sysusers.d/${name}`],
      })),
    ...(units.length === 0 ? [] : [{ file: 'systemctl', args: ['preset', ...units] }]),
  ];
}

/** For what names partitions by their ids on the disk, which do not depend on what they hold. */
function emptyLayout(board: Board): DiskLayout {
  const nothing = { bytes: 0, files: 0 };
  return planDiskLayout(board, { boot: nothing, root: nothing });
}

/** Everything on the FAT: firmware, kernel, device trees, what the firmware reads, and the seed. */
export function bootFiles(request: BuildRequest, seed: Seed, parts: BuiltParts): readonly BootFile[] {
  const { board } = request;
  const { image } = board.kernel;
  const files = kernelFiles(parts.kernel.path);
  const fromStage = (name: string, source: string, entry: StoreEntry): BootFile => {
    return { name, source, digest: `${entry.key}/${basename(source)}` };
  };
  const { firmware } = parts;
  const firmwareFiles = board.firmware === undefined ? [] : [...board.firmware.files, 'LICENCE.broadcom'];
  const deviceTrees = [...board.deviceTrees.map((name) => [name, name]), ...Object.entries(board.deviceTreeCopies)];
  return [
    ...(firmware === undefined
      ? []
      : firmwareFiles.map((name) => fromStage(name, join(firmware.path, name), firmware))),
    fromStage(image.name, image.compression === 'gzip' ? files.imageGz : files.image, parts.kernel),
    ...deviceTrees.map(([name = '', own = '']) => fromStage(name, join(files.deviceTrees, own), parts.kernel)),
    ...board.deviceTreeOverlays.map(({ name }) => {
      return fromStage(`overlays/${name}.dtbo`, join(parts.overlays.path, `${name}.dtbo`), parts.overlays);
    }),
    { name: 'config.txt', text: configTxt(board) },
    { name: 'cmdline.txt', text: cmdlineTxt(emptyLayout(board), board) },
    { name: SEED_FILE_NAMES.userData, text: seed.userData },
    { name: SEED_FILE_NAMES.metaData, text: seed.metaData },
    ...(seed.networkConfig === undefined ? [] : [{ name: SEED_FILE_NAMES.networkConfig, text: seed.networkConfig }]),
  ];
}

export async function measureBootFiles(files: readonly BootFile[]): Promise<TreeContent> {
  const sizes = await Promise.all(
    files.map(async (file) => ('text' in file ? Buffer.byteLength(file.text) : (await stat(file.source)).size)),
  );
  return measureTree(sizes.map((sizeBytes) => ({ type: 'file', sizeBytes })));
}

export function bootPartition(
  request: BuildRequest,
  tools: ToolsTree,
  files: readonly BootFile[],
  layout: DiskLayout,
): BootPartitionInput {
  return { tools, files, ...fatOf(layout), sourceDateEpoch: request.sourceDateEpoch };
}

/** What mkfs.fat needs to know. */
export function fatOf(layout: DiskLayout): Pick<BootPartitionInput, 'label' | 'serial' | 'sizeBytes' | 'offsetBytes'> {
  const [{ label, uuid, sizeBytes, offsetBytes }] = layout.partitions;
  return { label, serial: uuid, sizeBytes, offsetBytes };
}

export function layoutKey(layout: DiskLayout): Json {
  const places = layout.partitions.map(({ offsetBytes, sizeBytes }) => ({ offsetBytes, sizeBytes }));
  return { diskId: layout.diskId, totalBytes: layout.totalBytes, places };
}
