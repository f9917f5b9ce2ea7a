import type { PartitionRole, TableType } from './image-spec.js';

/** A disk whose partitions have their places. All numbers are bytes. */
export type Disk = {
  readonly table: TableType;
  /** Eight lower-case hex digits for an MBR, a GUID for GPT. */
  readonly diskId: string;
  readonly sectorSizeBytes: 512;
  /** Length of the image. */
  readonly totalBytes: number;
  /** By their numbers. */
  readonly partitions: readonly Partition[];
  /** The partition of an MBR that holds the logical ones. */
  readonly extended?: { readonly number: number; readonly offsetBytes: number; readonly sizeBytes: number };
};

export type Partition = PartitionIdentity & {
  readonly name: string;
  readonly role: PartitionRole;
  /** Name in the registry of file systems. */
  readonly fs: string;
  readonly label: string;
  readonly offsetBytes: number;
  readonly sizeBytes: number;
  /** Where the device mounts it. */
  readonly mount?: string;
  readonly readOnly: boolean;
  readonly grow: boolean;
  readonly logical: boolean;
};

/** How others name a partition and its file system. */
export type PartitionIdentity = {
  readonly number: number;
  /** As the kernel and fstab name it: `1a2b3c4d-02`, or a GUID. */
  readonly partUuid: string;
  /** Volume serial of a FAT: eight upper-case hex digits. */
  readonly fatSerial: string;
  readonly uuid: string;
  /** mke2fs's -E hash_seed: it decides the order of names in indexed directories. */
  readonly hashSeed: string;
};

/** How a partition of some kind is marked in tables: a type byte in hex digits for an MBR, a GUID for GPT. */
export type PartitionTypes = { readonly mbr: string; readonly gpt: string };
