import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ModelFirmware } from '../config/hardware/firmware-table.js';
import { firmwareTable } from '../config/hardware/firmware-table.js';
import type { Problem } from '../errors.js';
import type { FirmwareRequest, OfferedFiles } from '../formats/network-boot/firmware-requests.js';
import { firmwareWalk } from '../formats/network-boot/firmware-requests.js';
import { bootFilesOf } from '../formats/firmware-choice.js';
import type { NetworkManifest } from '../images/network-folder.js';
import { checkNetworkFiles, requireNetworkFolder } from '../images/network-folder.js';

/** One kind of machine, and whether it can start from a folder. */
export type StartingModel = {
  readonly model: string;
  /** The device whose folder it reads from; undefined: any of its kind. */
  readonly device?: string;
  readonly starts: boolean;
  /** What has to be set on the machine once. */
  readonly setting: string;
  readonly missing: readonly string[];
  readonly requests: readonly FirmwareRequest[];
};

/** What a folder for network boot holds: the answer of `inspect`. */
export type FolderReport = Pick<NetworkManifest, 'board' | 'system' | 'architecture' | 'version' | 'files'> & {
  readonly folder: string;
  readonly sizeBytes: number;
  readonly devices: readonly { readonly name: string; readonly folders: readonly string[] }[];
  readonly models: readonly StartingModel[];
  /** Files that are missing or changed. */
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
};

const SETTINGS: Readonly<Record<ModelFirmware['networkBoot'], string>> = {
  ready: 'none: it tries the network when it finds no card',
  otp: 'program_usb_boot_mode=1 once, from a card; it cannot be taken back',
  eeprom: 'BOOT_ORDER=0xf21 in its EEPROM, with rpi-eeprom-config',
  none: 'it has no Ethernet, and starts from no network',
};

/**
 * Looks into a folder for network boot: walks over what the firmware of each of its models asks for. Throws UserError
 * `not-a-network-folder`.
 */
export async function inspectFolder(folder: string, projectDir: string): Promise<FolderReport> {
  const manifest = await requireNetworkFolder(folder);
  const { problems, warnings } = await checkNetworkFiles(folder, manifest);
  const gone = new Set(problems.filter(({ code }) => code === 'network-file-missing').map(({ file }) => file));
  const names = new Set(manifest.files.map(({ path }) => path).filter((path) => !gone.has(join(folder, path))));
  const files: OfferedFiles = {
    has: (path) => names.has(path),
    text: (path) => readFile(join(folder, path), 'utf8').catch(() => undefined),
  };
  const { board, system, architecture, version, devices } = manifest;
  const models = await startingModels(manifest, files, projectDir);
  return {
    folder,
    board,
    system,
    architecture,
    version,
    sizeBytes: manifest.files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    files: manifest.files,
    devices: devices.map(({ name, folders }) => ({ name, folders })),
    models,
    problems,
    warnings,
  };
}

async function startingModels(
  manifest: NetworkManifest,
  files: OfferedFiles,
  projectDir: string,
): Promise<readonly StartingModel[]> {
  if (manifest.architecture === 'amd64') return pcs(files);
  const table = await firmwareTable(projectDir);
  const found = await raspberryPis(manifest, files, table);
  const others = manifest.models.filter((model) => !table.some((row) => row.model === model));
  const handed = await handedOver(files);
  return [...found, ...others.map((model) => ({ model, ...handed }))];
}

/** A machine that is given kernel and archives, by QEMU or by a boot loader of its own. */
async function handedOver(files: OfferedFiles) {
  const { kernel, initramfs } = bootFilesOf((await files.text('config.txt')) ?? '');
  const requests = [kernel, ...initramfs].map((path) => ({ path, needed: true, found: files.has(path) }));
  const missing = requests.filter(({ found }) => !found).map(({ path }) => path);
  return { starts: missing.length === 0, setting: 'given kernel and archives', missing, requests };
}

async function raspberryPis(
  { models, devices }: NetworkManifest,
  files: OfferedFiles,
  table: readonly ModelFirmware[],
): Promise<readonly StartingModel[]> {
  const rows = table.filter(({ model }) => models.includes(model));
  const places = [undefined, ...devices.flatMap(({ name, folders }) => folders.map((folder) => ({ name, folder })))];
  const found = rows.flatMap((row) =>
    places.map(async (place): Promise<StartingModel> => {
      const { requests, missing } = await firmwareWalk(row, files, place?.folder);
      const starts = row.networkBoot !== 'none' && missing.length === 0;
      const device = place === undefined ? {} : { device: place.name };
      return { model: row.model, ...device, starts, setting: SETTINGS[row.networkBoot], missing, requests };
    }),
  );
  return Promise.all(found);
}

/** What a PC fetches, by what its firmware has: iPXE, or PXE of a BIOS or of UEFI, for which GRUB is there. */
async function pcs(files: OfferedFiles): Promise<readonly StartingModel[]> {
  const { kernel, initramfs } = bootFilesOf((await files.text('config.txt')) ?? '');
  const rest = [kernel, ...initramfs];
  const ways = [
    { model: 'PC with iPXE', first: ['boot.ipxe'] },
    { model: 'PC with a BIOS', first: ['grub.0', 'grub.cfg'] },
    { model: 'PC with UEFI', first: ['grub.efi', 'grub.cfg'] },
  ];
  return ways.map(({ model, first }) => {
    const requests = [...first, ...rest].map((path) => ({ path, needed: true, found: files.has(path) }));
    const missing = requests.filter(({ found }) => !found).map(({ path }) => path);
    return { model, starts: missing.length === 0, setting: 'boot from the network (PXE)', missing, requests };
  });
}
