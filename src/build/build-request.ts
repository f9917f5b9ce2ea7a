import { readdir, readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { PACKAGE_NAME } from '../config/package-name.js';
import { configPlaces } from '../config/places.js';
import { fromCwd } from '../config/from-cwd.js';
import { readImageSpec } from '../config/image/read-image-spec.js';
import type { FirmwareEntry } from '../config/firmware-manifest.js';
import { dockerBundle, firmwareEntry, loadFirmwareManifest } from '../config/firmware-manifest.js';
import { checkSeed } from '../seeds/check-seed.js';
import { composeSeed } from '../seeds/compose-seed.js';
import type { SeedOptions } from '../seeds/read-seed.js';
import { readSeedInputs } from '../seeds/read-seed.js';
import type { SeedFiles } from '../seeds/seed.js';
import type { Board, KernelFlavour } from '../model/board.js';
import type { Compression } from '../formats/compression.js';
import type { DockerBundle } from '../model/container-engine.js';
import { IMAGES_LAYER } from '../model/container-engine.js';
import type { Layer } from '../model/image-spec.js';
import type { FragmentFile } from '../sources/kernel/fragments.js';
import { mergeFragments } from '../sources/kernel/fragments.js';
import { planDiskLayout } from '../disk/disk-layout.js';
import type { PinnedSoftware } from '../model/software.js';
import { NOT_ON_THE_ROOT } from '../model/software.js';
import type { Problem } from '../errors.js';
import { UserError } from '../errors.js';
import { treeDigest } from '../pipeline/tree-digest.js';
import { unknownFirmwareFiles } from '../sources/firmware/boot-firmware.js';
import type { OverlaySource } from '../sources/kernel/device-tree-overlays.js';
import type { KernelPatch } from '../sources/kernel/kernel-build.js';
import type { RootLayer } from '../filesystems/ext4.js';
import type { PinnedArchive } from './read-content.js';
import { readContent } from './read-content.js';
import { checkImagePath } from '../images/image-file.js';
import { flavourPackages, withFlavour } from '../sources/kernel/kernel-flavour.js';
import { readDeviceTreeOverlays, readFragments, readPatches } from '../sources/kernel/kernel-request.js';
import type { BuildTarget } from './write-target.js';

/** What a person asks for; the command fills it from flags. Paths that were typed begin at `workingFolder`. */
export type BuildOptions = {
  /** Board id or path. */
  readonly board: string;
  /** System id or path; `debian` by default. */
  readonly system?: string;
  /** Where boards/, systems/, layers/, cloud-init/ and firmware-manifest.json lie. */
  readonly projectDir: string;
  readonly workingFolder: string;
  readonly output?: string;
  /** An image file unless said otherwise. */
  readonly target?: BuildTarget;
  readonly seed: SeedOptions;
  readonly packages: readonly string[];
  readonly overlays: readonly string[];
  /** Another source of Docker than the board's. */
  readonly docker?: string | undefined;
  /** Archives of container images, beside the board's. */
  readonly dockerImages?: readonly string[];
  /** Files that name software of one's own, beside the board's. */
  readonly software?: readonly string[];
  /** Also pack the image. */
  readonly compression?: Compression;
  /** Where the image will be offered to others: http(s), for catalogue entries. */
  readonly urlBase?: string;
  /** Run maintainer scripts by programs of the host's architecture where they are the same version. */
  readonly accelerate: boolean;
  readonly jobs: number;
  readonly offline: boolean;
  readonly refresh: boolean;
  readonly mirror?: string;
  /** As the environment has it: seconds since 1970. */
  readonly sourceDateEpoch?: string;
  /** Instead of the board's own flavour of the kernel. */
  readonly kernelFlavour?: KernelFlavour;
};

/** The options, read and checked as far as that goes without any tool. */
export type BuildRequest = {
  readonly board: Board;
  /** Of reswarm-os. */
  readonly version: string;
  /** Path of the image file, or of the device. */
  readonly image: string;
  readonly firmware?: FirmwareEntry;
  readonly deviceTreeOverlays: readonly OverlaySource[];
  readonly target: BuildTarget;
  readonly fragments: readonly FragmentFile[];
  /** Of the kernel. */
  readonly patches: readonly KernelPatch[];
  /** Put together and found right as far as that goes without cloud-init's schemas. */
  readonly seed: SeedFiles;
  /** It is one device's own: whatever it holds is nobody else's business. */
  readonly hasOwnSeed: boolean;
  /** Of the image and of what tells of it: an image with a device's own seed holds password hashes and wifi keys. */
  readonly fileMode: number;
  /** The first one is every board's own. */
  readonly overlays: readonly [RootLayer, ...RootLayer[]];
  readonly layers: readonly Layer[];
  /** Those of them that are ours: their dpkg filters and presets count while packages are installed. */
  readonly systemLayers: readonly string[];
  /** Docker's own static programs, with that source. */
  readonly dockerBundle?: DockerBundle;
  readonly images: readonly PinnedArchive[];
  readonly software: readonly PinnedSoftware[];
  /** Names of all packages that are asked for. */
  readonly packages: readonly string[];
  readonly sourceDateEpoch: number;
  readonly accelerate: boolean;
};

/**
 * Times of all files in an image, unless SOURCE_DATE_EPOCH says otherwise: 2026-11-01T00:00:00Z. A fixed one, so that
 * a build of today and one of tomorrow agree where their inputs do; a device without a clock starts at this time.
 */
const DEFAULT_SOURCE_DATE_EPOCH = Date.UTC(2026, 10, 1) / 1000;

/** Throws UserError with every problem that can be known now. */
export async function readBuildRequest(options: BuildOptions): Promise<BuildRequest> {
  const boardsDir = join(options.projectDir, 'boards');
  const absolute = (path: string): string => resolve(options.workingFolder, path);
  const { spec } = await readImageSpec(
    {
      board: options.board,
      system: options.system,
      docker: options.docker,
      containerImages: (options.dockerImages ?? []).map(absolute),
    },
    configPlaces(options.projectDir, options.workingFolder),
  );
  const layers = Object.values(spec.trees).flatMap((tree) => (tree.from === 'debian' ? tree.layers : []));
  const found = await withFlavour(spec.board, options.kernelFlavour, boardsDir);
  const target = options.target ?? { type: 'file' };
  const image =
    target.type === 'device'
      ? target.device.path
      : resolve(options.workingFolder, options.output ?? `reswarm-os-${found.id}.img`);
  const folders = options.overlays.map((folder) => resolve(options.workingFolder, folder));
  const { content, problems: ofContent } = await readContent(
    found,
    { softwareFiles: (options.software ?? []).map(absolute) },
    { layers, overlays: [...found.rootfs.overlays, ...folders] },
  );
  const board = found;
  const { images, software } = content;
  // Overlaps and impossible sizes show with nothing in the partitions but what cannot be left out.
  const imageBytes = images.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  planDiskLayout(board, { boot: { bytes: 0, files: 0 }, root: { bytes: imageBytes, files: images.length } });
  const epoch = readEpoch(options.sourceDateEpoch);
  const { inputs, problems: unreadable } = await readSeedInputs(
    resolveSeedPaths(options.seed, options.workingFolder),
    join(options.projectDir, 'cloud-init'),
  );
  const composed = composeSeed(inputs);
  const manifest = await loadFirmwareManifest(join(options.projectDir, 'firmware-manifest.json'));
  const firmware = board.firmware && firmwareEntry(manifest, board.firmware.manifest);
  const fragments = await readFragments(board);
  const patches = await readPatches(board);
  const problems = [
    ...ofContent.map((problem) => fromCwd(problem, options.workingFolder)),
    ...(firmware === undefined ? [] : unknownFirmwareFiles(firmware, board.firmware?.files ?? [])),
    ...mergeFragments(fragments).problems,
    ...unreadable,
    ...composed.problems,
    ...checkSeed(composed.files).problems,
    ...(target.type === 'device' ? [] : await checkImagePath(image)),
    ...(await Promise.all(folders.map(missingFolder))).flat(),
    ...options.packages.filter((name) => !PACKAGE_NAME.test(name)).map(badPackageName),
    ...badUrlBase(options.urlBase),
    ...(await Promise.all([...found.rootfs.overlays, ...folders].map(hiddenFiles))).flat(),
    ...epoch.problems,
  ];
  if (problems.length > 0) throw UserError.fromProblems(problems);
  const [ours, ...others] = await Promise.all(filesOf(layers).map((folder) => layer(folder, true)));
  if (ours === undefined) throw new TypeError('a system without files of its own');
  const theirs = await Promise.all([...board.rootfs.overlays, ...folders].map((folder) => layer(folder, false)));
  return {
    board,
    version: await ownVersion(options.projectDir),
    image,
    ...(firmware === undefined ? {} : { firmware }),
    deviceTreeOverlays: await readDeviceTreeOverlays(board),
    target,
    fragments,
    patches,
    seed: composed.files,
    hasOwnSeed: isOwnSeed(options.seed),
    fileMode: isOwnSeed(options.seed) ? 0o600 : 0o644,
    overlays: [ours, ...others, ...theirs],
    layers,
    systemLayers: filesOf(layers.filter(({ name }) => name !== IMAGES_LAYER)),
    ...(board.docker.source === 'static' ? { dockerBundle: dockerBundle(manifest, board) } : {}),
    images,
    software,
    packages: [
      ...layers.flatMap((one) => one.packages),
      ...flavourPackages(board),
      ...board.rootfs.packages,
      ...options.packages,
    ],
    sourceDateEpoch: epoch.seconds,
    accelerate: options.accelerate,
  };
}

async function ownVersion(projectDir: string): Promise<string> {
  const { version } = JSON.parse(await readFile(join(projectDir, 'package.json'), 'utf8')) as { version: string };
  return version;
}

function isOwnSeed({ userData, metaData, networkConfig, hostname, sshKeys = [] }: SeedOptions): boolean {
  return [userData, metaData, networkConfig, hostname, ...sshKeys].some((value) => value !== undefined);
}

function filesOf(layers: readonly Layer[]): string[] {
  return layers.flatMap(({ files }) => files ?? []);
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

async function layer(path: string, normaliseModes: boolean): Promise<RootLayer> {
  return { path, normaliseModes, digest: await treeDigest(path, normaliseModes ? 'executable' : 'all') };
}

function badUrlBase(text: string | undefined): Problem[] {
  if (text === undefined || (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol))) return [];
  const hint = 'The address of the folder from which others will fetch it: --url-base https://example.org/images';
  return [{ code: 'url-base-invalid', message: `"${text}" is not an address that begins with http(s)://`, hint }];
}

/** Files of an overlay that the device would never see: another file system lies over their place. */
async function hiddenFiles(overlay: string): Promise<Problem[]> {
  const problems = NOT_ON_THE_ROOT.map(async (place): Promise<Problem[]> => {
    const [first] = await readdir(join(overlay, place)).catch(() => []);
    if (first === undefined) return [];
    const message = `the overlay ${overlay} has ${place}/${first}, which is not on the root partition`;
    const hint = place === 'boot' ? 'Files for /boot: `reswarm-os inject IMAGE --file SRC:DST`.' : 'Put it elsewhere.';
    return [{ code: 'overlay-hidden', message, hint }];
  });
  return (await Promise.all(problems)).flat();
}

async function missingFolder(folder: string): Promise<Problem[]> {
  const status = await stat(folder).catch(() => undefined);
  if (status?.isDirectory() === true) return [];
  const message =
    status === undefined ? `There is no overlay folder ${folder}` : `The overlay ${folder} is not a folder`;
  return [{ code: 'overlay-not-found', message, hint: 'An overlay is a folder whose tree is copied over the root.' }];
}

function badPackageName(name: string): Problem {
  const hint = 'Names are lower case: letters, digits, "+", "-" and ".". Separate several with commas.';
  return { code: 'package-name-invalid', message: `"${name}" is not a Debian package name`, hint };
}

/** SOURCE_DATE_EPOCH as the environment has it, or our own. Throws UserError `source-date-epoch-invalid`. */
export function sourceDateEpoch(text: string | undefined): number {
  const { seconds, problems } = readEpoch(text);
  if (problems.length > 0) throw UserError.fromProblems(problems);
  return seconds;
}

function readEpoch(text: string | undefined): { readonly seconds: number; readonly problems: readonly Problem[] } {
  if (text === undefined || text === '') return { seconds: DEFAULT_SOURCE_DATE_EPOCH, problems: [] };
  if (/^\d{1,10}$/.test(text)) return { seconds: Number(text), problems: [] };
  const message = `SOURCE_DATE_EPOCH is "${text}", not a number of seconds`;
  const hint = 'It counts seconds since 1970-01-01 UTC: SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)';
  return { seconds: 0, problems: [{ code: 'source-date-epoch-invalid', message, hint }] };
}
