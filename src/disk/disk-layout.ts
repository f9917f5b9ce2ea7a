import { MBR_MAX_BYTES } from '../formats/mbr.js';
import { UserError, type Problem } from '../errors.js';
import type { Board, PartitionRequest } from '../model/board.js';
import { alignUp, formatSize } from '../model/bytes.js';
import { diskIdentity, type DiskIdentity } from './identity.js';
import { EXT4_BLOCK_BYTES, EXT4_JOURNAL_BYTES, ext4Geometry, ext4MinBytes } from '../formats/ext4/geometry.js';
import { FAT32_MIN_BYTES, fat32ContentBytes, fat32Geometry, isFat32 } from '../formats/fat/geometry.js';
import type { TreeContent } from '../model/tree-content.js';

type PlacedPartition = {
  readonly label: string;
  readonly offsetBytes: number;
  readonly sizeBytes: number;
  /** As the kernel and fstab name it: `1a2b3c4d-02`. */
  readonly partUuid: string;
  /** Where it is mounted on the device. */
  readonly mount: string;
};

type BootPartition = PlacedPartition & {
  readonly name: 'boot';
  readonly number: 1;
  readonly fs: 'fat32';
  /** Volume serial: eight upper-case hex digits. */
  readonly uuid: string;
  readonly clusterBytes: number;
};

export type RootPartition = PlacedPartition & {
  readonly name: 'root';
  readonly number: 2;
  readonly fs: 'ext4';
  readonly uuid: string;
  readonly hashSeed: string;
  readonly blockBytes: number;
  readonly journalBytes: number;
  readonly inodes: number;
};

export type Partition = BootPartition | RootPartition;

/** The one source for the partition table, fstab, cmdline.txt, the file systems' sizes and the block map. */
export type DiskLayout = {
  /** Eight lower-case hex digits. */
  readonly diskId: string;
  readonly sectorSizeBytes: 512;
  /** Length of the image: the end of the last partition. */
  readonly totalBytes: number;
  readonly partitions: readonly [BootPartition, RootPartition];
};

export type DiskContent = { readonly boot: TreeContent; readonly root: TreeContent };

/**
 * Sizes and places of both partitions for what they will hold. `auto` sizes are the smallest aligned ones in which the
 * content, the file system's own needs and the board's headroom fit; fixed ones are checked for the same.
 * Throws UserError with all of `partition-too-small` (needed and available size), `partition-overlap`, `partition-too-large`.
 */
export function planDiskLayout(board: Pick<Board, 'id' | 'partitions'>, content: DiskContent): DiskLayout {
  const { alignmentBytes, boot, root } = board.partitions;
  const identity = diskIdentity(board.id);
  const needs = { boot: fat32Needs(boot, content.boot), root: ext4Needs(root, content.root) };

  const bootPlace = place(boot, alignmentBytes, alignmentBytes, needs.boot);
  const rootPlace = place(root, bootPlace.endBytes, alignmentBytes, needs.root);

  const problems = [
    ...tooSmall('boot', boot, bootPlace.sizeBytes, needs.boot(bootPlace.sizeBytes)),
    ...tooSmall('root', root, rootPlace.sizeBytes, needs.root(rootPlace.sizeBytes)),
    ...overlapping(bootPlace, rootPlace),
    ...tooLarge(rootPlace.endBytes),
  ];
  if (problems.length > 0) throw UserError.fromProblems(problems);

  return {
    diskId: identity.diskId,
    sectorSizeBytes: 512,
    totalBytes: rootPlace.endBytes,
    partitions: [
      bootPartition(boot, bootPlace, identity),
      rootPartition(root, rootPlace, identity, ext4Geometry(rootPlace.sizeBytes, content.root.files).inodes),
    ],
  };
}

type Place = { readonly offsetBytes: number; readonly sizeBytes: number; readonly endBytes: number };

/** Bytes that a partition of the given size must have to hold its content; the answer may grow with the size. */
type Needs = (sizeBytes: number) => number;

