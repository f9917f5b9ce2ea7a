import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Problem } from '../errors.js';
import { UserError } from '../errors.js';
import { withGrubDevices } from '../formats/network-boot/grub-network-cfg.js';
import { PXELINUX_DEFAULT, pxelinuxDeviceCfg } from '../formats/network-boot/pxelinux-cfg.js';
import type { Host } from '../host/host.js';
import { replaceFolder } from '../host/replace-folder.js';
import type { BootPartitionView } from '../images/edit-boot-files.js';
import type { NetworkDevice, NetworkFile, NetworkManifest } from '../images/network-folder.js';
import {
  checkNetworkFiles,
  checkOutputFolder,
  networkSums,
  readNetworkManifest,
  requireNetworkFolder,
  SEED_ARCHIVE,
} from '../images/network-folder.js';
import { FOLDER_MODE, FolderWriter, PRIVATE_MODE, PUBLIC_MODE, seedArchive } from '../images/write-network-folder.js';
import { sha256 } from '../model/sha256.js';
import type { DeviceChanges } from '../provision/device-changes.js';
import { deviceChanges } from '../provision/device-changes.js';
import { SEED_FILE_NAMES } from '../seeds/text/seed.js';
import { seedDigest } from '../seeds/seed-digest.js';
import type { SeedBase } from './check-fleet.js';
import { IdentityReader } from './definition/device-identity.js';
import type { FleetDevice } from './definition/fleet.js';
import { deviceProblem } from './definition/fleet.js';
import { fromFolder, GroupedFindings } from './fleet-findings.js';
import type { FleetImages, FleetImagesOptions } from './fleet-images.js';
import { findDevice, openFleet } from './fleet-queue.js';
import { networkNames } from './network-names.js';

/** Files of the top that no device asks for in a folder of its own. */
const OF_THE_SERVER = /^(dnsmasq\.conf|boot\.ipxe|grub\.cfg|grub\.0|grub\.efi|pxelinux\.cfg\/.*)$/;

/**
 * Makes of a folder for network boot one that has, beside the same files, a folder for each device of a fleet, with its
 * own seed. A Raspberry Pi reads everything from it, so it names all files again; a PC fetches its seed from it. All or
 * none; the same fleet and base give the same bytes.
 *
 * Throws UserError with every problem of the fleet and its seeds, `not-a-network-folder`, `network-file-missing`,
 * `network-file-changed`, `output-folder-not-ours`, `folder-without-seed`, and those of networkNames.
 */
export async function makeFleetFolder(
  options: FleetImagesOptions,
  defaults: SeedBase,
  host: Host,
): Promise<FleetImages> {
  const { base, out, sourceDateEpoch } = options;
  const fleet = await openFleet(options.path);
  const devices = options.only?.map((name) => findDevice(fleet, name)) ?? fleet.devices;
  const manifest = await requireNetworkFolder(base);
  const source = await sourceOf(base, manifest);
  const places = await checkOutputFolder(out, true);
  if (places.length > 0) throw UserError.fromProblems(places);
  const { names, problems } = networkNames(devices, manifest.architecture);
  const errors = new GroupedFindings();
  const notes = new GroupedFindings();
  for (const { device, problem } of problems) errors.add(problem, device.name);
  const seeded: SeededDevice[] = [];
  const reader = new IdentityReader();
  for (const device of devices) {
    host.signal.throwIfAborted();
    const found = await changesOf(device, reader, source, defaults, sourceDateEpoch);
    for (const problem of found.problems) errors.add(problem, device.name);
    for (const warning of found.warnings) notes.add(warning, device.name, true);
    const folders = names.get(device.name);
    if (found.changes !== undefined && folders !== undefined) {
      seeded.push({ name: device.name, folders, changes: found.changes });
    }
  }
  const shown = errors.list().map((problem) => fromFolder(problem, options.workingFolder));
  if (shown.length > 0) throw UserError.fromProblems(shown);
  const kept = options.only === undefined ? undefined : await keptDevices(out, seeded);
  const written = await replaceFolder(out, FOLDER_MODE, async (staging) => {
    const writer = new FolderWriter(staging, sourceDateEpoch);
    await copyBase(writer, source, base);
    await writeGrubCfg(writer, source, [...seeded, ...(kept?.devices ?? [])]);
    for (const device of seeded) await writeDevice(writer, source, device, sourceDateEpoch, host.signal);
    if (kept !== undefined) await copyKept(writer, kept, out);
    const all = [...seeded.map(recordOf), ...(kept?.devices ?? [])].toSorted((a, b) => (a.name < b.name ? -1 : 1));
    const key = sha256(`${manifest.key}\n${networkSums(writer.files.toSorted((a, b) => (a.path < b.path ? -1 : 1)))}`);
    return writer.finish({ ...aboutOf(manifest), key, devices: all });
  });
  const warnings = notes.list().map((problem: Problem) => fromFolder(problem, options.workingFolder));
  const baseSha256 = sha256(networkSums(source.files));
  const images = seeded.map((device) => describe(device, written));
  return { devices: fleet.devices.length, warnings, out, baseSha256, images };
}

