import { readConfigTxt, settingOf } from '../config-txt-files.js';
import { bootFilesOf } from '../firmware-choice.js';

/** What a server offers. Names of files are as they are: TFTP servers tell the cases apart. */
export type OfferedFiles = {
  has(path: string): boolean;
  /** Undefined for a file that is not there. */
  text(path: string): Promise<string | undefined>;
};

/** What decides what a model's firmware asks for; a row of boards/hardware/firmware.yaml. */
export type AskingModel = {
  /** Files that run before the kernel; none where all of it is in a flash chip. */
  readonly firmware: readonly string[];
  /** Sections of config.txt that it reads beside [all]. */
  readonly filters: readonly string[];
  /** What it asks for with upstream_kernel=1, every name that its revisions ask for; and without. */
  readonly deviceTree: readonly string[];
  readonly otherwise?: readonly string[] | undefined;
};

export type FirmwareRequest = {
  readonly path: string;
  /** Without it the model does not start; the others it asks for and goes on without. */
  readonly needed: boolean;
  readonly found: boolean;
};

export type FirmwareWalk = {
  /** The folder that it reads from: "1a2b3c4d/", or empty for the top. */
  readonly prefix: string;
  /** In the order in which it asks. */
  readonly requests: readonly FirmwareRequest[];
  /** Needed and not there. */
  readonly missing: readonly string[];
};

const BOOTCODE = 'bootcode.bin';

/**
 * What the firmware of a Raspberry Pi asks a TFTP server for, from power-on to the kernel, and whether it is there.
 *
 * Sources: raspberrypi/documentation, raspberry-pi/boot-net.adoc ("bootcode.bin", "<serial>/start.elf"),
 * raspberry-pi/eeprom-bootloader.adoc (TFTP_PREFIX: "If neither start4.elf nor start.elf are found in the prefixed
 * directory then the prefix is cleared"), configuration/boot_folder.adoc; logs of firmware in raspberrypi/firmware#1575
 * and raspberrypi/rpi-eeprom#563. What the 5, which has no start.elf, looks for in the folder is documented nowhere: here
 * it is config.txt.
 *
 * @param folder the model's own: its serial number or its MAC address
 */
export async function firmwareWalk(
  model: AskingModel,
  files: OfferedFiles,
  folder: string | undefined,
): Promise<FirmwareWalk> {
  const requests: FirmwareRequest[] = [];
  const ask = (path: string, needed: boolean): boolean => {
    const found = files.has(path);
    if (!requests.some((one) => one.path === path)) requests.push({ path, needed, found });
    return found;
  };
  if (model.firmware.includes(BOOTCODE)) {
    ask(BOOTCODE, true);
    ask('bootsig.bin', false);
  }
  const [marks, unused] = model.firmware.length === 0 ? [['config.txt'], []] : [startFiles(model), NOT_NEEDED];
  const isOwn = folder !== undefined && marks.some((name) => ask(`${folder}/${name}`, false));
  const prefix = isOwn ? `${folder}/` : '';
  for (const name of ['autoboot.txt', ...unused]) ask(prefix + name, false);
  ask(`${prefix}config.txt`, true);
  const settings = settingsFor(model, (await files.text(`${prefix}config.txt`)) ?? '');
  for (const name of model.firmware.filter((one) => one !== BOOTCODE)) ask(prefix + name, true);
  const { kernel, commandLine, initramfs } = bootFilesOf(settings.text);
  for (const name of initramfs) ask(prefix + name, true);
  for (const name of settings.deviceTrees) ask(prefix + name, true);
  ask(`${prefix}overlays/overlay_map.dtb`, false);
  for (const name of settings.overlays) ask(`${prefix}overlays/${name}.dtbo`, true);
  ask(prefix + commandLine, true);
  ask(prefix + kernel, true);
  const missing = requests.filter(({ needed, found }) => needed && !found).map(({ path }) => path);
  return { prefix, requests, missing };
}

/** Asked for by firmware that was fetched; an answer that there is none is usual. */
const NOT_NEEDED = ['recovery.elf', 'dt-blob.bin', 'bootcfg.txt'];

function startFiles({ firmware }: AskingModel): readonly string[] {
  return firmware.includes('start4.elf') ? ['start4.elf', 'start.elf'] : ['start.elf'];
}

/** config.txt as this model reads it: the sections for others left out. */
function settingsFor(model: AskingModel, configTxt: string) {
  const filters = new Set(['all', ...model.filters]);
  const lines = readConfigTxt(configTxt)
    .filter(({ filter }) => filters.has(filter.toLowerCase()))
    .flatMap((section) => section.lines);
  const settings = lines.map(settingOf);
  const last = (name: string): string | undefined => settings.findLast(({ key }) => key === name)?.value;
  const named = last('device_tree');
  const usual = last('upstream_kernel') === '1' ? model.deviceTree : (model.otherwise ?? model.deviceTree);
  return {
    text: lines.join('\n'),
    deviceTrees: named === undefined ? usual : [named],
    overlays: settings
      .filter(({ key }) => key === 'dtoverlay')
      .map(({ value }) => value.split(/[,:]/)[0] ?? '')
      .filter((name) => name !== ''),
  };
}
