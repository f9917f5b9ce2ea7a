import { readFile, stat } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { fromCwd } from '../config/from-cwd.js';
import { readImageSpec } from '../config/image/read-image-spec.js';
import { configPlaces } from '../config/places.js';
import type { FirmwareEntry } from '../config/firmware-manifest.js';
import { dockerBundle, firmwareEntry, loadFirmwareManifest } from '../config/firmware-manifest.js';
import { isPackageFile, packageFault } from '../config/package-word.js';
import type { Problem } from '../errors.js';
import { UserError } from '../errors.js';
import { fileSystem } from '../filesystems/registry.js';
import { fixedSizeProblems } from '../filesystems/size.js';
import { checkImagePath } from '../images/image-file.js';
import type { DockerBundle } from '../model/container-engine.js';
import type { DebianTreeSpec, ImageSpec } from '../model/image-spec.js';
import { engineLayer } from '../model/image-spec.js';
import { readSourceDateEpoch } from '../model/source-date-epoch.js';
import type { PinnedPackageFile, PinnedRepository } from '../model/packages.js';
import type { PinnedSoftware } from '../model/software.js';
import { scriptsIn, treeDigest } from '../pipeline/tree-digest.js';
import { checkSeed } from '../seeds/check-seed.js';
import { composeSeed } from '../seeds/compose/compose-seed.js';
import type { SeedOptions } from '../seeds/compose/read-seed.js';
import { readSeedInputs } from '../seeds/compose/read-seed.js';
import type { SeedFiles } from '../seeds/text/seed.js';
import type { CopiedFolder } from '../sources/copy-folder.js';
import { unknownFirmwareFiles } from '../sources/firmware/boot-firmware.js';
import type { DtboSource } from '../sources/kernel/device-tree-overlays.js';
import type { FragmentFile } from '../sources/kernel/fragments.js';
import { mergeFragments } from '../sources/kernel/fragments.js';
import type { KernelPatch } from '../sources/kernel/kernel-build.js';
import { flavourPackages, withFlavour } from '../sources/kernel/kernel-flavour.js';
import { readDeviceTreeOverlays, readFragments, readPatches } from '../sources/kernel/kernel-request.js';
import type { PresetRule } from '../sources/debian/root/overlay-presets.js';
import { readOverlayPresets } from '../sources/debian/root/overlay-presets.js';
import type { BuildOptions } from './build-options.js';
import { overlayProblems } from './overlay-rules.js';
import type { PinnedArchive } from './read-content.js';
import { readContent } from './read-content.js';
import { pinPackages } from './read-packages.js';
import type { BuildTarget } from './write-target.js';

/** The options, read and checked as far as that goes without any tool. */
export type BuildRequest = {
  readonly spec: ImageSpec;
  readonly root: DebianTreeSpec;
  /** Of reswarm-os. */
  readonly version: string;
  /** Path of the image file, or of the device. */
  readonly image: string;
  readonly firmware?: FirmwareEntry | undefined;
  readonly deviceTreeOverlays: readonly DtboSource[];
  readonly target: BuildTarget;
  readonly fragments: readonly FragmentFile[];
  /** Of the kernel. */
  readonly patches: readonly KernelPatch[];
  /** Put together and found right as far as that goes without cloud-init's schemas. */
  readonly seed: SeedFiles;
  /** It belongs to one device. */
  readonly hasOwnSeed: boolean;
  /** Of the image and its metadata files: an image with a device's own seed contains password hashes and Wi-Fi keys. */
  readonly fileMode: number;
  /** Folders of the root's layers and overlays, in the order in which they are copied. */
  readonly folders: readonly CopiedFolder[];
  /** Docker's own static programs, where a layer wants them. */
  readonly dockerBundle?: DockerBundle | undefined;
  readonly images: readonly PinnedArchive[];
  readonly software: readonly PinnedSoftware[];
  /** All packages that are asked for, as words for apt. */
  readonly packages: readonly string[];
  readonly packageFiles: readonly PinnedPackageFile[];
  readonly repositories: readonly PinnedRepository[];
  /** Of overlays. */
  readonly presets: readonly PresetRule[];
  readonly sourceDateEpoch: number;
  readonly accelerate: boolean;
};

