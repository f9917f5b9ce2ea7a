import type { Board } from './board.js';
import type { InitramfsFileSystem, RootCompression } from './initramfs.js';
import type { RootEncryption } from './root-encryption.js';
import type { PackageFile, Repository } from './packages.js';
import type { Software } from './software.js';

/**
 * All that a build knows of an image: a board (hardware), a system (what runs on it) and the flags, joined. Trees say
 * where content comes from, volumes put a file system around a tree, partitions place volumes on the disk.
 */
export type ImageSpec = {
  /** Names the image. Disk id, UUIDs and volume serials are derived from it. */
  readonly id: string;
  readonly board: Board;
  readonly system: { readonly id: string; readonly description: string };
  /** Where no seed gives another. */
  readonly hostname: string;
  /** `standard`, or names of the board's kernel profiles: the first that it has is taken. */
  readonly kernelProfiles: readonly string[];
  readonly trees: Readonly<Record<string, TreeSpec>>;
  readonly volumes: Readonly<Record<string, VolumeSpec>>;
  readonly table: TableType;
  /** Starts and sizes of partitions are multiples of it. */
  readonly alignmentBytes: number;
  /** In the order of their numbers. */
  readonly partitions: readonly PartitionSpec[];
  readonly root: RootSpec;
  readonly features: readonly Feature[];
};

/** The kernel of a board that asks for no profile. */
export const STANDARD_KERNEL = 'standard';

export const TABLE_TYPES = ['mbr', 'gpt'] as const;
export type TableType = (typeof TABLE_TYPES)[number];

export const PARTITION_ROLES = ['boot', 'root', 'data', 'selector'] as const;
/** `selector`: says which of two slots is started, and holds the seed of both. */
export type PartitionRole = (typeof PARTITION_ROLES)[number];

/** Of a system that is there twice: an update is written to the one that does not run. */
export const SLOTS = ['a', 'b'] as const;
export type Slot = (typeof SLOTS)[number];

/** What a system can do, and what its boot check therefore asks of it. */
export const FEATURES = ['cloud-init', 'ssh', 'containers'] as const;
export type Feature = (typeof FEATURES)[number];

/** What the root is made from. */
export const USERLANDS = ['debian', 'busybox', 'workload'] as const;
export type Userland = (typeof USERLANDS)[number];

export type TreeSpec = BootTreeSpec | SelectorTreeSpec | RootTreeSpec | FilesTreeSpec;

/** Content of a root. */
export type RootTreeSpec = DebianTreeSpec | BusyboxTreeSpec | WorkloadTreeSpec;

/** Firmware, kernel, device trees, what the firmware reads, and the seed; of a slot without the seed. */
export type BootTreeSpec = { readonly from: 'boot' };

/** Which slot is started, and the seed of both. */
export type SelectorTreeSpec = { readonly from: 'selector' };

/** Debian's packages with layers, folders and software over them. */
export type DebianTreeSpec = {
  readonly from: 'debian';
  readonly suite: string;
  /** Layers in the order in which they are copied; a later one wins. */
  readonly layers: readonly Layer[];
  /** Debian packages beside those of the layers, as words for apt: `name`, `name=version`, `name/release`. */
  readonly packages: readonly string[];
  readonly packageFiles: readonly PackageFile[];
  /** Names of packages that must not be there, whatever the layers say. */
  readonly withoutPackages: readonly string[];
  /** Beside Debian's own. */
  readonly repositories: readonly Repository[];
  /** File capabilities by absolute path, as `security.capability` holds them, in hex. */
  readonly capabilities: Readonly<Record<string, string>>;
  /** Folders of the user, absolute, copied over the layers in this order. */
  readonly overlays: readonly string[];
  readonly containerImages: readonly ContainerImageFile[];
  readonly software: readonly Software[];
};

/** BusyBox, static against musl, with layers and folders over it. */
export type BusyboxTreeSpec = {
  readonly from: 'busybox';
  /** Of the source packages. */
  readonly suite: string;
  /** Layers in the order in which they are copied; they have no Debian packages. */
  readonly layers: readonly Layer[];
  /** Files of BusyBox options over those of the system's own; absolute. */
  readonly options: readonly string[];
  readonly ssh: SshServer;
  /** Folders of the user, absolute, copied over the layers in this order. */
  readonly overlays: readonly string[];
};

/** `dropbear`: takes keys only. */
export const SSH_SERVERS = ['dropbear', 'none'] as const;
export type SshServer = (typeof SSH_SERVERS)[number];

/** The files that one workload touches. */
export type WorkloadTreeSpec = {
  readonly from: 'workload';
  /** Of the packages that files are taken from. */
  readonly suite: string;
  /** Folders of the user, absolute, copied over the workload's files in this order. */
  readonly overlays: readonly string[];
};

/** Nothing but folders: the first content of a data partition. */
export type FilesTreeSpec = { readonly from: 'files'; readonly overlays: readonly string[] };

