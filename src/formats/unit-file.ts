/** One `Key=value` of a systemd unit; lines count from 1. */
export type UnitSetting = {
  readonly section: string;
  readonly key: string;
  readonly value: string;
  readonly line: number;
};

export type UnitFault = { readonly line: number; readonly message: string; readonly hint: string };

/** What systemd knows as units that a file can define; the rest is made by other means. */
const UNIT_NAME = /^[A-Za-z0-9:_.-]+@?[A-Za-z0-9:_.-]*\.(service|socket|timer|path|mount|target|slice)$/;

export function isUnitName(name: string): boolean {
  return UNIT_NAME.test(name) && name.length <= 255;
}

/** Settings of a unit as systemd.syntax(7) has them: comments, sections, lines continued by a backslash. */
export function parseUnit(text: string): {
  readonly settings: readonly UnitSetting[];
  readonly faults: readonly UnitFault[];
} {
  const settings: UnitSetting[] = [];
  const faults: UnitFault[] = [];
  let section: string | undefined;
  let joined = '';
  let start = 0;
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const isComment = /^\s*[#;]/.test(raw);
    if (isComment || (joined === '' && raw.trim() === '')) continue;
    if (joined === '') start = index + 1;
    if (raw.endsWith('\\')) {
      joined += `${raw.slice(0, -1)} `;
      continue;
    }
    const line = (joined + raw).trim();
    joined = '';
    const heading = /^\[([^\][]+)\]$/.exec(line)?.[1];
    const setting = /^([A-Za-z0-9-]+)\s*=\s*(.*)$/s.exec(line);
    if (heading !== undefined) section = heading;
    else if (setting === null)
      faults.push({ line: start, message: `"${line}" is no setting`, hint: 'Write Key=value.' });
    else if (section === undefined) {
      faults.push({
        line: start,
        message: `"${line}" stands before any section`,
        hint: 'Begin with [Unit] or [Service].',
      });
    } else settings.push({ section, key: setting[1] ?? '', value: setting[2] ?? '', line: start });
  }
  return { settings, faults };
}

/**
 * What is wrong with a unit as far as that shows without systemd.
 *
 * @param enabled it is to be started at boot, so something must say by what
 */
export function unitFaults(name: string, text: string, enabled: boolean): readonly UnitFault[] {
  const { settings, faults } = parseUnit(text);
  if (faults.length > 0) return faults;
  const has = (section: string, ...keys: string[]): boolean =>
    settings.some((one) => one.section === section && keys.includes(one.key) && one.value !== '');
  const found: UnitFault[] = [];
  if (name.endsWith('.service') && !has('Service', 'ExecStart')) {
    found.push({
      line: 1,
      message: 'it has no ExecStart=',
      hint: 'Add ExecStart=/usr/local/bin/PROGRAM under [Service].',
    });
  }
  if (enabled && !has('Install', 'WantedBy', 'RequiredBy', 'UpheldBy', 'Also', 'Alias')) {
    found.push({
      line: 1,
      message: 'nothing says what starts it',
      hint: 'Add [Install] with WantedBy=multi-user.target, or `enable: false` for a unit that another one starts.',
    });
  }
  return found;
}

/** Programs with a whole path that a service starts, with the line of each. What systemd expands is left out. */
export function unitPrograms(text: string): readonly { readonly program: string; readonly line: number }[] {
  return parseUnit(text).settings.flatMap(({ section, key, value, line }) => {
    if (section !== 'Service' || !/^Exec(Start|StartPre|StartPost|Condition)$/.test(key)) return [];
    const [, prefix = '', program] = /^([-@:+!|]*)"?([^\s"]+)/.exec(value) ?? [];
    // A missing program is no failure where "-" says so.
    return program?.startsWith('/') === true && !/[%$]/.test(program) && !prefix.includes('-')
      ? [{ program, line }]
      : [];
  });
}
