import type { BlockFacts, DeviceKind } from './block-facts.js';
import type { BlockNode } from './block-graph.js';
import { connectBlockNodes } from './block-graph.js';
import { deviceText } from './device-text.js';
import { parseLsblk } from './lsblk.js';
import { parseMountinfo, parseSwaps } from './mount-table.js';

/** Something that uses a device, directly or through what lies on it. */
export type DeviceUse =
  | { readonly type: 'mount'; readonly device: string; readonly mountPoint: string }
  | { readonly type: 'swap'; readonly device: string }
  /** `holder` is open on top of `device`: a volume, an array, a loop device on a file of it. */
  | { readonly type: 'holder'; readonly device: string; readonly holder: string };

/** One file system, or one signature of something larger, on a drive. */
export type DeviceContent = {
  readonly device: string;
  readonly fileSystem: string;
  readonly label?: string;
  readonly sizeBytes?: number;
  /** Another device carries a part of the same file system. */
  readonly spansDrives?: true;
};

/** A block device with all that is known of it and of what lies on it. Texts are safe to show. */
export type BlockDevice = {
  readonly path: string;
  /** Kernel name. */
  readonly name: string;
  readonly majorMinor: string;
  readonly kind: DeviceKind;
  /** Undefined or 0: no medium, or nothing is known. */
  readonly sizeBytes?: number;
  readonly sectorSizeBytes?: number;
  readonly readOnly?: boolean;
  readonly removable?: boolean;
  readonly bus?: string;
  readonly vendor?: string;
  readonly model?: string;
  readonly serial?: string;
  readonly wwn?: string;
  readonly cid?: string;
  readonly sequence?: number;
  /** A card in a slot, not an eMMC that is part of the machine. */
  readonly isMemoryCard: boolean;
  /** Path of the disk that this is a partition of. */
  readonly disk?: string;
  readonly backingFile?: string;
  readonly partitionTable?: string;
  /** Partitions on it, whether or not they hold anything. */
  readonly partitions: number;
  readonly contents: readonly DeviceContent[];
  readonly uses: readonly DeviceUse[];
  /** Numbers of itself and of everything that lies on it. */
  readonly stack: readonly string[];
  /** Whether it is known on which drives the running system lies; without that nothing built in may be touched. */
  readonly systemDiskKnown: boolean;
};

/**
 * The block devices of a machine, in lsblk's order. Undefined when `json` is not what `lsblk --json` prints.
 * Pure: two calls with equal facts give equal devices.
 */
export function blockDevicesFromLsblk(json: unknown, facts: BlockFacts): readonly BlockDevice[] | undefined {
  const rows = parseLsblk(json);
  if (rows === undefined) return undefined;
  const graph = connectBlockNodes(rows, facts, {
    mounts: parseMountinfo(facts.mountinfo),
    swaps: parseSwaps(facts.swaps),
  });
  return graph.nodes.map((node) => describe(node, graph.above(node), graph.systemDiskKnown));
}

function describe(node: BlockNode, above: readonly BlockNode[], systemDiskKnown: boolean): BlockDevice {
  const stack = [node, ...above];
  const { row, sysfs } = node;
  const partitionTable = row?.partitionTable ?? node.probed?.partitionTable;
  const parentDisk = node.partitionOf;
  return {
    path: node.path,
    name: node.name,
    majorMinor: node.majorMinor,
    kind: node.kind,
    ...defined('sizeBytes', row?.sizeBytes ?? sysfs?.sizeBytes),
    ...defined('sectorSizeBytes', row?.sectorSizeBytes),
    ...defined('readOnly', either(row?.readOnly, sysfs?.readOnly)),
    ...defined('removable', row?.removable ?? sysfs?.removable),
    ...defined('bus', deviceText(row?.bus ?? sysfs?.bus ?? busOfName(node.name))),
    ...defined('vendor', deviceText(vendorName(row?.vendor ?? sysfs?.vendor))),
    ...defined('model', deviceText(row?.model ?? sysfs?.model)),
    ...defined('serial', deviceText(row?.serial ?? sysfs?.serial)),
    ...defined('wwn', row?.wwn),
    ...defined('cid', sysfs?.cid),
    ...defined('sequence', sysfs?.sequence),
    isMemoryCard: isMemoryCard(node),
    ...defined('disk', parentDisk?.path),
    ...defined('backingFile', sysfs?.backingFile),
    ...defined('partitionTable', partitionTable),
    partitions: above.filter(({ partitionOf }) => partitionOf === node).length,
    contents: stack.flatMap(contentOf),
    uses: stack.flatMap(usesOf),
    stack: stack.map(({ majorMinor }) => majorMinor),
    systemDiskKnown,
  };
}

function contentOf({ row, sysfs, probed, name, spansDrives }: BlockNode): DeviceContent[] {
  const fileSystem = row?.fileSystem ?? probed?.fileSystem;
  if (fileSystem === undefined) return [];
  const label = deviceText(row?.label ?? probed?.label);
  return [
    {
      device: name,
      fileSystem,
      ...defined('label', label),
      ...defined('sizeBytes', row?.sizeBytes ?? sysfs?.sizeBytes),
      ...(spansDrives ? { spansDrives } : {}),
    },
  ];
}

function usesOf(node: BlockNode): DeviceUse[] {
  const device = node.name;
  return [
    ...[...node.mountPoints].map((mountPoint) => ({ type: 'mount' as const, device, mountPoint })),
    ...(node.isSwap ? [{ type: 'swap' as const, device }] : []),
    ...[...node.holders]
      .filter((holder) => holder.partitionOf !== node)
      .map((holder) => ({ type: 'holder' as const, device, holder: holder.name })),
  ];
}

/** Sure to be read-only when either says so; unknown when neither says anything. */
function either(one: boolean | undefined, other: boolean | undefined): boolean | undefined {
  return one === true || other === true ? true : (one ?? other);
}

function isMemoryCard({ name, sysfs, hasEmmcAreas }: BlockNode): boolean {
  return /^mmcblk\d+$/.test(name) && sysfs?.mmcType !== 'MMC' && !hasEmmcAreas;
}

function busOfName(name: string): string | undefined {
  if (name.startsWith('mmcblk')) return 'mmc';
  return name.startsWith('nvme') ? 'nvme' : undefined;
}

/** PCI ids ("0x1af4") tell a person nothing. */
function vendorName(vendor: string | undefined): string | undefined {
  return vendor?.startsWith('0x') === true ? undefined : vendor;
}

function defined<Key extends string, Value>(key: Key, value: Value | undefined): Partial<Record<Key, Value>> {
  return value === undefined ? {} : ({ [key]: value } as Record<Key, Value>);
}
