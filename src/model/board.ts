import { MiB } from './bytes.js';
import type { Architecture } from './architecture.js';
import type { MachineName } from './qemu.js';

/** A file of the boot firmware's or kernel's package that belongs into the image: globs know `*` and `?`, neither matches `/`. */
type PackageFiles = { readonly package: string; readonly files: readonly string[] };

/** Lines of config.txt under one `[filter]`. A key may occur more than once, so the order is kept. */
type ConfigTxtSection = { readonly filter: string; readonly lines: readonly string[] };

/** A kernel configuration fragment or an overlay: what it is called and where it lies on this machine. */
type NamedFile = { readonly name: string; readonly path: string };

export const KERNEL_FLAVOURS = ['standard', 'rt'] as const;
/** `rt`: PREEMPT_RT, for bounded latencies at the cost of throughput. */
export type KernelFlavour = (typeof KERNEL_FLAVOURS)[number];

/** How a kernel lies on /boot. */
type KernelImage = { readonly name: string; readonly compression: 'gzip' | 'none' };

/** Another kernel of the same sources: what it is configured with, and how it lies on /boot. */
export type KernelProfile = {
  /** Merged over allnoconfig; none comes by itself. */
  readonly fragments: readonly NamedFile[];
  /** The fragments come after those of the board's own kernel, which holds for every flavour of it. */
  readonly addsToOwn: boolean;
  /** Applied after those of the board's own kernel. */
  readonly patches: readonly string[];
  readonly image: KernelImage;
};

/** A tarball of kernel sources, pinned by its digest. */
export type KernelTarball = { readonly url: string; readonly sha256: string };

/** `kernel.source` of a kernel that Debian has compiled. */
export const DEBIANS_KERNEL = 'debian';

/** The tarball that a kernel is compiled from; undefined: the sources that Debian packages, or none. */
export function kernelTarball({ source }: { readonly source?: KernelTarball | typeof DEBIANS_KERNEL | undefined }) {
  return source === DEBIANS_KERNEL ? undefined : source;
}

/** Who compiles the kernel: this project, or Debian. */
export const KERNEL_SOURCES = ['compiled', DEBIANS_KERNEL] as const;
export type KernelSource = (typeof KERNEL_SOURCES)[number];

/** Debian's kernel on a board. Most of its drivers are modules, so that an early user space has to load some. */
export type DebianKernel = {
  /** The package that depends on the newest image of its kind: `linux-image-arm64`. */
  readonly package: string;
  /** Names of modules, by what a root may lie behind or a person may need before it is there. */
  readonly modules: Readonly<Record<'storage' | 'network' | 'input', readonly string[]>>;
};

export const SUITES_WITH_KERNELS = ['trixie', 'trixie-backports'] as const;

/**
 * A board definition with defaults applied, sizes in bytes and paths absolute. Paths say where inputs lie on this
 * machine: hash what they hold, never the paths.
 */
export type Board = {
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
    /** A tarball of kernel sources, or the kernel that Debian has compiled. */
    readonly source?: KernelTarball | typeof DEBIANS_KERNEL;
    /** What Debian's kernel needs on this board. Undefined: it does not run there. */
    readonly debian?: DebianKernel;
    readonly flavour: KernelFlavour;
    readonly localVersion: string;
    /** Merged over allnoconfig; those of architecture, flavour and kernel series, which come by themselves, first. */
    readonly fragments: readonly NamedFile[];
    /** Patch files, or folders of them, in the order in which they are applied. */
    readonly patches: readonly string[];
    readonly image: KernelImage;
    /** By name. All but these fields are those of the board's kernel. */
    readonly profiles: Readonly<Record<string, KernelProfile>>;
  };
  readonly configTxt: readonly ConfigTxtSection[];
  /** Values of `console=`; the last one becomes /dev/console. */
  readonly consoles: readonly string[];
  readonly cmdline: readonly string[];
  readonly wireless: readonly PackageFiles[];
  /** Machines of QEMU that can start the image; the first one is the default. */
  readonly qemu: readonly MachineName[];
};

/** Those of 512 MiB that 64-bit kernels run on; all others have 1 GiB at least. */
const SMALL_MODELS = /Zero 2|3 Model A\+/;

/** What the smallest model of a board has, in bytes. */
export function leastMemory({ models }: Pick<Board, 'models'>): number {
  return (models.some((model) => SMALL_MODELS.test(model)) ? 512 : 1024) * MiB;
}
