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
  readonly overlays: Node<Made>;
  readonly kernel: Node<Kernel>;
  /** GRUB's code, and GRUB for this disk, where it starts the board. */
  readonly grub: Node<GrubModules> | undefined;
  readonly loader: Node<DiskLoader> | undefined;
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
  const overlays = stageNode(deviceTreeOverlaysStage, { tools }, ({ tools }) => ({
    tools,
    overlays: request.deviceTreeOverlays,
  }));
  const kernel = stageNode(kernelStage, given, ({ tools, packages }) => kernelInput(request, tools, packages));
  const grub = startsByGrub(board)
    ? stageNode(grubModulesStage, given, ({ tools, packages }) => {
        return { tools, debs: GRUB_PACKAGES.map((name) => packages.deb(name)) };
      })
    : undefined;
  const loader = grub && diskLoaderNode(request, tools, grub);
  const all = [firmware, overlays, kernel, loader].filter((node) => node !== undefined);
  return { firmware, overlays, kernel, grub, loader, all };
}

/** GRUB for the image's disk; undefined for one without a boot partition. */
function diskLoaderNode(
  { spec: { id, table, partitions } }: BuildRequest,
  tools: Node<ToolsTree>,
  grub: Node<GrubModules>,
): Node<DiskLoader> | undefined {
  const boot = partitions.find(({ role }) => role === 'boot');
  if (boot === undefined) return undefined;
  const partition = identify(id, table, partitions).partition(boot.name).number;
  return stageNode(diskLoaderStage, { tools, grub }, (made) => ({ ...made, table, partition }));
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
