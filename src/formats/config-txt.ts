import type { Problem } from '../errors.js';

/** Keys that may stand in config.txt more than once, each line meaning something of its own. */
const REPEATABLE = new Set(['dtparam', 'dtoverlay', 'include', 'gpio', 'initramfs', 'device_tree_param', 'ramfsfile']);

/** Problems of lines for config.txt. Code: `config-txt-invalid`. */
export function configLineProblems(lines: readonly string[]): Problem[] {
  return lines.flatMap((line): Problem[] => {
    const fault = !/^[a-z0-9_]+(:\d)?=[^\r\n]*$/i.test(line)
      ? 'is not of the form key=value'
      : line.length > CONFIG_TXT_LINE_LIMIT
        ? `is longer than ${CONFIG_TXT_LINE_LIMIT} characters, where the firmware stops reading`
        : undefined;
    if (fault === undefined) return [];
    const hint = 'For example --config-txt dtparam=audio=on or --config-txt hdmi_force_hotplug=1';
    return [{ code: 'config-txt-invalid', message: `"${line}" ${fault}`, hint }];
  });
}

/**
 * Puts lines into a config.txt where they hold for every board: a key that is set under [all] (or above every
 * section) gets the new value there, others are added at the end. A line that is there stays where it is.
 */
export function withConfigLines(text: string, lines: readonly string[]): string {
  return lines.reduce(withConfigLine, text);
}

function withConfigLine(text: string, line: string): string {
  const rows = text.replace(/\n$/, '').split('\n');
  const key = line.slice(0, line.indexOf('='));
  let section = 'all';
  let place: number | undefined;
  for (const [index, row] of rows.entries()) {
    const filter = /^\s*\[(.*)\]\s*$/.exec(row)?.[1];
    if (filter !== undefined) section = filter.toLowerCase();
    if (section !== 'all') continue;
    if (row.trim() === line) return text;
    if (row.trim().startsWith(`${key}=`) && !REPEATABLE.has(key)) place = index;
  }
  if (place !== undefined) rows[place] = line;
  else rows.push(...(section === 'all' ? [line] : ['', '[all]', line]));
  return `${rows.join('\n')}\n`.replace(/^\n/, '');
}

/** The firmware ignores what follows in a line of config.txt. */
export const CONFIG_TXT_LINE_LIMIT = 98;

/** Keys of config.txt that are derived from the board and therefore not in its own lines. */
export const DERIVED_CONFIG_TXT_KEYS: readonly string[] = ['kernel', 'cmdline'];
