import type { Problem } from '../errors.js';

/** Lines of config.txt under one `[filter]`. */
export type ConfigTxtLines = { readonly filter: string; readonly lines: readonly string[] };

/** A problem of one line: the filter that it is under, and its place among the filter's lines. */
export type LineProblem = {
  readonly filter: string;
  readonly index: number;
  readonly line: string;
  readonly problem: Problem;
};

/** What the boot partition has: a path from its root, in any case. */
export type HasFile = (path: string) => boolean;

/**
 * Lines that make the firmware ask for a file that is not there; it would not start, or go on without the file and
 * without a word. `sections` in the order of config.txt. Codes: `config-txt-file-missing`, `config-txt-no-effect`,
 * `config-txt-line-invalid`.
 *
 * Source: raspberrypi/documentation, config_txt/boot.adoc and memory.adoc; the names of the cut-down firmware also
 * from bootcode.bin and configuration/boot_folder.adoc.
 */
export function fileProblems(sections: readonly ConfigTxtLines[], has: HasFile): LineProblem[] {
  return sections.flatMap(({ filter, lines }) =>
    lines.flatMap((line, index) => {
      const problem = fileProblem(line, { filter, lines }, has);
      return problem === undefined ? [] : [{ filter, index, line, problem }];
    }),
  );
}

function fileProblem(line: string, { filter, lines }: ConfigTxtLines, has: HasFile): Problem | undefined {
  const { key, value } = settingOf(line);
  const missing = (files: readonly string[], why: string, hint: string): Problem | undefined => {
    const [first, ...others] = files.filter((file) => !has(file));
    if (first === undefined) return undefined;
    const names = [first, ...others].join(' and ');
    const message = `"${line}" makes the firmware ask for ${names}${why}, which the boot partition does not have`;
    return { code: 'config-txt-file-missing', message, hint };
  };
  const noEffect = (because: string, hint: string): Problem => ({
    code: 'config-txt-no-effect',
    message: `"${line}" does nothing: ${because}`,
    hint,
  });

  const variant = variantOf(key, value);
  if (variant !== undefined) {
    const files = familiesOf(filter, key, has).flatMap((family) => variantFiles(family, variant.name));
    return missing(files, variant.why, variant.hint);
  }
  switch (key) {
    case 'start_file':
    case 'fixup_file':
      if (familiesOf(filter, key, has).length === 0) return undefined;
      if (/cd\.(elf|dat)$/i.test(value)) {
        return {
          code: 'config-txt-line-invalid',
          message: `"${line}" would not start: the cut-down firmware cannot be chosen by its name`,
          hint: `Use gpu_mem=16, with ${value} in firmware.files.`,
        };
      }
      return missing([value], '', IN_FIRMWARE_FILES) ?? unpaired(line, key, lines);
    case 'kernel':
    case 'cmdline':
      return missing([value], '', 'Name a file of the boot partition, or remove the line.');
    case 'ramfsfile':
    case 'initramfs':
      return missing(value.split(/\s/)[0]?.split(',') ?? [], '', 'Remove the line: the image needs no initramfs.');
    case 'include':
      return missing([value], '', 'Write the lines of that file under configTxt instead.');
    case 'armstub':
      return missing([value], '', 'Remove the line: the firmware has a stub of its own.');
    case 'device_tree':
      if (value === '') return { code: 'config-txt-line-invalid', message: NO_DEVICE_TREE, hint: 'Remove the line.' };
      return missing([value], '', 'Take one of deviceTrees, or remove the line: the firmware picks the right one.');
    case 'os_prefix':
      if (value === '' || has(`${value}kernel8.img`)) return undefined;
      return noEffect(
        `there is no kernel at ${value}, and the firmware goes on without the prefix`,
        'Remove the line.',
      );
    case 'overlay_prefix':
      if (value === '' || value === 'overlays/') return undefined;
      return noEffect(`the overlays are in overlays/, not at ${value}`, 'Remove the line.');
    default:
      return undefined;
  }
}