/** The files of a folder that belong to no device. */
type Source = {
  readonly architecture: NetworkManifest['architecture'];
  readonly files: readonly NetworkFile[];
  readonly modes: ReadonlyMap<string, number>;
  readonly view: BootPartitionView;
};

type SeededDevice = {
  readonly name: string;
  readonly folders: readonly string[];
  readonly changes: DeviceChanges;
};

async function sourceOf(base: string, manifest: NetworkManifest): Promise<Source> {
  const { problems } = await checkNetworkFiles(base, manifest);
  if (problems.length > 0) throw UserError.fromProblems(problems);
  const files = withoutDevices(manifest);
  if (!files.some(({ path }) => path === SEED_ARCHIVE)) {
    throw new UserError('folder-without-seed', `The system ${manifest.system} in ${base} reads no seed`, {
      hints: ['Devices cannot differ in it: they all start from the folder as it is.'],
    });
  }
  const modes = new Map<string, number>();
  for (const { path } of files) modes.set(path, (await stat(join(base, path))).mode & 0o777);
  return { architecture: manifest.architecture, files, modes, view: viewOf(base, files) };
}

function withoutDevices({ files, devices }: NetworkManifest): readonly NetworkFile[] {
  const folders = devices.flatMap((device) => device.folders);
  return files.filter(({ path }) => !folders.some((folder) => isOfDevice(path, folder)));
}

function isOfDevice(path: string, folder: string): boolean {
  return path.startsWith(`${folder}/`) || path === pxelinuxDeviceCfg(folder);
}

/** The folder as `deviceChanges` looks at a boot partition; it has no disk around it. */
function viewOf(base: string, files: readonly NetworkFile[]): BootPartitionView {
  const paths = new Map(files.map(({ path }) => [path.toLowerCase(), path]));
  const readOne = async (path: string): Promise<Uint8Array | undefined> => {
    const found = paths.get(path.toLowerCase());
    return found === undefined ? undefined : readFile(join(base, found));
  };
  const partition = { number: 1, type: 0, typeName: '', bootable: false, partUuid: '', offsetBytes: 0, sizeBytes: 0 };
  return {
    table: { scheme: 'mbr', diskId: '', sectorSizeBytes: 512, partitions: [], ownRanges: [], warnings: [] },
    partition,
    serial: '',
    names: () => Promise.resolve([...paths.values()].filter((path) => !path.includes('/'))),
    readFile: readOne,
    commandLine: async () => Buffer.from((await readOne('cmdline.txt')) ?? []).toString(),
    edit: () => Promise.reject(new TypeError('a folder is not edited as a partition')),
  };
}

async function changesOf(
  device: FleetDevice,
  reader: IdentityReader,
  { view }: Source,
  defaults: SeedBase,
  sourceDateEpoch: number,
) {
  const { identity, problems, warnings } = await reader.read(device);
  if (problems.length > 0) return { changes: undefined, problems, warnings };
  const schemas = defaults.schemas === undefined ? {} : { schemas: defaults.schemas };
  const noDisk = () => Promise.reject(new TypeError('a folder has no disk'));
  try {
    const changes = await deviceChanges(view, noDisk, identity, {
      defaults: defaults.seed,
      ...schemas,
      sourceDateEpoch,
    });
    const about = changes.warnings.map((warning) => deviceProblem(device, ['name'], warning));
    return { changes, problems, warnings: [...warnings, ...about] };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const found = error.problems.map((problem) => deviceProblem(device, ['name'], problem));
    return { changes: undefined, problems: found, warnings };
  }
}

const GRUB_CFG = 'grub.cfg';

async function copyBase(writer: FolderWriter, { files, modes }: Source, base: string): Promise<void> {
  for (const { path } of files.filter((file) => file.path !== GRUB_CFG))
    await writer.add(path, modes.get(path) ?? PRIVATE_MODE, { source: join(base, path) });
}

/** GRUB gets a list of the devices that have a seed of their own. */
async function writeGrubCfg(
  writer: FolderWriter,
  { view }: Source,
  devices: readonly { readonly folders: readonly string[] }[],
): Promise<void> {
  const text = await view.readFile(GRUB_CFG);
  if (text === undefined) return;
  const folders = devices.flatMap((device) => device.folders).toSorted();
  await writer.add(GRUB_CFG, PUBLIC_MODE, {
    content: Buffer.from(withGrubDevices(Buffer.from(text).toString(), folders)),
  });
}

