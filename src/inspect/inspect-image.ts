import { parseSystemMarker, SYSTEM_MARKER } from '../images/system-marker.js';
import { summariseSeed } from '../seeds/seed-summary.js';
import { SEED_FILE_NAMES } from '../seeds/text/seed.js';
import { parseOsRelease } from '../formats/dpkg-status.js';
import { bootFilesOf } from '../formats/firmware-choice.js';
import { MBR_SIZE_BYTES } from '../formats/mbr.js';
import { isExtended } from '../formats/partition-types.js';
import { folderSizes, largeFolders } from './folder-sizes.js';
import type { FileEntry } from '../formats/file-system/file-entry.js';
import type { ImageReport, PackagesReport, PartitionReport } from './image-report.js';
import type { ReswarmError } from '../errors.js';
import type { FileView } from '../images/file-view.js';
import type { Host } from '../host/host.js';
import { findBootRecord } from '../images/boot-records.js';
import { imageDigest } from '../images/image-digest.js';
import { reportBootLoader, reportDiscLoader } from './boot-loader.js';
import { bootMountOf, reportKernel } from './image-kernel.js';
import type { MountedImage } from '../images/mounted-image.js';
import type { Volume } from '../images/volumes.js';
import { withMountedImage } from '../images/mounted-image.js';
import { programArchitecture } from './program-architecture.js';
import { reportPackages } from './package-files.js';

/** Smaller folders and files than this share of all are in no report. */
const SMALLEST_SHARE = 0.001;

/** Looks into an image, without mounting it and without writing anything. Throws what withMountedImage throws. */
export async function inspectImage(path: string, host: Host): Promise<ImageReport> {
  return withMountedImage(path, host, (mounted) => reportImage(mounted, host));
}

export async function reportImage(mounted: MountedImage, host: Host): Promise<ImageReport> {
  const { image, kind, files, volumes, table, disc, archives } = mounted;
  const [sha256, packages] = await Promise.all([imageDigest(image.path, host), reportPackages(files)]);
  // A disc's own FAT holds the loader for UEFI and nothing else.
  const bootMount = disc?.mount ?? bootMountOf(volumes);
  const folders = folderSizes(files.entries);
  const folderBytes = (folder: string): number => folders.find(({ path }) => path === folder)?.diskBytes ?? 0;
  const kernel = await reportKernel(files, bootMount, folderBytes);
  const os = parseOsRelease((await files.text('/etc/os-release')) ?? '');
  const bootCheck = sha256 === undefined ? undefined : await findBootRecord(sha256, host);
  const seed = bootMount === undefined ? undefined : await readSeed(mounted, bootMount);
  const architecture = architectureOf(packages) ?? (await programArchitecture(files));
  const boot = await readBoot(mounted, bootMount ?? '/boot');
  return {
    image: image.name,
    sizeBytes: image.sizeBytes,
    ...(sha256 === undefined ? {} : { sha256 }),
    kind,
    ...(table === undefined
      ? {}
      : { partitionTable: table.scheme, sectorSizeBytes: table.sectorSizeBytes, diskId: table.diskId }),
    partitions: volumes.map((volume) => describeVolume(volume, files)),
    ...(disc === undefined ? {} : { disc: { fileSystem: disc.reader.facts, boot: disc.boot } }),
    archives,
    ...(os.ID === undefined
      ? {}
      : {
          os: {
            name: os.PRETTY_NAME ?? os.NAME ?? os.ID,
            id: os.ID,
            version: os.VERSION_ID ?? '',
            codename: os.VERSION_CODENAME ?? '',
          },
        }),
    ...(kernel === undefined ? {} : { kernel }),
    ...(architecture === undefined ? {} : { architecture }),
    packages,
    boot,
    ...(seed === undefined ? {} : { seed }),
    folders: largeFolders(folders, SMALLEST_SHARE),
    largeFiles: largeFiles(files.entries),
    ...(bootCheck === undefined ? {} : { bootCheck }),
    warnings: [
      ...(table?.warnings ?? []),
      ...(disc?.warnings ?? []),
      ...warningsOf(mounted),
      ...commandLineWarnings(boot),
    ],
  };
}

/** Of several names of one file the first. */
function largeFiles(entries: readonly FileEntry[]): ImageReport['largeFiles'] {
  const all = entries.reduce((sum, { diskBytes }) => sum + diskBytes, 0);
  const seen = new Set<number>();
  return entries
    .filter(({ kind, diskBytes, links, id }) => {
      if (kind !== 'file' || diskBytes < all * SMALLEST_SHARE || (links > 1 && seen.has(id))) return false;
      if (links > 1) seen.add(id);
      return true;
    })
    .map(({ path, sizeBytes, diskBytes }) => ({ path, sizeBytes, diskBytes }))
    .sort((a, b) => b.diskBytes - a.diskBytes);
}

