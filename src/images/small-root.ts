import { ReswarmError } from '../errors.js';
import type { FileEntry } from '../formats/file-system/file-entry.js';
import { baseName, joinPath, parentOf } from '../formats/file-system/file-entry.js';
import type { FileSystemReader } from '../formats/file-system/file-system-reader.js';
import { bootFilesOf } from '../formats/firmware-choice.js';
import type { Host } from '../host/host.js';
import { openInitramfs } from './initramfs-files.js';
import type { MountedReader, Unread } from './file-view.js';
import type { ScratchFiles } from './scratch-files.js';

/** An archive with a root in it, and where it was found. */
export type InnerArchive = {
  /** Paths as the view has them, one behind the other: "/boot/initramfs.zst"; the image itself where it is one. */
  readonly path: string;
  readonly kind: 'cpio' | 'squashfs';
  /** Of its parts, in their order: `none`, `zst`; of a squashfs its compressor. */
  readonly compressions: readonly string[];
  readonly sizeBytes: number;
  readonly unpackedBytes?: number;
  /** Where the device has what is in it. */
  readonly mount: string;
};

/** What is in an archive, for the view of an image. */
export type InnerRoot = {
  readonly archives: readonly InnerArchive[];
  readonly mounts: readonly MountedReader[];
  readonly unread: readonly Unread[];
};

/** Where a root that is mounted from a squashfs hides the archive around it. */
const OUTER_MOUNT = '/run/initramfs';

/**
 * The root in an archive. What cannot be read ends nothing: it is in `unread`.
 *
 * @param path of the archive, as the view has it
 * @param name what to call it when something is wrong
 */
export async function openSmallRoot(
  bytes: Buffer,
  { path, name }: { readonly path: string; readonly name: string },
  scratch: ScratchFiles,
  host: Host,
): Promise<InnerRoot> {
  try {
    const { reader, compressions, unpackedBytes, squashfs } = await openInitramfs(bytes, name, scratch, host);
    const isAround = squashfs !== undefined;
    const cpio: InnerArchive = {
      path,
      kind: 'cpio',
      compressions,
      sizeBytes: bytes.length,
      unpackedBytes,
      mount: isAround ? OUTER_MOUNT : '/',
    };
    const mounts = [{ mount: cpio.mount, reader }];
    if (!isAround) return { archives: [cpio], mounts, unread: [] };
    if (squashfs.reader === undefined) {
      const error = squashfs.error ?? new ReswarmError('file-system-not-read', `${name} is not read`);
      return { archives: [cpio], mounts, unread: [{ mount: '/', error }] };
    }
    const { sizeBytes, compression = '' } = squashfs.reader.facts;
    const inner = { path: joinPath(OUTER_MOUNT, 'root.squashfs'), kind: 'squashfs', mount: '/', sizeBytes } as const;
    return {
      archives: [cpio, { ...inner, compressions: [compression] }],
      mounts: [...mounts, { mount: '/', reader: squashfs.reader }],
      unread: [],
    };
  } catch (error) {
    if (!(error instanceof ReswarmError)) throw error;
    return { archives: [], mounts: [], unread: [{ mount: '/', error }] };
  }
}

/** Where boot loaders of discs and of PCs look. */
const FOLDERS = ['/', '/boot', '/live', '/casper', '/isolinux', '/install.amd'];
const NAMES = /^(?:initramfs|initrd)(?:[.\d_-].*)?$/i;

/**
 * The archive that a kernel would be handed with what is in a FAT or on a disc: what config.txt names, else a file that
 * is called so. undefined where there is none.
 */
export async function findInitramfs(
  reader: FileSystemReader,
  mount: string,
): Promise<{ readonly path: string; readonly bytes: Buffer } | undefined> {
  const configTxt = (await reader.readFile('/config.txt'))?.toString('utf8') ?? '';
  const files = await named(reader, bootFilesOf(configTxt).initramfs);
  const found = files.length > 0 ? files : (await called(reader)).slice(0, 1);
  if (found.length === 0) return undefined;
  const parts: Buffer[] = [];
  for (const file of found) {
    const bytes = await reader.bytes(file);
    // The firmware puts each where a word begins.
    parts.push(bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4));
  }
  const path = found.map((file) => placedAt(mount, file.path)).join(',');
  return { path, bytes: found.length === 1 ? (parts[0] ?? Buffer.alloc(0)) : Buffer.concat(parts) };
}

async function named(reader: FileSystemReader, names: readonly string[]): Promise<readonly FileEntry[]> {
  const files = await Promise.all(names.map((name) => reader.find(`/${name}`)));
  return files.filter((file): file is FileEntry => file?.kind === 'file');
}

async function called(reader: FileSystemReader): Promise<readonly FileEntry[]> {
  const lists = await Promise.all(FOLDERS.map((folder) => reader.list(folder)));
  return lists
    .flatMap((list) => list ?? [])
    .filter(({ kind, path }) => kind === 'file' && NAMES.test(baseName(path)))
    .sort((a, b) => (parentOf(a.path) + a.path < parentOf(b.path) + b.path ? -1 : 1));
}

function placedAt(mount: string, path: string): string {
  return mount === '/' ? path : mount + path;
}
