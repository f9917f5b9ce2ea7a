import type { BlockFacts, DeviceKind, ProbedContent, SysfsDevice } from './block-facts.js';
import type { LsblkRow } from './lsblk.js';
import type { Mount, Swap } from './mount-table.js';
import { mountOf } from './mount-table.js';

/** A block device and its place among the others. */
export type BlockNode = {
  readonly name: string;
  readonly majorMinor: string;
  readonly path: string;
  readonly kind: DeviceKind;
  readonly row: LsblkRow | undefined;
  readonly sysfs: SysfsDevice | undefined;
  readonly probed: ProbedContent | undefined;
  partitionOf: BlockNode | undefined;
  hasEmmcAreas: boolean;
  /** A part of its file system is on another device. */
  spansDrives: boolean;
  isSwap: boolean;
  readonly mountPoints: Set<string>;
  /** What lies directly on it: partitions, volumes, arrays, loop devices on its files. */
  readonly holders: Set<BlockNode>;
};

export type BlockGraph = {
  readonly nodes: readonly BlockNode[];
  readonly systemDiskKnown: boolean;
  /** Everything that lies on a node, at any height. */
  above(node: BlockNode): readonly BlockNode[];
};

/** Block devices that begin at themselves; anything else must lie on one of them. */
const BASES: readonly DeviceKind[] = ['disk', 'optical', 'floppy', 'memory', 'emmc-area'];

/** Joins what lsblk, /sys and the mount table say of the same devices. Where they differ, every use counts. */
export function connectBlockNodes(
  rows: readonly LsblkRow[],
  facts: BlockFacts,
  { mounts, swaps }: { readonly mounts: readonly Mount[]; readonly swaps: readonly Swap[] },
): BlockGraph {
  const nodes = new Nodes(rows, facts);
  for (const node of nodes.all) nodes.connect(node);
  for (const node of nodes.all) node.spansDrives = nodes.sameFileSystem(node).length > 1;
  for (const mount of mounts) {
    for (const node of nodes.underMount(mount)) node.mountPoints.add(mount.mountPoint);
  }
  // Needs the mounts of the file systems that the files lie on.
  for (const node of nodes.all) {
    for (const below of nodes.behind(node, mounts)) nodes.lay(node, below);
  }
  for (const { path, isFile } of swaps) {
    const named = nodes.byPath(path);
    const below = isFile ? nodes.underFile(path, mounts) : named === undefined ? [] : [named];
    for (const node of below) node.isSwap = true;
  }
  return { nodes: nodes.all, systemDiskKnown: nodes.systemDiskKnown(mounts), above };
}

class Nodes {
  readonly all: readonly BlockNode[];
  private readonly names = new Map<string, BlockNode>();

  constructor(rows: readonly LsblkRow[], facts: BlockFacts) {
    const sysfs = new Map(facts.sysfs.map((device) => [device.name, device]));
    const probed = new Map((facts.probed ?? []).map((content) => [content.majorMinor, content]));
    const known = new Set(rows.map(({ name }) => name));
    const unlisted = facts.sysfs.filter(({ name }) => !known.has(name));
    this.all = [
      ...rows.map((row) => createNode(row.name, row, sysfs.get(row.name), probed)),
      ...unlisted.map((device) => createNode(device.name, undefined, device, probed)),
    ];
    for (const node of this.all) {
      if (node.row !== undefined) this.names.set(node.row.shownName, node);
    }
    // A kernel name wins over a mapped device that somebody gave the same name.
    for (const node of this.all) this.names.set(node.name, node);
  }

  connect(node: BlockNode): void {
    const { row, sysfs } = node;
    const disk = this.names.get(sysfs?.partitionOf ?? '') ?? this.diskOf(node);
    if (disk !== undefined && disk !== node) {
      node.partitionOf = disk;
      this.lay(node, disk);
    }
    for (const name of [...(row?.parents ?? []), ...(sysfs?.slaves ?? [])]) this.lay(node, this.names.get(name));
    for (const name of sysfs?.holders ?? []) {
      const holder = this.names.get(name);
      if (holder !== undefined) this.lay(holder, node);
    }
    for (const mountPoint of row?.mountPoints ?? []) {
      if (mountPoint === '[SWAP]') node.isSwap = true;
      else node.mountPoints.add(mountPoint);
    }
    if (node.kind === 'emmc-area') {
      const emmc = this.names.get(/^mmcblk\d+/.exec(node.name)?.[0] ?? '');
      if (emmc !== undefined) emmc.hasEmmcAreas = true;
    }
  }

  lay(node: BlockNode, below: BlockNode | undefined): void {
    if (below !== undefined && below !== node) below.holders.add(node);
  }

  byPath(path: string): BlockNode | undefined {
    return this.all.find((node) => node.path === path) ?? this.names.get(path.replace(/^\/dev\/(?:mapper\/)?/, ''));
  }

