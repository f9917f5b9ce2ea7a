import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { FileEntry } from '../formats/file-system/file-entry.js';
import { baseName, joinPath } from '../formats/file-system/file-entry.js';
import { bzImageVersion } from '../model/kernel-target.js';
import { bootFilesOf } from '../formats/firmware-choice.js';
import type { KernelReport } from './image-report.js';
import type { FileView } from '../images/file-view.js';
import type { MountedImage } from '../images/mounted-image.js';

const unzip = promisify(gunzip);
const MODULES = '/usr/lib/modules';
const BANNER = Buffer.from('Linux version ');

/** Names of kernels where no config.txt says one: of boot loaders for PCs, and of images that are handed one. */
const KERNEL_NAMES = /^(?:vmlinuz|vmlinux|bzImage|Image|kernel|linux)(?:[.\d_-].*)?$/;

/** Where the device has the FAT partition that boot loaders read; undefined for an image without one. */
export function bootMountOf(volumes: MountedImage['volumes']): string | undefined {
  return volumes.find(({ reader, mount }) => reader?.facts.kind.startsWith('fat') === true && mount !== undefined)
    ?.mount;
}

/** The kernel that would be started; undefined when it is not there. @param bootMount where boot loaders look for it */
export async function reportKernel(
  files: FileView,
  bootMount: string | undefined,
  folderBytes: (path: string) => number,
): Promise<KernelReport | undefined> {
  if (bootMount === undefined) return undefined;
  const configTxt = await files.text(joinPath(bootMount, 'config.txt'));
  const named = files.find(joinPath(bootMount, bootFilesOf(configTxt ?? '').kernel));
  const entry = named ?? (configTxt === undefined ? kernelIn(files, bootMount) : undefined);
  const modules = files.children(files.find(MODULES)?.path ?? MODULES).filter(({ kind }) => kind === 'folder');
  if (entry?.kind !== 'file') return undefined;
  const bytes = await files.bytes(entry);
  const version = bzImageVersion(bytes) ?? versionIn(await unpacked(bytes));
  return {
    ...(version === undefined ? {} : { version }),
    file: entry.path,
    sizeBytes: entry.sizeBytes,
    modules: modules.map(({ path }) => baseName(path)),
    modulesBytes: modules.reduce((sum, { path }) => sum + folderBytes(path), 0),
  };
}

function kernelIn(files: FileView, mount: string): FileEntry | undefined {
  return [mount, joinPath(mount, 'boot'), joinPath(mount, 'live')]
    .flatMap((folder) => files.children(folder))
    .find(({ path, kind }) => kind === 'file' && KERNEL_NAMES.test(baseName(path)));
}

/** The firmware takes a kernel that is packed with gzip; one that is damaged just does not tell its version. */
async function unpacked(bytes: Buffer): Promise<Buffer> {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  return unzip(bytes).catch(() => bytes);
}

/** Of linux_banner; the same words stand in a format string too, where no version follows. */
function versionIn(kernel: Buffer): string | undefined {
  for (let at = kernel.indexOf(BANNER); at >= 0; at = kernel.indexOf(BANNER, at + 1)) {
    const text = kernel.toString('latin1', at + BANNER.length, at + BANNER.length + 64);
    const version = /^(\d+\.\S+)/.exec(text)?.[1];
    if (version !== undefined) return version;
  }
  return undefined;
}