async function writeDevice(
  writer: FolderWriter,
  source: Source,
  { folders, changes }: SeededDevice,
  time: number,
  signal: AbortSignal,
): Promise<void> {
  const changed = changes.changes.files;
  const seed = seedArchive(
    [...changed].flatMap(([name, content]) => (content === undefined || isOfLoader(name) ? [] : [{ name, content }])),
    time,
  );
  for (const folder of folders) {
    signal.throwIfAborted();
    await writer.add(`${folder}/${SEED_ARCHIVE}`, PRIVATE_MODE, { content: seed });
    if (source.architecture === 'amd64') {
      const common = Buffer.from((await source.view.readFile(PXELINUX_DEFAULT)) ?? []).toString();
      const own = common.replace(`INITRD ${SEED_ARCHIVE}`, `INITRD ${folder}/${SEED_ARCHIVE}`);
      await writer.add(pxelinuxDeviceCfg(folder), PUBLIC_MODE, { content: Buffer.from(own) });
      await writeSeedTexts(writer, folder, changed);
      continue;
    }
    await writeAllFiles(writer, source, folder, changed);
  }
}

/** For people, and for a boot check, which holds the device against them. */
async function writeSeedTexts(
  writer: FolderWriter,
  folder: string,
  changed: DeviceChanges['changes']['files'],
): Promise<void> {
  for (const name of Object.values(SEED_FILE_NAMES)) {
    const content = changed.get(name);
    if (content !== undefined) await writer.add(`${folder}/${name}`, PRIVATE_MODE, { content: Buffer.from(content) });
  }
}

/** Read by the boot loader and not by the system: they are no part of /boot in memory. */
function isOfLoader(name: string): boolean {
  return /^(config\.txt|cmdline\.txt|grub\.cfg|overlays\/.*)$/i.test(name);
}

/** A Raspberry Pi asks for everything in its own folder: what is the same becomes another name of the same file. */
async function writeAllFiles(
  writer: FolderWriter,
  { files, modes }: Source,
  folder: string,
  changed: DeviceChanges['changes']['files'],
): Promise<void> {
  for (const file of files) {
    const { path } = file;
    if (path === SEED_ARCHIVE || OF_THE_SERVER.test(path) || changed.has(path)) continue;
    await writer.addAgain(`${folder}/${path}`, file, modes.get(path) ?? PRIVATE_MODE);
  }
  for (const [path, content] of changed) {
    if (content === undefined || path === GRUB_CFG) continue;
    const mode = modes.get(path) === undefined || !isOfLoader(path) ? PRIVATE_MODE : PUBLIC_MODE;
    await writer.add(`${folder}/${path}`, mode, { content: Buffer.from(content) });
  }
}

type Kept = { readonly devices: readonly NetworkDevice[]; readonly files: readonly NetworkFile[] };

/** What is there of devices that are not made now. */
async function keptDevices(out: string, seeded: readonly SeededDevice[]): Promise<Kept | undefined> {
  const manifest = await readNetworkManifest(out);
  if (manifest === undefined) return undefined;
  const taken = new Set(seeded.flatMap(({ folders }) => folders));
  const devices = manifest.devices.filter(
    ({ name, folders }) => !seeded.some((one) => one.name === name) && !folders.some((folder) => taken.has(folder)),
  );
  const folders = devices.flatMap((device) => device.folders);
  return { devices, files: manifest.files.filter(({ path }) => folders.some((folder) => isOfDevice(path, folder))) };
}

async function copyKept(writer: FolderWriter, { files }: Kept, out: string): Promise<void> {
  for (const { path } of files) {
    await writer.add(path, (await stat(join(out, path))).mode & 0o777, { source: join(out, path) });
  }
}

function recordOf({ name, folders, changes }: SeededDevice): NetworkDevice {
  return { name, folders: [...folders], instanceId: changes.instanceId, seedSha256: seedDigest(changes.seed) };
}

function aboutOf({ version, board, boardName, models, architecture, system, hasOwnSeed }: NetworkManifest) {
  return { version, board, boardName, models, architecture, system, hasOwnSeed };
}

function describe(device: SeededDevice, written: readonly NetworkFile[]): FleetImages['images'][number] {
  const { instanceId, seedSha256 } = recordOf(device);
  const [folder = ''] = device.folders;
  const seed = written.find(({ path }) => path === `${folder}/${SEED_ARCHIVE}`);
  return { device: device.name, file: folder, instanceId, seedSha256, overlayBytes: seed?.sizeBytes ?? 0 };
}