  /** The devices of a mounted file system; several for one that spans disks. */
  underMount(mount: Mount): readonly BlockNode[] {
    const direct = this.all.filter(({ majorMinor }) => majorMinor === mount.majorMinor);
    // btrfs mounts have numbers of their own; bcachefs names all its devices, with colons between them.
    const named = mount.source
      .split(':')
      .filter((source) => source.startsWith('/dev/'))
      .map((source) => this.byPath(source))
      .filter((node) => node !== undefined);
    const found = [...new Set([...direct, ...named])];
    const pool = mount.fileSystem === 'zfs' ? this.all.filter(({ row, probed }) => isZfs(row, probed)) : [];
    return [...new Set([...found, ...found.flatMap((node) => this.sameFileSystem(node)), ...pool])];
  }

  /** What a loop device or a zram keeps its bytes on: another device, or that of the file system its file is on. */
  behind({ sysfs }: BlockNode, mounts: readonly Mount[]): readonly BlockNode[] {
    const { backingFile, backingDevice } = sysfs ?? {};
    const numbered = this.all.find(({ majorMinor }) => majorMinor === backingDevice);
    if (numbered !== undefined) return [numbered];
    if (backingFile === undefined) return [];
    const named = backingFile.startsWith('/dev/') ? this.byPath(backingFile) : undefined;
    return named === undefined ? this.underFile(backingFile, mounts) : [named];
  }

  underFile(path: string, mounts: readonly Mount[]): readonly BlockNode[] {
    const mount = mountOf(path, mounts);
    return mount === undefined ? [] : this.underMount(mount);
  }

  /** Known only when "/" lies on devices that all stand on a drive which we see. */
  systemDiskKnown(mounts: readonly Mount[]): boolean {
    const root = mountOf('/', mounts);
    const nodes = this.all.filter(({ mountPoints }) => mountPoints.has('/'));
    if (nodes.length === 0) return false;
    if (root !== undefined && this.underMount(root).length === 0) return false;
    const bases = this.all.filter(({ kind }) => BASES.includes(kind));
    return nodes.every((node) => bases.some((base) => base === node || above(base).includes(node)));
  }

  /** A flat list without parents: partitions are told by their names, "sda1", "nvme0n1p2". */
  private diskOf(node: BlockNode): BlockNode | undefined {
    if (node.kind !== 'partition') return undefined;
    const parent = node.row?.parents.map((name) => this.names.get(name)).find((found) => found !== undefined);
    const [, name] = /^(.*\d)p\d+$/.exec(node.name) ?? /^(.*\D)\d+$/.exec(node.name) ?? [];
    return parent ?? this.names.get(name ?? '');
  }

  /** The other devices of a btrfs or bcachefs that spans several: all carry its UUID. */
  sameFileSystem({ row }: BlockNode): readonly BlockNode[] {
    if (row?.uuid === undefined || !['btrfs', 'bcachefs'].includes(row.fileSystem ?? '')) return [];
    return this.all.filter((node) => node.row?.uuid === row.uuid && node.row?.fileSystem === row.fileSystem);
  }
}

function isZfs(row: LsblkRow | undefined, probed: ProbedContent | undefined): boolean {
  return (row?.fileSystem ?? probed?.fileSystem) === 'zfs_member';
}

function createNode(
  name: string,
  row: LsblkRow | undefined,
  sysfs: SysfsDevice | undefined,
  probed: ReadonlyMap<string, ProbedContent>,
): BlockNode {
  const majorMinor = row?.majorMinor ?? sysfs?.majorMinor ?? '';
  return {
    name,
    majorMinor,
    // "!" stands for "/" in names of the kernel: cciss!c0d0.
    path: row?.path ?? `/dev/${name.replaceAll('!', '/')}`,
    kind: kindOf(name, row?.type, majorMinor, sysfs),
    row,
    sysfs,
    probed: probed.get(majorMinor),
    partitionOf: undefined,
    hasEmmcAreas: false,
    spansDrives: false,
    isSwap: false,
    mountPoints: new Set(),
    holders: new Set(),
  };
}

/** Names and numbers that mean the same everywhere (Documentation/admin-guide/devices.txt), then lsblk's own word. */
function kindOf(name: string, type: string | undefined, majorMinor: string, sysfs?: SysfsDevice): DeviceKind {
  const major = majorMinor.split(':')[0];
  if (/^mmcblk\d+(?:boot|gp|rpmb)\d*/.test(name)) return 'emmc-area';
  if (/^(?:zram|ram)\d+$/.test(name) || major === '1') return 'memory';
  if (type === 'rom' || major === '11') return 'optical';
  if (type === 'part' || sysfs?.partitionOf !== undefined) return 'partition';
  if (type === 'loop' || major === '7') return 'loop';
  if (/^fd\d+$/.test(name) || major === '2') return 'floppy';
  if (/^(?:dm-|md)\d/.test(name) || major === '9') return 'mapped';
  // A flash chip that is part of the machine: firmware, not a drive.
  if (type === undefined || name.startsWith('mtdblock')) return 'unknown';
  if (type === 'disk') return 'disk';
  return /^(?:lvm|crypt|dm|mpath|md|linear|raid\d+|multipath|.*-raid.*)$/.test(type) ? 'mapped' : 'unknown';
}

function above(node: BlockNode): readonly BlockNode[] {
  const found = new Set<BlockNode>();
  const visit = (below: BlockNode): void => {
    for (const holder of below.holders) {
      if (holder === node || found.has(holder)) continue;
      found.add(holder);
      visit(holder);
    }
  };
  visit(node);
  return [...found];
}
