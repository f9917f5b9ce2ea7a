import type { FileSystemReader } from '../formats/file-system/file-system-reader.js';
import type { Host } from '../host/host.js';
import type { PartitionTable } from '../model/partition-table.js';
import type { ContentKind } from './content-kind.js';
import type { Disc } from './disc.js';
import { openDisc } from './disc.js';
import type { RawImage } from './disk-image.js';
import type { MountedReader, Unread } from './file-view.js';
import type { ScratchFiles } from './scratch-files.js';
import type { InnerArchive, InnerRoot } from './small-root.js';
import { findInitramfs, openSmallRoot } from './small-root.js';
import { openSquashfs } from './squashfs-files.js';
import type { Volume } from './volumes.js';
import { FAT_MOUNT, isFatReader, mountVolumes, readVolumes, unlessUnread } from './volumes.js';

/** Places of a disc whose root is in an archive, and of the FAT in it. */
const DISC_MOUNT = '/iso';
const EFI_MOUNT = '/efi';

/** What is in an image, before its files are shown as one tree. */
export type Content = Pick<InnerRoot, 'mounts' | 'unread'> & {
  /** Of a disk, and of a disc that starts from a stick too. */
  readonly table?: PartitionTable;
  readonly volumes: readonly Volume[];
  /** Of a disc. */
  readonly disc?: Disc;
  /** With a root in them, the outer ones first. */
  readonly archives: readonly InnerArchive[];
};

type MountKind = (image: RawImage, scratch: ScratchFiles, host: Host) => Promise<Content>;

/** How each kind of image becomes files. Throws what `partitions`, openDisc, openInitramfs and openSquashfs throw. */
export const MOUNT: Readonly<Record<ContentKind, MountKind>> = {
  disk: mountDisk,
  iso: mountDisc,
  initramfs: mountInitramfs,
  squashfs: mountSquashfs,
};

/** Partitions; where none of them is a root, what the kernel is handed as one. */
async function mountDisk(image: RawImage, scratch: ScratchFiles, host: Host): Promise<Content> {
  const table = await image.partitions();
  const volumes = [...(await mountVolumes(table, await readVolumes(image, table, scratch, host)))];
  const mounts = volumes.flatMap(({ mount, reader }): MountedReader[] =>
    mount === undefined || reader === undefined ? [] : [{ mount, reader }],
  );
  const unread = volumes.flatMap(({ error }): Unread[] => (error === undefined ? [] : [{ error }]));
  const fat = volumes.find(({ reader, mount }) => mount !== undefined && reader !== undefined && isFatReader(reader));
  // Where a root may be that cannot be read, what lies in an archive is another one: the kernel's first.
  const mayHaveRoot = volumes.some(({ reader, error }) => error !== undefined || reader?.facts.kind.startsWith('ext'));
  const root =
    mayHaveRoot || fat?.reader === undefined
      ? NO_ROOT
      : await rootIn(fat.reader, fat.mount ?? FAT_MOUNT, image, scratch, host);
  if (!mayHaveRoot && root.mounts.length + root.unread.length === 0) {
    const squashfs = volumes.find(({ reader, mount }) => reader?.facts.kind === 'squashfs' && mount === undefined);
    if (squashfs?.reader !== undefined) {
      mounts.push({ mount: '/', reader: squashfs.reader });
      volumes[volumes.indexOf(squashfs)] = { ...squashfs, mount: '/' };
    }
  }
  return {
    table,
    volumes,
    archives: root.archives,
    mounts: [...mounts, ...root.mounts],
    unread: [...unread, ...root.unread],
  };
}

const NO_ROOT: InnerRoot = { archives: [], mounts: [], unread: [] };

async function rootIn(
  reader: FileSystemReader,
  mount: string,
  image: RawImage,
  scratch: ScratchFiles,
  host: Host,
): Promise<InnerRoot> {
  const found = await unlessUnread(() => findInitramfs(reader, mount));
  if (found === undefined) return NO_ROOT;
  const name = `${found.path} in ${image.name}`;
  return openSmallRoot(found.bytes, { path: found.path, name }, scratch, host);
}

async function mountDisc(image: RawImage, scratch: ScratchFiles, host: Host): Promise<Content> {
  const disc = await openDisc(image);
  const inTable = disc.table === undefined ? [] : await readVolumes(image, disc.table, scratch, host);
  const uefi = disc.boot.find(({ firmware }) => firmware === 'UEFI');
  const volumes = inTable.map((volume) => {
    const isEfi = disc.efi !== undefined && volume.partition.offsetBytes === uefi?.offsetBytes;
    return isEfi ? { ...volume, mount: EFI_MOUNT } : volume;
  });
  const root = await rootIn(disc.reader, DISC_MOUNT, image, scratch, host);
  const mount = root.mounts.length > 0 || root.unread.length > 0 ? DISC_MOUNT : '/';
  const efi = disc.efi === undefined ? [] : [{ mount: EFI_MOUNT, reader: disc.efi }];
  return {
    ...(disc.table === undefined ? {} : { table: disc.table }),
    volumes,
    disc: { ...disc, mount },
    archives: root.archives,
    mounts: [{ mount, reader: disc.reader }, ...efi, ...root.mounts],
    unread: root.unread,
  };
}

async function mountInitramfs(image: RawImage, scratch: ScratchFiles, host: Host): Promise<Content> {
  const bytes = await image.read(0, image.sizeBytes);
  const { name } = image;
  const root = await openSmallRoot(
    Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
    { path: name, name },
    scratch,
    host,
  );
  const [failed] = root.unread;
  if (failed !== undefined && root.mounts.length === 0) throw failed.error;
  return { volumes: [], ...root };
}

async function mountSquashfs(image: RawImage, scratch: ScratchFiles, host: Host): Promise<Content> {
  const reader = await openSquashfs(image.read, image.sizeBytes, image.name, scratch, host);
  const { sizeBytes, compression = '' } = reader.facts;
  const archive = { path: image.name, kind: 'squashfs', compressions: [compression], sizeBytes, mount: '/' } as const;
  return { volumes: [], archives: [archive], mounts: [{ mount: '/', reader }], unread: [] };
}
