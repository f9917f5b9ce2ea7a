import type { BootRecord } from '../model/boot-record.js';
import type { Partition } from '../model/partition-table.js';
import type { InstalledPackage } from '../formats/dpkg-status.js';
import type { FileSystemFacts } from '../formats/file-system/file-system.js';
import type { ContentKind } from '../images/content-kind.js';
import type { DiscBoot } from '../images/disc.js';
import type { InnerArchive } from '../images/small-root.js';
import type { SeedSummary } from '../seeds/seed-facts.js';

/** What an image holds: the answer of `inspect`. */
export type ImageReport = {
  readonly image: string;
  readonly sizeBytes: number;
  /** Of the image, unpacked; not taken of a device. */
  readonly sha256?: string;
  readonly kind: ContentKind;
  /** Undefined for what has none: an archive, a disc that starts from no stick. */
  readonly partitionTable?: 'mbr' | 'gpt';
  /** What the partition table counts in. */
  readonly sectorSizeBytes?: number;
  /** MBR: eight hex digits; GPT: the disk's GUID. */
  readonly diskId?: string;
  readonly partitions: readonly PartitionReport[];
  readonly disc?: {
    readonly fileSystem: FileSystemFacts;
    /** In the order of the boot catalogue. */
    readonly boot: readonly DiscBoot[];
  };
  /** Roots in archives, the outer ones first. */
  readonly archives: readonly InnerArchive[];
  readonly os?: { readonly name: string; readonly id: string; readonly version: string; readonly codename: string };
  readonly kernel?: KernelReport;
  /** What Debian calls the processor. */
  readonly architecture?: string;
  readonly packages: PackagesReport;
  readonly boot: {
    readonly configTxt: readonly string[];
    readonly commandLine: string;
    /** What a PC's firmware starts. */
    readonly loader?: BootLoaderReport;
  };
  readonly seed?: SeedSummary;
  /** Parents before children, each at least a thousandth of all. */
  readonly folders: readonly FolderReport[];
  /** The largest first. */
  readonly largeFiles: readonly FileReport[];
  /** The last boot check of this very image on this machine. */
  readonly bootCheck?: BootRecord;
  readonly warnings: readonly string[];
};

export type PartitionReport = Partition & {
  readonly mount?: string;
  readonly fileSystem?: FileSystemFacts;
  /** A file system that is not read. */
  readonly other?: string;
  /** Why its files are not in this report. */
  readonly notRead?: { readonly code: string; readonly message: string };
};

export type KernelReport = {
  /** `uname -r`; undefined when the file does not tell. */
  readonly version?: string;
  readonly file: string;
  readonly sizeBytes: number;
  /** Versions that there are modules for. */
  readonly modules: readonly string[];
  readonly modulesBytes: number;
};

export type BootLoaderReport = {
  /** GRUB where it is known. */
  readonly name: string;
  /** Debian's; undefined where its program does not tell. */
  readonly version?: string;
  /** The firmwares that find it. */
  readonly firmwares: readonly ('bios' | 'uefi')[];
  /** What it starts the kernel with. */
  readonly commandLine?: string;
};

export type PackageReport = InstalledPackage & {
  /** What its files take on the disk; a file that several names or packages share counts once. */
  readonly diskBytes: number;
};

export type PackagesReport = {
  readonly count: number;
  readonly declaredBytes: number;
  readonly diskBytes: number;
  /** Files of the root file system that no package brought. */
  readonly unownedBytes: number;
  /** By what they take, the largest first. */
  readonly list: readonly PackageReport[];
};

export type FolderReport = {
  readonly path: string;
  /** Of everything below it. */
  readonly diskBytes: number;
  readonly files: number;
};

export type FileReport = { readonly path: string; readonly sizeBytes: number; readonly diskBytes: number };