function describeVolume(volume: Volume, files: FileView): PartitionReport {
  const { partition, mount, reader, other } = volume;
  const error = problemOf(volume, files);
  return {
    ...partition,
    ...(mount === undefined ? {} : { mount }),
    ...(reader === undefined ? {} : { fileSystem: reader.facts }),
    ...(other === undefined ? {} : { other }),
    ...(error === undefined ? {} : { notRead: { code: error.code, message: error.message } }),
  };
}

/** Why the files of a partition are not shown. */
function problemOf({ mount, error }: Volume, files: FileView): ReswarmError | undefined {
  return error ?? (mount === undefined ? undefined : files.unread.find((one) => one.mount === mount)?.error);
}

/** Most packages' own, `all` left out. */
function architectureOf({ list }: PackagesReport): string | undefined {
  const counts = new Map<string, number>();
  for (const { architecture } of list) {
    if (architecture !== 'all') counts.set(architecture, (counts.get(architecture) ?? 0) + 1);
  }
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0];
}

async function readBoot({ image, files, disc, volumes }: MountedImage, mount: string): Promise<ImageReport['boot']> {
  const configTxt = (await files.text(`${mount}/config.txt`)) ?? '';
  const { commandLine } = bootFilesOf(configTxt);
  const efiMount = volumes.find(({ reader }) => reader !== undefined && reader === disc?.efi)?.mount ?? '/efi';
  const loader =
    disc === undefined
      ? await reportBootLoader(await image.read(0, MBR_SIZE_BYTES), files, mount)
      : await reportDiscLoader(disc.boot, files, efiMount);
  return {
    configTxt: configTxt
      .split('\n')
      .map((line) => line.trimEnd())
      .filter((line) => line !== ''),
    commandLine:
      (await files.text(`${mount}/${commandLine}`))?.split('\n')[0] ??
      (disc === undefined ? '' : (loader?.commandLine ?? '')),
    ...(loader === undefined ? {} : { loader }),
  };
}

async function readSeed({ files }: MountedImage, mount: string): Promise<ImageReport['seed']> {
  const [userData, metaData, networkConfig, marker] = await Promise.all(
    [SEED_FILE_NAMES.userData, SEED_FILE_NAMES.metaData, SEED_FILE_NAMES.networkConfig, SYSTEM_MARKER].map((name) =>
      files.text(`${mount}/${name}`),
    ),
  );
  // A tiny system has no other user.
  const onlyUser = marker !== undefined && parseSystemMarker(marker).userland === 'busybox' ? 'root' : undefined;
  if (userData === undefined && metaData === undefined) return undefined;
  return summariseSeed(
    { userData: userData ?? '', metaData: metaData ?? '', networkConfig: networkConfig ?? '' },
    onlyUser,
  );
}

/** One of the two was changed by hand: `boot` and a PC would start the image differently. */
function commandLineWarnings({ commandLine, loader }: ImageReport['boot']): readonly string[] {
  const words = (line: string): string => line.trim().split(/\s+/).join(' ');
  if (loader?.commandLine === undefined || words(loader.commandLine) === words(commandLine)) return [];
  return [`grub.cfg starts the kernel with another command line than cmdline.txt: ${loader.commandLine}`];
}

/** Partitions of a disc cover its files and the gaps between them: nothing is in them of their own. */
function warningsOf({ kind, volumes: all, files }: MountedImage): readonly string[] {
  const volumes = kind === 'iso' ? all.filter(({ reader, error }) => reader !== undefined || error !== undefined) : all;
  const told = volumes.flatMap((volume) => problemOf(volume, files) ?? []);
  const inner = files.unread.filter(({ error }) => !told.includes(error)).map(({ error }) => `${error.message}.`);
  return [...volumes.flatMap((volume) => volumeWarnings(volume, files)), ...inner, ...unreadNames(files)];
}

function volumeWarnings(volume: Volume, files: FileView): readonly string[] {
  const { partition, reader, other, signature } = volume;
  const error = problemOf(volume, files);
  const warnings: string[] = [];
  if (reader?.facts.dirty === true) {
    const journal = reader.facts.kind.startsWith('ext') ? ' (its journal is not read)' : '';
    warnings.push(`Partition ${partition.number} was not unmounted: the newest changes may be missing here${journal}.`);
  }
  if (signature !== undefined) {
    warnings.push(
      `Partition ${partition.number} has the signature of ${signature} as well; blkid may take it for that.`,
    );
  }
  if (error !== undefined) warnings.push(`${error.message}.`);
  else if (reader === undefined && !isExtended(partition)) {
    warnings.push(`Partition ${partition.number} holds ${other ?? 'nothing known'}; it is not read.`);
  }
  return warnings;
}

const MOST_UNREAD_NAMES = 5;

/** Folders and files whose content is not understood, in a file system that is. */
function unreadNames({ entries }: FileView): readonly string[] {
  const unread = entries.filter(({ notRead }) => notRead !== undefined);
  const shown = unread
    .slice(0, MOST_UNREAD_NAMES)
    .map(({ path, notRead = '' }) => `${path} is not read: uses ${notRead}.`);
  const left = unread.length - shown.length;
  return left === 0 ? shown : [...shown, `${left} more names are not read.`];
}