/** config.txt as it is: sections in its order, each with its lines without comments; what comes first is for all. */
export function readConfigTxt(text: string): readonly ConfigTxtLines[] {
  const sections: { filter: string; lines: string[] }[] = [{ filter: 'all', lines: [] }];
  for (const row of text.split(/\r?\n/)) {
    const line = row.trim();
    const filter = /^\[(.*)\]$/.exec(line)?.[1];
    if (filter !== undefined) sections.push({ filter, lines: [] });
    else if (line !== '' && !line.startsWith('#')) sections.at(-1)?.lines.push(line);
  }
  return sections;
}

/** `key=value`, or `include FILE` and `initramfs FILE ADDRESS`, which have no `=`. */
export function settingOf(line: string): { readonly key: string; readonly value: string } {
  const [, key = '', value = ''] = /^\s*([^=\s]+)(?:\s*=\s*|\s+|$)(.*)$/.exec(line) ?? [];
  return { key, value: value.trim() };
}

const IN_FIRMWARE_FILES = 'Add it to firmware.files of the board, or remove the line.';
const NO_DEVICE_TREE = '"device_tree=" would start the kernel without a device tree, and it cannot do without';

type Variant = { readonly name: 'cd' | 'x' | 'db'; readonly why: string; readonly hint: string };

/** Other builds of the firmware than the usual one. */
function variantOf(key: string, value: string): Variant | undefined {
  // gpu_mem_256 is for devices that no 64-bit kernel runs on.
  if (/^gpu_mem(_512|_1024)?$/.test(key) && Number.parseInt(value, 10) <= CUT_DOWN_MEMORY) {
    const hint = 'Give gpu_mem 32 or more, or add the cut-down firmware to firmware.files of the board.';
    return { name: 'cd', why: ', the cut-down firmware', hint };
  }
  if (key === 'start_x' && value === '1') return { name: 'x', why: '', hint: IN_FIRMWARE_FILES };
  if (key === 'start_debug' && value === '1') return { name: 'db', why: '', hint: IN_FIRMWARE_FILES };
  return undefined;
}

/** Megabytes: with so few for the GPU the firmware takes the cut-down build of itself. */
const CUT_DOWN_MEMORY = 16;

type Family = 'start' | 'start4';

/** The builds of firmware that read lines under this filter. The 5 has all of it in a flash chip and asks for none. */
function familiesOf(filter: string, key: string, has: HasFile): Family[] {
  // No Pi 4 has 512 MB of memory.
  const wanted: Family[] = key === 'gpu_mem_512' ? ['start'] : ['start', 'start4'];
  return wanted.filter((family) => has(`${family}.elf`) && mayRead(family, filter.toLowerCase()));
}

function mayRead(family: Family, filter: string): boolean {
  if (filter === 'none') return false;
  if (/^(pi4|pi400|cm4|cm4s)$/.test(filter)) return family === 'start4';
  if (/^(pi[0-3]|cm[013])/.test(filter)) return family === 'start';
  return !/^(pi5|cm5)/.test(filter);
}

function variantFiles(family: Family, variant: Variant['name']): string[] {
  const number = family === 'start4' ? '4' : '_';
  return [`start${number}${variant}.elf`, `fixup${number}${variant}.dat`];
}

/** A start_file without its fixup_file stops the device. */
function unpaired(line: string, key: string, lines: readonly string[]): Problem | undefined {
  const other = key === 'start_file' ? 'fixup_file' : 'start_file';
  if (lines.some((one) => settingOf(one).key === other)) return undefined;
  return {
    code: 'config-txt-line-invalid',
    message: `"${line}" would not start: start_file and fixup_file are a pair, and there is no ${other}`,
    hint: `Name its ${other} beside it, or use start_x=1 or start_debug=1, which name both.`,
  };
}
