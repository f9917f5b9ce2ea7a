import type { Architecture } from './architecture.js';
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

/** A kernel configuration fragment or an overlay: what it is called and where it lies on this machine. */
type NamedFile = { readonly name: string; readonly path: string };

export const KERNEL_FLAVOURS = ['standard', 'rt'] as const;
/** `rt`: PREEMPT_RT, for bounded latencies at the cost of throughput. */
export type KernelFlavour = (typeof KERNEL_FLAVOURS)[number];

export const SUITES_WITH_KERNELS = ['trixie', 'trixie-backports'] as const;

/**
 * A board definition with defaults applied, sizes in bytes and paths absolute. Paths say where inputs lie on this
 * machine: hash what they hold, never the paths.
 */
export type BoardHardware = {
  readonly id: string;
  readonly name: string;
  readonly status: { readonly qemu: string; readonly hardware: string };
  readonly soc: string;
  readonly models: readonly string[];
  readonly architecture: Architecture;
  /** Undefined where nothing of it lies on the card. */
  readonly firmware?: { readonly manifest: string; readonly files: readonly string[] };
  /** File names as the kernel's build calls them. */
  readonly deviceTrees: readonly string[];
  /** Name on /boot → name of the kernel's build, beside `deviceTrees`. */
  readonly deviceTreeCopies: Readonly<Record<string, string>>;
  readonly deviceTreeOverlays: readonly NamedFile[];
  readonly kernel: {
    /** Debian package with the source tarball; not used where `source` names another one. */
    readonly package: string;
    /** Where that package comes from. */
    readonly suite: (typeof SUITES_WITH_KERNELS)[number];
    /** A tarball of kernel sources. */
    readonly source?: { readonly url: string; readonly sha256: string };
    readonly flavour: KernelFlavour;
    readonly localVersion: string;
    /** Merged over allnoconfig; those of architecture, flavour and kernel series, which come by themselves, first. */
    readonly fragments: readonly NamedFile[];
    /** Patch files, or folders of them, in the order in which they are applied. */
    readonly patches: readonly string[];
    readonly image: { readonly name: string; readonly compression: 'gzip' | 'none' };
  };
  readonly configTxt: readonly ConfigTxtSection[];
  /** Values of `console=`; the last one becomes /dev/console. */
  readonly consoles: readonly string[];
  readonly cmdline: readonly string[];
  readonly wireless: readonly PackageFiles[];
  /** Machines of QEMU that can start the image; the first one is the default. */
  readonly qemu: readonly MachineName[];
};

/** A board together with what its system puts into an image: what builds know until they take an ImageSpec. */
export type Board = BoardHardware & {
  readonly description: string;
  readonly hostname: string;
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
    readonly source: string;
    /** Another bundle of static programs than the pinned one. */
    readonly bundle?:
      { readonly version: string; readonly sha256: string; readonly url?: string | undefined } | undefined;
    /** Archives of container images that the device loads on its first boot. */
    readonly images: readonly { readonly path: string; readonly at: Written }[];
  };
  /** Programs of one's own. */
  readonly software: readonly Software[];
};
