import { startsByGrub } from '../boot/grub.js';
import { identify } from '../disk/identity.js';
import type { Made } from '../pipeline/stage.js';
import type { Node } from '../pipeline/graph.js';
import { stageNode } from '../pipeline/graph.js';
import type { Packages } from '../sources/debian/packages-of-image.js';
import type { BootFirmware } from '../sources/firmware/boot-firmware.js';
import { bootFirmwareStage } from '../sources/firmware/boot-firmware.js';
import type { DiskLoader } from '../sources/grub/disk-loader.js';
import { diskLoaderStage } from '../sources/grub/disk-loader.js';
import type { GrubModules } from '../sources/grub/grub-modules.js';
import { GRUB_PACKAGES, grubModulesStage } from '../sources/grub/grub-modules.js';
import { DEBIANS_KERNEL, kernelTarball } from '../model/board.js';
import { debianKernelStage } from '../sources/kernel/debian-kernel.js';
import { deviceTreeOverlaysStage } from '../sources/kernel/device-tree-overlays.js';
import type { Kernel } from '../sources/kernel/kernel.js';
import { kernelStage } from '../sources/kernel/kernel.js';
import type { KernelInput } from '../sources/kernel/kernel-build.js';
import { localVersionOf } from '../sources/kernel/kernel-flavour.js';
import type { ToolsTree } from '../tools/tools-tree.js';
import type { BuildRequest } from './build-request.js';
import { kernelPackages } from './debian-nodes.js';

/** What the hardware needs, whatever runs on it. */
export type HardwareNodes = {
  /** Undefined for a board without boot firmware on the card. */
  readonly firmware: Node<BootFirmware> | undefined;
  /** GRUB's code, and GRUB for this disk, where it starts the board. */
  readonly grubModules: Node<GrubModules> | undefined;
  readonly loader: Node<DiskLoader> | undefined;
  readonly overlays: Node<Made>;
  readonly kernel: Node<Kernel>;
  readonly all: readonly Node<unknown>[];
};

/** Debian packages that are unpacked for it. */
export function hardwarePackages({ spec: { board }, firmware }: BuildRequest): readonly string[] {
  return [...kernelPackages(board), ...firmwarePackages(firmware), ...(startsByGrub(board) ? GRUB_PACKAGES : [])];
}

function firmwarePackages(firmware: BuildRequest['firmware']): readonly string[] {
  return (firmware?.sources ?? []).flatMap((source) => ('debian' in source ? [source.debian.package] : []));
}

export function hardwareNodes(request: BuildRequest, tools: Node<ToolsTree>, packages: Node<Packages>): HardwareNodes {
  const { board } = request.spec;
  const { firmware: entry } = request;
  const given = { tools, packages };
  const firmware =
    entry &&
    stageNode(bootFirmwareStage, given, ({ tools, packages }) => {
      const deb = firmwarePackages(entry).map((name) => packages.deb(name))[0];
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
  const kernel =
    board.kernel.source === DEBIANS_KERNEL
      ? stageNode(debianKernelStage, given, ({ tools, packages }) => {
          return { tools, architecture: board.architecture, deb: packages.kernelImage() };
        })
      : stageNode(kernelStage, given, ({ tools, packages }) => kernelInput(request, tools, packages));
  const all = [firmware, loader, overlays, kernel].filter((node) => node !== undefined);
  return { firmware, grubModules, loader, overlays, kernel, all };
}

/** Where GRUB finds its configuration. Throws TypeError: every disk has a boot partition. */
function bootPlace({ spec: { id, table, partitions } }: BuildRequest) {
  const boot = partitions.find(({ role }) => role === 'boot');
  if (boot === undefined) throw new TypeError('the disk has no boot partition');
  return { table, partition: identify(id, table, partitions).partition(boot.name).number };
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
  const source = kernelTarball(board.kernel) ?? packages.deb(board.kernel.package);
  return { tools, architecture, source, fragments, patches, localVersion: localVersionOf(board), sourceDateEpoch };
}
