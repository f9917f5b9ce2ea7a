import type { DockerSource } from './docker-source.js';
import type { MachineName } from './qemu.js';
import type { Software, Written } from './software.js';

/** A file of the boot firmware's or kernel's package that belongs into the image: globs know `*` and `?`, neither matches `/`. */
type PackageFiles = { readonly package: string; readonly files: readonly string[] };

/** Lines of config.txt under one `[filter]`. A key may occur more than once, so the order is kept. */
type ConfigTxtSection = { readonly filter: string; readonly lines: readonly string[] };

/** What a board asks of one partition; `planDiskLayout` turns it into bytes on the disk. */
export type PartitionRequest = {
  readonly label: string;
  /** `auto`: the first aligned place after the partition before it. */
  readonly startBytes: number | 'auto';
  /** `auto`: content, what the file system itself needs, and `headroomBytes`. */
  readonly sizeBytes: number | 'auto';
  /** Free space that must be left beside the content, whether the size is fixed or automatic. */
  readonly headroomBytes: number;
};

/** A kernel configuration fragment: what it is called and where it lies on this machine. */
type KernelFragment = { readonly name: string; readonly path: string };

/**
 * A board definition with defaults applied, sizes in bytes and paths absolute. Paths say where inputs lie on this
 * machine: hash what they hold, never the paths.
 */
export type Board = {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly status: { readonly qemu: string; readonly hardware: string };
  readonly soc: string;
  readonly models: readonly string[];
  readonly architecture: 'arm64';
  readonly hostname: string;
  readonly firmware: { readonly manifest: string; readonly files: readonly string[] };
  /** File names as the kernel's build calls them. */
  readonly deviceTrees: readonly string[];
  readonly kernel: {
    /** Debian package with the source tarball. */
    readonly package: string;
    readonly localVersion: string;
    /** Merged in this order over allnoconfig. */
    readonly fragments: readonly KernelFragment[];
    readonly image: { readonly name: string; readonly compression: 'gzip' | 'none' };
  };
  readonly configTxt: readonly ConfigTxtSection[];
  /** Values of `console=`; the last one becomes /dev/console. */
  readonly consoles: readonly string[];
  readonly cmdline: readonly string[];
  readonly partitions: {
    readonly alignmentBytes: number;
    readonly boot: PartitionRequest;
    readonly root: PartitionRequest;
  };
  readonly rootfs: {
    readonly suite: string;
    /** Beside what every image has. */
    readonly packages: readonly string[];
    /** Folders that are copied over the root file system, in order. */
    readonly overlays: readonly string[];
  };
  readonly docker: {
    readonly source: DockerSource;
    /** Another bundle of static programs than the pinned one. */
    readonly bundle?:
      { readonly version: string; readonly sha256: string; readonly url?: string | undefined } | undefined;
    /** Archives of container images that the device loads on its first boot. */
    readonly images: readonly { readonly path: string; readonly at: Written }[];
  };
  /** Programs of one's own. */
  readonly software: readonly Software[];
  readonly wireless: readonly PackageFiles[];
  /** Machines of QEMU that can start the image; the first one is the default. */
  readonly qemu: readonly MachineName[];
};