/** An archive of a container image, and where it was asked for. */
export type ContainerImageFile = {
  readonly path: string;
  readonly at: { readonly file?: string; readonly line?: number; readonly column?: number };
};

/** Packages, files and units that belong together: `layers/<name>/layer.yaml` and `files/` beside it. */
export type Layer = {
  readonly name: string;
  readonly description: string;
  readonly packages: readonly string[];
  /** Packages that cannot be left out, and why. */
  readonly required: Readonly<Record<string, string>>;
  /** Folder that is copied over the root; absolute. Undefined for a layer of packages only. */
  readonly files?: string;
  /** Its dpkg filters and presets count while packages are installed. False: another such layer costs no new packages. */
  readonly shapesPackages: boolean;
  /** Units that no package brings and therefore no package enables: `systemctl preset` is asked to. */
  readonly units: readonly string[];
  /** Files below /usr/lib/sysusers.d whose users must exist in the image already. */
  readonly sysusers: readonly string[];
  /** For a container engine: what `docker.source` and `--docker` call it, and the device's own programs. */
  readonly engine?: string;
  /** The engine loads container images with `docker load`: the archive needs Docker's manifest. */
  readonly loadsDockerArchives: boolean;
  /** Programs that come as a pinned archive: Docker's static bundle, which firmware-manifest.json names. */
  readonly bundle?: DockerBundlePin | 'pinned';
  readonly features: readonly Feature[];
};

/** Another bundle than the pinned one. */
export type DockerBundlePin = { readonly version: string; readonly sha256: string; readonly url?: string };

/** Names in the registry of file systems (src/filesystems). */
export const FILE_SYSTEM_NAMES = ['vfat', 'ext4', 'squashfs'] as const;
export type FileSystemName = (typeof FILE_SYSTEM_NAMES)[number];

/** Those that the device can grow while they are mounted. */
export const GROWING_FILE_SYSTEMS: readonly FileSystemName[] = ['ext4'];

/** Those that are made once and never written to. */
export const READ_ONLY_FILE_SYSTEMS: readonly FileSystemName[] = ['squashfs'];

/** Those that a root which is written to can be in, with owners and modes. */
export const ROOT_FILE_SYSTEMS: readonly FileSystemName[] = ['ext4'];

export type VolumeSpec = {
  readonly fs: FileSystemName;
  /** Key of `trees`; undefined: an empty file system. */
  readonly tree?: string;
  readonly label: string;
  /** `fit`: content, what the file system itself needs, and the headroom, rounded up to the alignment. */
  readonly sizeBytes: number | 'fit';
  /** Free space beside the content, whether the size is fixed or fitted. */
  readonly headroomBytes: number;
  /** More of it, as a share of the content: what an update of a slot may grow by. */
  readonly headroomShare?: number;
  /** Key of the volume whose size it has: it is empty until an update fills it. */
  readonly sizeOf?: string;
};

export type PartitionSpec = {
  readonly name: string;
  readonly role: PartitionRole;
  /** Key of `volumes`. */
  readonly volume: string;
  readonly startBytes: number | 'auto';
  /** Where the device mounts it; undefined: not at all. */
  readonly mount?: string;
  readonly readOnly: boolean;
  /** Takes what is left of the drive on the first boot. At most one does. */
  readonly grow: boolean;
  /** In the extended partition of an MBR, numbered from 5. */
  readonly logical: boolean;
  /** It belongs to one of the two systems of the image. */
  readonly slot?: Slot;
};

/** Whether an image holds its system twice. */
export function hasSlots({ partitions }: { readonly partitions: readonly Pick<PartitionSpec, 'role'>[] }): boolean {
  return partitions.some(({ role }) => role === 'selector');
}

/** How the kernel finds the root. */
export type RootSpec = PartitionRoot | ArchiveRoot;

/** A file system on a partition. */
export type PartitionRoot = {
  readonly kind: 'partition';
  readonly partition: string;
  readonly encryption?: RootEncryption;
};

/** An archive that the boot loader puts into memory. */
export type ArchiveRoot = {
  readonly kind: 'initramfs';
  /** Key of `trees`. */
  readonly tree: string;
  readonly filesystem: InitramfsFileSystem;
  readonly compression: RootCompression;
  /** Most that kernel and archive may have together; undefined: any. */
  readonly sizeBudgetBytes?: number;
};

/** What the engine of a system without one is called. */
export const NO_ENGINE = 'none';

/** The layer that brings the container engine. Throws TypeError: every Debian root has exactly one, be it for none. */
export function engineLayer(layers: readonly Layer[]): Layer & { readonly engine: string } {
  const found = layers.find((layer): layer is Layer & { engine: string } => layer.engine !== undefined);
  if (found === undefined) throw new TypeError('no layer brings a container engine');
  return found;
}

/** The layer that grows whichever partition a system says, with a file that names it. */
export const GROW_LAYER = 'grow-partition';
