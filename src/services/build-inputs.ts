import { readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Seed } from '../config/seed/seed.js';
import { SEED_FILE_NAMES } from '../config/seed/seed.js';
import type { Board } from '../domain/board.js';
import { cmdlineTxt, configTxt, fstab } from '../domain/boot-files.js';
import type { DiskLayout } from '../domain/disk-layout.js';
import { planDiskLayout } from '../domain/disk-layout.js';
import type { Json } from '../domain/json.js';
import { osReleaseVariant, reswarmRelease } from '../domain/release-files.js';
import type { TreeContent } from '../domain/tree-content.js';
import { measureTree } from '../domain/tree-content.js';
import type { StoreEntry } from '../pipeline/store.js';
import type { BootFirmwareInput } from '../stages/boot-firmware.js';
import type { BootFile, BootPartitionInput } from '../stages/boot-partition.js';
import type { CloudInitSchemaInput } from '../stages/cloud-init-schema.js';
import type { KernelInput } from '../stages/kernel.js';
import { kernelFiles } from '../stages/kernel.js';
import type { PackageLockInput } from '../stages/package-lock.js';
import type { RootLayer, RootPartitionInput } from '../stages/root-partition.js';
import type { RootfsInput } from '../stages/rootfs.js';
import type { ToolsTree } from '../stages/tools-tree.js';
import type { WirelessFirmwareInput } from '../stages/wireless-firmware.js';
import type { BuildRequest } from './build-request.js';
import type { Packages } from './obtain-packages.js';

/** What each stage of a build is given: the one place that knows which result goes where. */

export type BuiltParts = Readonly<Record<'firmware' | 'wireless' | 'kernel' | 'rootfs', StoreEntry>>;

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
    packages: request.packages,
    fetched: [...new Set([board.kernel.package, ...firmwarePackages, ...board.wireless.map((one) => one.package)])],
  };
}

export function cloudInitSchema(tools: ToolsTree, packages: Packages): CloudInitSchemaInput {
  return { tools, deb: packages.deb('cloud-init') };
}

export function bootFirmware(request: BuildRequest, tools: ToolsTree, packages: Packages): BootFirmwareInput {
  const { firmware, board } = request;
  const deb = debianSources(request).map((name) => packages.deb(name))[0];
  return { tools, firmware, files: board.firmware.files, ...(deb === undefined ? {} : { deb }) };
}

function debianSources({ firmware }: BuildRequest): readonly string[] {
  return firmware.sources.flatMap((source) => ('debian' in source ? [source.debian.package] : []));
}

export function wirelessFirmware(request: BuildRequest, tools: ToolsTree, packages: Packages): WirelessFirmwareInput {
  return {
    tools,
    packages: request.board.wireless.map((one) => ({ deb: packages.deb(one.package), files: one.files })),
  };
}

export function kernel(request: BuildRequest, tools: ToolsTree, packages: Packages): KernelInput {
  const { board, fragments, sourceDateEpoch } = request;
  const { localVersion } = board.kernel;
  return { tools, source: packages.deb(board.kernel.package), fragments, localVersion, sourceDateEpoch };
}

export async function rootfs(
  request: BuildRequest,
  tools: ToolsTree,
  packages: Packages,
  hostArchitecture: string,
): Promise<RootfsInput> {
  const [base] = request.overlays;
  const ofBase = (path: string): Promise<string> => readFile(join(base.path, path), 'utf8');
  return {
    tools,
    hostArchitecture,
    lock: packages.lock,
    sources: packages.sources,
    deviceSources: packages.sources,
    dpkgFilters: await ofBase('etc/dpkg/dpkg.cfg.d/50-reswarm'),
    unitPresets: await ofBase('etc/systemd/system-preset/50-reswarm.preset'),
    sourceDateEpoch: request.sourceDateEpoch,
    accelerate: request.accelerate,
  };
}

export function rootPartition(request: BuildRequest, tools: ToolsTree, parts: BuiltParts): RootPartitionInput {
  const { board, sourceDateEpoch } = request;
  const release = { board, version: request.version, kernel: parts.kernel.key, rootfs: parts.rootfs.key };
  const layers: RootLayer[] = [
    { path: kernelFiles(parts.kernel.path).modules, digest: parts.kernel.key, normaliseModes: true },
    { path: parts.wireless.path, digest: parts.wireless.key, normaliseModes: true },
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
    ],
    osRelease: osReleaseVariant(release),
    board,
    sourceDateEpoch,
  };
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
  const licence = 'LICENCE.broadcom';
  return [
    ...[...board.firmware.files, licence].map((name) => {
      return fromStage(name, join(parts.firmware.path, name), parts.firmware);
    }),
    fromStage(image.name, image.compression === 'gzip' ? files.imageGz : files.image, parts.kernel),
    ...board.deviceTrees.map((name) => fromStage(name, join(files.deviceTrees, name), parts.kernel)),
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
