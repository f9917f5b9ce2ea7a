import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { baseName } from '../formats/file-system/file-entry.js';
import { bzImageVersion } from '../model/kernel-target.js';
import { bootFilesOf } from '../formats/firmware-choice.js';
import type { KernelReport } from './image-report.js';
import type { FileView } from '../images/file-view.js';

const unzip = promisify(gunzip);
const MODULES = '/usr/lib/modules';
const BANNER = Buffer.from('Linux version ');

/** The kernel that the firmware would start, by config.txt; undefined when it is not there. */
export async function reportKernel(
  files: FileView,
  bootMount: string,
  folderBytes: (path: string) => number,
): Promise<KernelReport | undefined> {
  const { kernel } = bootFilesOf((await files.text(`${bootMount}/config.txt`)) ?? '');
  const entry = files.find(`${bootMount}/${kernel}`);
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
