import { readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { requireNetworkBoard } from '../boot/network.js';
import { firmwareTable } from '../config/hardware/firmware-table.js';
import { readImageSpec } from '../config/image/read-image-spec.js';
import { configPlaces } from '../config/places.js';
import type { FirmwareEntry, FirmwareManifest } from '../config/firmware-manifest.js';
import { firmwareEntry, loadFirmwareManifest } from '../config/firmware-manifest.js';
import { startsByGrub } from '../boot/grub.js';
import { isPackageFile } from '../config/package-word.js';
import type { Problem } from '../errors.js';
import { UserError } from '../errors.js';
import { checkImagePath } from '../images/image-file.js';
import { checkOutputFolder } from '../images/network-folder.js';
import type { Board } from '../model/board.js';
import { DEBIANS_KERNEL } from '../model/board.js';
import type { ImageSpec, RootTreeSpec, TreeSpec } from '../model/image-spec.js';
import { hasSlots } from '../model/image-spec.js';
import { requireIsoBoard } from '../outputs/iso.js';
import { readSourceDateEpoch } from '../model/source-date-epoch.js';
import { checkSeed } from '../seeds/check-seed.js';
import { composeSeed } from '../seeds/compose/compose-seed.js';
import type { SeedOptions } from '../seeds/compose/read-seed.js';
import { readSeedInputs } from '../seeds/compose/read-seed.js';
import type { SeedFiles } from '../seeds/text/seed.js';
import { checkTinySeed, TINY_DEFAULT_SEED } from '../seeds/tiny/check-tiny-seed.js';
import type { RootKey } from '../filesystems/luks.js';
import { unknownFirmwareFiles } from '../sources/firmware/boot-firmware.js';
import type { DtboSource } from '../sources/kernel/device-tree-overlays.js';
import type { FragmentFile } from '../sources/kernel/fragments.js';
import { mergeFragments } from '../sources/kernel/fragments.js';
import type { KernelPatch } from '../sources/kernel/kernel-build.js';
import { withFlavour } from '../sources/kernel/kernel-flavour.js';
import { chosenProfile, withProfile } from '../sources/kernel/kernel-profile.js';
import { debianKernelUnfit, withKernelSource } from '../sources/kernel/kernel-source.js';
import { readDeviceTreeOverlays, readFragments, readPatches } from '../sources/kernel/kernel-request.js';
import type { BuildOptions } from './build-options.js';
import type { BusyboxRequest } from './busybox/busybox-request.js';
import { readBusyboxRequest } from './busybox/busybox-request.js';
import type { DebianRequest } from './debian/debian-request.js';
import { readDebianRequest } from './debian/debian-request.js';
import type { WorkloadRequest } from './workload/workload-request.js';
import { readRootKey } from './read-root-key.js';
import { readWorkloadRequest } from './workload/workload-request.js';
import type { BuildTarget } from './write-target.js';

/** The options, read and checked as far as that goes without any tool. */
export type BuildRequest = {
  readonly spec: ImageSpec;
  /** What the root is made from. */
  readonly userland: UserlandRequest;
  /** Of reswarm-os. */
  readonly version: string;
  /** Where native/ lies, beside boards/ and systems/. */
  readonly projectDir: string;
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
  readonly sourceDateEpoch: number;
  /** Of a root that the build encrypts. */
  readonly rootKey?: RootKey | undefined;
};

export type UserlandRequest = DebianRequest | BusyboxRequest | WorkloadRequest;

/** Throws UserError with every problem that can be known now. */
export async function readBuildRequest(options: BuildOptions): Promise<BuildRequest> {
  const { workingFolder } = options;
  const absolute = (path: string): string => resolve(workingFolder, path);
  const spec = await readSpec(options);
  const { board } = spec;
  const manifest = await loadFirmwareManifest(join(options.projectDir, 'firmware-manifest.json'));
  const { request: userland, problems: ofUserland } = await readUserland(spec, options, manifest);
  const target = targetOf(options);
  const image = target.type === 'device' ? target.device.path : absolute(options.output ?? `reswarm-os-${spec.id}.img`);
  const epoch = readSourceDateEpoch(options.sourceDateEpoch);
  const { inputs, problems: unreadable } = await readSeedInputs(
    resolveSeedPaths(options.seed, workingFolder),
    join(options.projectDir, 'cloud-init'),
  );
  const composed = composeSeed(userland.from === 'busybox' ? { ...inputs, defaults: TINY_DEFAULT_SEED } : inputs);
  const firmware = board.firmware && firmwareEntry(manifest, board.firmware.manifest);
  const fragments = await readFragments(board);
  const patches = await readPatches(board);
  const { key: rootKey, problems: ofRootKey } = await readRootKey(spec.root, options);
  const problems = [
    ...ofUserland,
    ...ofRootKey,
    ...workloadProblems(spec, userland, options),
    ...(firmware === undefined ? [] : unknownFirmwareFiles(firmware, board.firmware?.files ?? [])),
    ...mergeFragments(fragments).problems,
    ...unreadable,
    ...composed.problems,
    ...seedProblems(userland, composed.files),
    ...isoProblems(spec, target),
    ...slotProblems(spec),
    ...(target.type === 'folder' ? await networkProblems(spec, options.projectDir) : []),
    ...(await targetProblems(target, image)),
    ...(await Promise.all(options.overlays.map(absolute).map(missingFolder))).flat(),
    ...badUrlBase(options.urlBase),
    ...epoch.problems,
  ];
  if (problems.length > 0) throw UserError.fromProblems(problems);
  return {
    spec,
    userland,
    version: await ownVersion(options.projectDir),
    projectDir: options.projectDir,
    image,
    firmware,
    deviceTreeOverlays: await readDeviceTreeOverlays(board),
    target,
    fragments,
    patches,
    seed: composed.files,
    hasOwnSeed: isOwnSeed(options.seed),
    fileMode: isOwnSeed(options.seed) ? 0o600 : 0o644,
    sourceDateEpoch: epoch.seconds,
    ...(rootKey === undefined ? {} : { rootKey }),
  };
}

/** An image file whose name ends in .iso is a disc. */
function targetOf({ target = { type: 'file' }, output }: BuildOptions): BuildTarget {
  return target.type === 'file' && output?.toLowerCase().endsWith('.iso') === true ? { type: 'iso' } : target;
}

/** Codes: `userland-unfit`. */
function workloadProblems({ system }: ImageSpec, { from }: UserlandRequest, { workload }: BuildOptions): Problem[] {
  if (workload === undefined || from === 'workload') return [];
  const message = `--workload is for a system that holds one workload, and ${system.id} is none`;
  return [{ code: 'userland-unfit', message, hint: 'Choose one: --system minimal' }];
}

/** Codes: `iso-needs-root-in-memory`, `iso-needs-pc`. */
function isoProblems({ board, root, system }: ImageSpec, { type }: BuildTarget): readonly Problem[] {
  if (type !== 'iso') return [];
  requireIsoBoard(board);
  if (root.kind === 'initramfs') return [];
  const message = `a disc cannot be written to, and the system ${system.id} has its root on a partition`;
  const hint = 'Choose a system in memory (--system tiny), or write an image: --output NAME.img';
  return [{ code: 'iso-needs-root-in-memory', message, hint }];
}

/** Codes: `slots-need-raspberry-pi`: GRUB knows nothing of autoboot.txt; `slots-kernel-too-new`. */
function slotProblems(spec: ImageSpec): readonly Problem[] {
  if (!hasSlots(spec)) return [];
  if (!startsByGrub(spec.board)) return kernelOfSlots(spec);
  const message = `${spec.board.id} starts by GRUB, and the firmware of a Raspberry Pi chooses between the slots of ${spec.system.id}`;
  return [{ code: 'slots-need-raspberry-pi', message, hint: 'Choose a Raspberry Pi, or a system with one slot.' }];
}

/** Codes: `board-without-network-boot`, `network-boot-needs-root-in-memory`. */
async function networkProblems({ board, root, system }: ImageSpec, projectDir: string): Promise<readonly Problem[]> {
  const rows = await firmwareTable(projectDir);
  const withoutEthernet = rows.filter(({ networkBoot }) => networkBoot === 'none').map(({ model }) => model);
  requireNetworkBoard(board, withoutEthernet);
  if (root.kind === 'initramfs') return [];
  const message =
    root.kind === 'layers'
      ? `the layers of the system ${system.id} are not offered from a folder yet`
      : `the system ${system.id} has its root on a partition, and a device that starts from its network has none`;
  const hint = 'Choose a system in memory (--system tiny, --system minimal), or write an image: --output NAME.img';
  return [{ code: 'network-boot-needs-root-in-memory', message, hint }];
}

async function targetProblems({ type }: BuildTarget, path: string): Promise<readonly Problem[]> {
  if (type === 'device') return [];
  return type === 'folder' ? checkOutputFolder(path) : checkImagePath(path);
}

/** RAUC 1.13 of Debian trixie installs no verity bundle on Linux 6.19 and later: such a device would never take an update. */
function kernelOfSlots({ board: { id, kernel } }: ImageSpec): readonly Problem[] {
  const [, major = '0', minor = '0'] = /^linux-source-(\d+)\.(\d+)$/.exec(kernel.package) ?? [];
  const isOld = Number(major) < 6 || (Number(major) === 6 && Number(minor) < 19);
  if (kernel.source !== undefined || isOld) return [];
  const message = `${id} has Linux ${major}.${minor}, on which RAUC 1.13 cannot install updates: it takes Linux up to 6.18`;
  const hint = 'Choose a board with Linux 6.12, or a system with one slot (docs/slots.md, Known limitations).';
  return [{ code: 'slots-kernel-too-new', message, hint }];
}

/** What the userland's reader of seeds would not do, as far as that is known now. */
function seedProblems(userland: UserlandRequest, seed: SeedFiles): readonly Problem[] {
  switch (userland.from) {
    case 'debian':
      return checkSeed(seed).problems;
    case 'busybox':
      return checkTinySeed(seed, userland.root.ssh !== 'none').problems;
    case 'workload':
      return [];
  }
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
      layerFiles: (options.layers ?? []).map(absolute),
    },
    places,
  );
  const board = await withFlavour(spec.board, options.kernelFlavour, places.boardsDir);
  const sourced = withKernelSource(board, options.kernelSource);
  const profile = chosenProfile(sourced, spec.kernelProfiles);
  if (sourced.kernel.source === DEBIANS_KERNEL) requireRootForModules(spec, profile);
  const profiled = withProfile(sourced, profile);
  return { ...spec, board: rootTree(spec).from === 'workload' ? withKernelAddress(profiled) : profiled };
}