/** Throws UserError with every problem that can be known now. */
export async function readBuildRequest(options: BuildOptions): Promise<BuildRequest> {
  const { workingFolder } = options;
  const absolute = (path: string): string => resolve(workingFolder, path);
  const spec = await readSpec(options);
  const { board } = spec;
  const root = debianRoot(spec);
  const { content, problems: ofContent } = await readContent(
    root,
    board.architecture,
    (options.software ?? []).map(absolute),
  );
  const { wishes, problems: ofPackages } = await pinPackages(root.packageFiles, root.repositories);
  const layerFolders = root.layers.flatMap(({ files }) => files ?? []);
  const ownLayers = layerFolders.filter((path) => relative(options.projectDir, path).startsWith('..'));
  const presets = await readOverlayPresets(layerFolders, root.overlays);
  const target = options.target ?? { type: 'file' };
  const image = target.type === 'device' ? target.device.path : absolute(options.output ?? `reswarm-os-${spec.id}.img`);
  const epoch = readSourceDateEpoch(options.sourceDateEpoch);
  const { inputs, problems: unreadable } = await readSeedInputs(
    resolveSeedPaths(options.seed, workingFolder),
    join(options.projectDir, 'cloud-init'),
  );
  const composed = composeSeed(inputs);
  const manifest = await loadFirmwareManifest(join(options.projectDir, 'firmware-manifest.json'));
  const firmware = board.firmware && firmwareEntry(manifest, board.firmware.manifest);
  const fragments = await readFragments(board);
  const patches = await readPatches(board);
  const typed = options.overlays.map(absolute);
  const problems = [
    ...ofContent.map((problem) => fromCwd(problem, workingFolder)),
    ...(firmware === undefined ? [] : unknownFirmwareFiles(firmware, board.firmware?.files ?? [])),
    ...tooSmallPartitions(spec, content.images),
    ...mergeFragments(fragments).problems,
    ...unreadable,
    ...composed.problems,
    ...checkSeed(composed.files).problems,
    ...(target.type === 'device' ? [] : await checkImagePath(image)),
    ...(await Promise.all(typed.map(missingFolder))).flat(),
    ...options.packages.filter((word) => !isPackageFile(word)).flatMap((word) => packageFault(word) ?? []),
    ...ofPackages.map((problem) => fromCwd(problem, workingFolder)),
    ...presets.problems,
    ...badUrlBase(options.urlBase),
    ...(await overlayProblems({ spec, folders: [...ownLayers, ...root.overlays], software: content.software })),
    ...epoch.problems,
  ];
  if (problems.length > 0) throw UserError.fromProblems(problems);
  const { bundle } = engineLayer(root.layers);
  return {
    spec,
    root,
    version: await ownVersion(options.projectDir),
    image,
    firmware,
    deviceTreeOverlays: await readDeviceTreeOverlays(board),
    target,
    fragments,
    patches,
    seed: composed.files,
    hasOwnSeed: isOwnSeed(options.seed),
    fileMode: isOwnSeed(options.seed) ? 0o600 : 0o644,
    folders: await foldersOf(root),
    dockerBundle: bundle && dockerBundle(manifest, board.architecture, bundle),
    ...content,
    packages: [
      ...root.layers.flatMap(({ packages }) => packages).filter((name) => !root.withoutPackages.includes(name)),
      ...flavourPackages(board),
      ...root.packages,
    ],
    ...wishes,
    presets: presets.rules,
    sourceDateEpoch: epoch.seconds,
    accelerate: options.accelerate,
  };
}

