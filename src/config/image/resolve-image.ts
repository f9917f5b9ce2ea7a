import type { Problem } from '../../errors.js';
import { IMAGES_LAYER } from '../../model/container-engine.js';
import { GROW_LAYER } from '../../model/image-spec.js';
import type { Layer } from '../../model/image-spec.js';
import type { PackageFile } from '../../model/packages.js';
import { loadLayers } from '../layers/load-layers.js';
import type { DraftDisk } from '../partitions/draft-disk.js';
import { draftPartitions } from '../partitions/draft-partitions.js';
import { checkPartitionRules } from '../partitions/partition-rules.js';
import type { Said } from '../said.js';
import { engineOfFiles, engineOfFlag, type Engine } from './engine.js';
import { isPackageFile } from '../package-word.js';
import { repositoriesTwice } from '../packages/package-statements.js';
import {
  checkBundle,
  checkContainerImages,
  checkOneEngine,
  missingFolders,
  requiredPackages,
  softwareTwice,
} from './image-rules.js';
import { joinStatements, type ImageStatements } from '../statements/statements.js';
import { checkRoot, ENCRYPTION_LAYER } from './root-rules.js';
import { checkUserland } from './userland-fit.js';

/** What the command line says of an image; paths are absolute. */
export type ImageFlags = {
  /** Another container engine than that of the files. */
  readonly docker?: string | undefined;
  /** Debian packages as words for apt, or absolute paths of .deb files; after those of the files. */
  readonly packages?: readonly string[];
  /** Folders over the root, after those of the files. */
  readonly overlays?: readonly string[];
  /** Archives of container images, after those of the files. */
  readonly containerImages?: readonly string[];
};

/** An image put together, before it becomes a value. */
export type ResolvedImage = {
  readonly statements: ImageStatements;
  readonly layers: readonly Layer[];
  readonly disk: DraftDisk;
};

/**
 * A system, what a board says over it, and the command line, joined and held against each other. With problems the
 * result is of no use. Codes: those of `checkPartitionRules`, `loadLayers`, `engineOfFiles`,
 * `engineOfFlag`, `layer-engine-twice`, `docker-bundle-unused`, `docker-images-without-engine`, `overlay-not-found`,
 * `package-required`, those of `checkRoot`, `repository-twice`, `software-twice`, `userland-unfit`.
 * @param firmwareFiles files of boot firmware that the board loads from the drive
 */
export async function resolveImage(
  documents: { readonly system: ImageStatements; readonly board?: ImageStatements },
  firmwareFiles: readonly string[],
  flags: ImageFlags,
  layersDir: string,
): Promise<{ readonly resolved: ResolvedImage; readonly problems: readonly Problem[] }> {
  const { system, board } = documents;
  const files = board === undefined ? system : joinStatements(system, board);
  const statements = withFlags(files, flags);
  const { disk, problems: ofDisk } = draftDisk(files, firmwareFiles);
  if (disk.rootIsArchive) {
    const over = withFlags(board ?? NOTHING_SAID, flags);
    return resolveSmall({ statements, over, disk, problems: ofDisk }, flags, layersDir);
  }
  const ofFiles = await engineOfFiles(files.engine ?? NO_ENGINE, layersDir);
  const ofFlag = flags.docker === undefined ? undefined : await engineOfFlag(flags.docker, layersDir);
  const { engine } = ofFlag ?? ofFiles;
  const wanted = (one: Engine) => [
    ...files.layers,
    ...engineLayer(one),
    ...imagesLayer(statements),
    ...growLayer(disk, files),
    ...encryptionLayer(statements),
  ];
  const { layers, problems: ofLayers } = await loadLayers(wanted(engine), layersDir);
  const { layers: layersOfFiles } = await loadLayers(wanted(ofFiles.engine), layersDir);
  const problems = [
    ...ofDisk,
    ...ofFiles.problems,
    ...(ofFlag?.problems ?? []),
    ...ofLayers,
    ...checkOneEngine(layers, files.layers[0]),
    ...(engine.layer === undefined ? [] : checkContainerImages(statements, engine.name, layers)),
    // A bundle that the files do not use is wrong, whatever the command line says.
    ...(ofFiles.engine.layer === undefined ? [] : checkBundle(files, ofFiles.engine.name, layersOfFiles)),
    ...(await missingFolders([...files.overlays, ...disk.partitions.flatMap((one) => one.files)])),
    ...checkRoot(files.root),
    ...repositoriesTwice(files.repositories),
    ...requiredPackages(files, layers),
    ...softwareTwice([system.software, board?.software ?? []]),
  ];
  return { resolved: { statements, layers, disk }, problems };
}

