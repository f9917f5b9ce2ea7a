import type { Architecture } from './architecture.js';

/** How the kernel's own makefiles call what Debian calls by `architecture`. */
export type KernelTarget = {
  /** `ARCH=`. */
  readonly arch: string;
  /** `CROSS_COMPILE=`, without the final hyphen: Debian's compilers carry it on machines of the same architecture too. */
  readonly triplet: string;
  /** What is booted: make's name of it and where it lies below the folder of objects. */
  readonly image: { readonly target: string; readonly path: string };
  /** Folder of the boards' device trees below the folder of objects; undefined where machines describe themselves. */
  readonly deviceTrees?: string;
  /** Packages of the tools tree whose version shows in the result. */
  readonly compilers: readonly string[];
};

const TARGETS: Readonly<Record<Architecture, KernelTarget>> = {
  arm64: {
    arch: 'arm64',
    triplet: 'aarch64-linux-gnu',
    image: { target: 'Image', path: 'arch/arm64/boot/Image' },
    deviceTrees: 'arch/arm64/boot/dts/broadcom',
    compilers: ['gcc-14-aarch64-linux-gnu', 'binutils-aarch64-linux-gnu'],
  },
  amd64: {
    arch: 'x86_64',
    triplet: 'x86_64-linux-gnu',
    image: { target: 'bzImage', path: 'arch/x86/boot/bzImage' },
    compilers: ['gcc-14-x86-64-linux-gnu', 'binutils-x86-64-linux-gnu'],
  },
};

export function kernelTarget(architecture: Architecture): KernelTarget {
  return TARGETS[architecture];
}

/** Everything that `make` is asked to compile. */
export function compileTargets(architecture: Architecture): readonly string[] {
  const { image, deviceTrees } = kernelTarget(architecture);
  return [image.target, 'modules', ...(deviceTrees === undefined ? [] : ['dtbs'])];
}

/** "HdrS" of the boot protocol, Documentation/arch/x86/boot.rst. */
const BZIMAGE_MAGIC = { offset: 0x202, bytes: 'HdrS' };

/** Whom a kernel file is for. What is no bzImage is taken for arm64's, which lies on cards packed or not. */
export function kernelArchitecture(kernel: Uint8Array): Architecture {
  const { offset, bytes } = BZIMAGE_MAGIC;
  return Buffer.from(kernel.subarray(offset, offset + bytes.length)).toString('latin1') === bytes ? 'amd64' : 'arm64';
}

/** What a bzImage says of itself where it is not packed: kernel_version of the boot protocol. Undefined for others. */
export function bzImageVersion(kernel: Uint8Array): string | undefined {
  if (kernelArchitecture(kernel) !== 'amd64') return undefined;
  const bytes = Buffer.from(kernel.buffer, kernel.byteOffset, kernel.byteLength);
  const at = bytes.readUInt16LE(0x20e) + 0x200;
  return /^\d+\.\S+/.exec(bytes.toString('latin1', at, at + 64))?.[0];
}