/** Throws UserError `kernel-debian-unfit`: what is in memory as a whole has no place for the modules of such a kernel. */
function requireRootForModules({ root, system }: ImageSpec, profile: string | undefined): void {
  if (root.kind === 'initramfs') throw debianKernelUnfit(`the root of the system ${system.id} lives in memory`);
  if (root.kind === 'layers') {
    throw debianKernelUnfit(`the system ${system.id} mounts its layers with drivers that Debian has as modules`);
  }
  if (profile !== undefined) {
    throw debianKernelUnfit(`the system ${system.id} wants the kernel profile ${profile}, which is compiled here`);
  }
}

/** What becomes the root, with everything that it names. */
async function readUserland(
  spec: ImageSpec,
  options: BuildOptions,
  manifest: FirmwareManifest,
): Promise<{ readonly request: UserlandRequest; readonly problems: readonly Problem[] }> {
  const tree = rootTree(spec);
  switch (tree.from) {
    case 'debian':
      return readDebianRequest(spec, tree, options, manifest);
    case 'busybox':
      return readBusyboxRequest(tree, options);
    case 'workload':
      return readWorkloadRequest(tree, options);
  }
}

/** Such a system has no DHCP client: the kernel asks for an address before it starts the init. */
function withKernelAddress(board: Board): Board {
  return { ...board, cmdline: [...board.cmdline, 'ip=dhcp'] };
}

function rootTree({ trees, volumes, partitions, root }: ImageSpec): RootTreeSpec {
  const partition = root.kind === 'partition' && partitions.find(({ name }) => name === root.partition);
  const name = root.kind !== 'partition' ? root.tree : volumes[partition ? partition.volume : '']?.tree;
  const tree = trees[name ?? ''];
  if (tree === undefined || isNoRoot(tree)) throw new TypeError('no tree is the root');
  return tree;
}

function isNoRoot(tree: TreeSpec): tree is Exclude<TreeSpec, RootTreeSpec> {
  return tree.from === 'boot' || tree.from === 'selector' || tree.from === 'files';
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