type SmallImage = {
  readonly statements: ImageStatements;
  /** Of the board and the command line alone. */
  readonly over: ImageStatements;
  readonly disk: DraftDisk;
  readonly problems: readonly Problem[];
};

/** A root of BusyBox or of a workload: no packages, no engine. */
async function resolveSmall(
  { statements, over, disk, problems: before }: SmallImage,
  { docker }: ImageFlags,
  layersDir: string,
): Promise<{ readonly resolved: ResolvedImage; readonly problems: readonly Problem[] }> {
  const { layers, problems: ofLayers } = await loadLayers([...statements.layers, ...sshLayer(statements)], layersDir);
  const said = docker === undefined ? over : { ...over, engine: { value: docker, at: {} } };
  const problems = [
    ...before,
    ...ofLayers,
    ...checkUserland(statements.userland?.value ?? 'debian', said, layers),
    ...(await missingFolders(statements.overlays)),
  ];
  return { resolved: { statements, layers, disk }, problems };
}

const NOTHING_SAID: ImageStatements = {
  layers: [],
  overlays: [],
  containerImages: [],
  software: [],
  partitions: [],
  packages: [],
  packageFiles: [],
  withoutPackages: [],
  repositories: [],
  capabilities: {},
};

/** The server's own script comes with the server. */
function sshLayer({ ssh }: ImageStatements): Said<string>[] {
  return ssh?.value === 'dropbear' ? [{ value: 'tiny-dropbear', at: ssh.at }] : [];
}

const NO_ENGINE: Said<string> = { value: 'none', at: {} };

function draftDisk(
  { table, alignment, partitions, userland }: ImageStatements,
  firmwareFiles: readonly string[],
): { readonly disk: DraftDisk; readonly problems: readonly Problem[] } {
  const disk: DraftDisk = {
    table: table ?? { value: 'mbr', at: {} },
    alignment: alignment ?? { value: '4M', at: {} },
    partitions: draftPartitions(partitions),
    firmwareFiles,
    rootIsArchive: userland !== undefined && userland.value !== 'debian',
  };
  return { disk, problems: checkPartitionRules(disk) };
}

function engineLayer({ name, layer }: Engine): Said<string>[] {
  return layer === undefined ? [] : [{ value: layer, at: name.at }];
}

/** The unit that loads container images comes with the first of them. */
function imagesLayer({ containerImages }: ImageStatements): Said<string>[] {
  return containerImages.slice(0, 1).map(({ at }) => ({ value: IMAGES_LAYER, at }));
}

/** Base grows the root of an MBR by itself; everything else is said in a file that this layer's script reads. */
function growLayer({ table, partitions }: DraftDisk, { root }: ImageStatements): Said<string>[] {
  const growing = partitions.find(({ grow }) => grow);
  const isUsual =
    root?.value.encryption === undefined && growing?.role === 'root' && !growing.logical && table.value === 'mbr';
  return isUsual ? [] : [{ value: GROW_LAYER, at: growing?.at('grow') ?? {} }];
}

/** cryptsetup for the device, and growth of what is inside the opened root. */
function encryptionLayer({ root }: ImageStatements): Said<string>[] {
  return root?.value.encryption === undefined ? [] : [{ value: ENCRYPTION_LAYER, at: root.at }];
}

function withFlags(files: ImageStatements, flags: ImageFlags): ImageStatements {
  const typed = (paths: readonly string[] = []): Said<string>[] => paths.map((value) => ({ value, at: {} }));
  const { packages: words = [] } = flags;
  return {
    ...files,
    packages: [...files.packages, ...words.filter((word) => !isPackageFile(word))],
    packageFiles: [
      ...files.packageFiles,
      ...words.filter(isPackageFile).map((path): PackageFile => ({ path, at: {} })),
    ],
    overlays: [...files.overlays, ...typed(flags.overlays)],
    containerImages: [...files.containerImages, ...typed(flags.containerImages)],
  };
}
