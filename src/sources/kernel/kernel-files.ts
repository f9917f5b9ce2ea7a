import { copyFile, mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Made } from '../../pipeline/stage.js';

/** Where a kernel's files lie below the output folder of the stage that made or fetched it. */
export type KernelFiles = {
  /** Raw arm64 Image, which QEMU and the firmware load, or a bzImage. */
  readonly image: string;
  /** The same, `gzip -9`; the firmware loads this too. */
  readonly imageGz: string;
  /** To be laid over a root file system: `usr/lib/modules/<release>/`, depmod's files included. */
  readonly modules: string;
  /** Flat folder of upstream's device trees for all boards of the family; empty for amd64. */
  readonly deviceTrees: string;
  readonly config: string;
  readonly systemMap: string;
  /** What `uname -r` will say, in a file. */
  readonly release: string;
};

/** A kernel, whoever compiled it. */
export type Kernel = Omit<KernelFiles, 'release'> & {
  readonly key: string;
  /** Folder with all of it. */
  readonly path: string;
  /** What `uname -r` will say: "6.12.117-reswarm". */
  release(): Promise<string>;
};

export function kernelFiles(out: string): KernelFiles {
  return {
    image: join(out, 'Image'),
    imageGz: join(out, 'Image.gz'),
    modules: join(out, 'modules'),
    deviceTrees: join(out, 'dtbs'),
    config: join(out, 'config'),
    systemMap: join(out, 'System.map'),
    release: join(out, 'release'),
  };
}

export function openKernel({ key, path }: Made): Kernel {
  const { release, ...files } = kernelFiles(path);
  return { key, path, ...files, release: () => readKernelRelease(release) };
}

/** @param file `KernelFiles.release` */
export async function readKernelRelease(file: string): Promise<string> {
  return (await readFile(file, 'utf8')).trim();
}

/** Those of the Raspberry Pis, flat. @param from a folder; undefined: the machines describe themselves */
export async function copyDeviceTrees(from: string | undefined, to: string): Promise<void> {
  await mkdir(to);
  if (from === undefined) return;
  const names = (await readdir(from)).filter((name) => /^bcm2[78].*\.dtb$/.test(name));
  for (const name of names) await copyFile(join(from, name), join(to, name));
}