/** The board, its system and the flags, joined. */
async function readSpec(options: BuildOptions): Promise<ImageSpec> {
  const places = configPlaces(options.projectDir, options.workingFolder);
  const absolute = (path: string): string => resolve(options.workingFolder, path);
  const { spec } = await readImageSpec(
    {
      board: options.board,
      system: options.system,
      docker: options.docker,
      containerImages: (options.dockerImages ?? []).map(absolute),
      packages: options.packages.map((word) => (isPackageFile(word) ? absolute(word) : word)),
      overlays: options.overlays.map(absolute),
    },
    places,
  );
  return { ...spec, board: await withFlavour(spec.board, options.kernelFlavour, places.boardsDir) };
}

/** The tree that becomes the root. */
function debianRoot({ trees, volumes, partitions, root }: ImageSpec): DebianTreeSpec {
  const partition = partitions.find(({ name }) => name === root.partition);
  const tree = trees[volumes[partition?.volume ?? '']?.tree ?? ''];
  if (tree?.from !== 'debian') throw new TypeError('the root of this system is not made from Debian packages');
  return tree;
}

/** Fixed sizes that cannot hold what is known already: before anything is made. Code `partition-too-small`. */
function tooSmallPartitions(spec: ImageSpec, images: readonly PinnedArchive[]): readonly Problem[] {
  const bytes = images.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  return spec.partitions.flatMap(({ name, volume }) => {
    const request = spec.volumes[volume];
    if (request === undefined) return [];
    const content = name === spec.root.partition ? { bytes, files: images.length } : { bytes: 0, files: 0 };
    return fixedSizeProblems(name, request, content, fileSystem(request.fs));
  });
}

async function foldersOf(root: DebianTreeSpec): Promise<readonly CopiedFolder[]> {
  const ours = await Promise.all(root.layers.flatMap(({ files }) => files ?? []).map(ownFolder));
  const theirs = await Promise.all(root.overlays.map(theirFolder));
  return [...ours, ...theirs];
}

/** Of the project: the modes of a checkout say nothing. */
async function ownFolder(path: string): Promise<CopiedFolder> {
  const digest = await treeDigest(path, 'scripts');
  return { path, normaliseModes: true, digest, programs: await scriptsIn(path) };
}

async function theirFolder(path: string): Promise<CopiedFolder> {
  return { path, normaliseModes: false, digest: await treeDigest(path, 'all') };
}

async function ownVersion(projectDir: string): Promise<string> {
  const { version } = JSON.parse(await readFile(join(projectDir, 'package.json'), 'utf8')) as { version: string };
  return version;
}

function isOwnSeed({ userData, metaData, networkConfig, hostname, sshKeys = [] }: SeedOptions): boolean {
  return [userData, metaData, networkConfig, hostname, ...sshKeys].some((value) => value !== undefined);
}

/** An ssh key may be given as it is; whatever is no file stays what was typed. */
function resolveSeedPaths(seed: SeedOptions, workingFolder: string): SeedOptions {
  const absolute = (path: string | undefined) => (path === undefined ? undefined : resolve(workingFolder, path));
  return {
    ...seed,
    userData: absolute(seed.userData),
    metaData: absolute(seed.metaData),
    networkConfig: absolute(seed.networkConfig),
  };
}

function badUrlBase(text: string | undefined): Problem[] {
  if (text === undefined || (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol))) return [];
  const hint = 'The address of the folder from which others will fetch it: --url-base https://example.org/images';
  return [{ code: 'url-base-invalid', message: `"${text}" is not an address that begins with http(s)://`, hint }];
}

async function missingFolder(folder: string): Promise<Problem[]> {
  const status = await stat(folder).catch(() => undefined);
  if (status?.isDirectory() === true) return [];
  const message =
    status === undefined ? `There is no overlay folder ${folder}` : `The overlay ${folder} is not a folder`;
  return [{ code: 'overlay-not-found', message, hint: 'An overlay is a folder whose tree is copied over the root.' }];
}