function fat32Needs(request: PartitionRequest, content: TreeContent): Needs {
  return (sizeBytes) => {
    const { clusterBytes, overheadBytes } = fat32Geometry(sizeBytes);
    const needed = fat32ContentBytes(content, clusterBytes) + overheadBytes + request.headroomBytes;
    return isFat32(sizeBytes) ? needed : Math.max(FAT32_MIN_BYTES, needed);
  };
}

function ext4Needs(request: PartitionRequest, content: TreeContent): Needs {
  // mke2fs gives the journal no more than half of what is free before it.
  const roomBytes = Math.max(content.bytes + request.headroomBytes, EXT4_JOURNAL_BYTES);
  return (sizeBytes) =>
    Math.max(ext4MinBytes(content.files), roomBytes + ext4Geometry(sizeBytes, content.files).overheadBytes);
}

function place(request: PartitionRequest, afterBytes: number, alignmentBytes: number, needs: Needs): Place {
  const offsetBytes = request.startBytes === 'auto' ? alignUp(afterBytes, alignmentBytes) : request.startBytes;
  const sizeBytes = request.sizeBytes === 'auto' ? smallestSize(needs, alignmentBytes) : request.sizeBytes;
  return { offsetBytes, sizeBytes, endBytes: offsetBytes + sizeBytes };
}

/** Goes up from below in steps of the alignment, so that more content can never give a smaller partition. */
function smallestSize(needs: Needs, alignmentBytes: number): number {
  let sizeBytes = alignmentBytes;
  while (needs(sizeBytes) > sizeBytes) sizeBytes += alignmentBytes;
  return sizeBytes;
}

function tooSmall(name: 'boot' | 'root', request: PartitionRequest, sizeBytes: number, neededBytes: number): Problem[] {
  if (neededBytes <= sizeBytes) return [];
  return [
    {
      code: 'partition-too-small',
      message:
        `the ${name} partition has ${formatSize(sizeBytes)} (${sizeBytes} bytes); its content with ` +
        `${formatSize(request.headroomBytes)} headroom needs ${formatSize(neededBytes)} (${neededBytes} bytes)`,
      hint: `Set partitions.${name}.size to "auto" or to ${formatSize(neededBytes)} at least.`,
    },
  ];
}

function overlapping(boot: Place, root: Place): Problem[] {
  if (boot.endBytes <= root.offsetBytes) return [];
  return [
    {
      code: 'partition-overlap',
      message: `the boot partition ends at ${boot.endBytes} bytes, the root partition begins at ${root.offsetBytes}`,
      hint: `Set partitions.root.start to "auto" or to ${formatSize(boot.endBytes)} at least.`,
    },
  ];
}

function tooLarge(endBytes: number): Problem[] {
  if (endBytes <= MBR_MAX_BYTES) return [];
  return [
    {
      code: 'partition-too-large',
      message: `the last partition ends at ${formatSize(endBytes)}; a partition table of type MBR ends at ${formatSize(MBR_MAX_BYTES)}`,
      hint: 'Make the partitions smaller: the root partition grows to the size of the card on first boot.',
    },
  ];
}

function bootPartition(request: PartitionRequest, place: Place, identity: DiskIdentity): BootPartition {
  return {
    name: 'boot',
    number: 1,
    fs: 'fat32',
    label: request.label,
    offsetBytes: place.offsetBytes,
    sizeBytes: place.sizeBytes,
    uuid: identity.fatSerial,
    partUuid: `${identity.diskId}-01`,
    mount: '/boot',
    clusterBytes: fat32Geometry(place.sizeBytes).clusterBytes,
  };
}

function rootPartition(request: PartitionRequest, place: Place, identity: DiskIdentity, inodes: number): RootPartition {
  return {
    name: 'root',
    number: 2,
    fs: 'ext4',
    label: request.label,
    offsetBytes: place.offsetBytes,
    sizeBytes: place.sizeBytes,
    uuid: identity.ext4Uuid,
    partUuid: `${identity.diskId}-02`,
    mount: '/',
    hashSeed: identity.ext4HashSeed,
    blockBytes: EXT4_BLOCK_BYTES,
    journalBytes: EXT4_JOURNAL_BYTES,
    inodes,
  };
}
