import { parse } from 'ini';
import type { Problem } from '../../errors.js';
import { didYouMean } from '../../config/wording.js';
import { asMapping } from '../yaml/cloud-init-yaml.js';
import type { SeedFile } from '../text/seed.js';
import type { DeviceIdentity, DeviceUser } from './device-identity.js';

export type IdentityResult = {
  readonly identity: DeviceIdentity;
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
};

const KEYS: Readonly<Record<string, readonly string[]>> = {
  device: ['HOSTNAME'],
  user: ['USERNAME', 'PASSWD', 'HOME', 'GROUP', 'SHELL', 'GROUPS'],
  wifi: ['SSID', 'PASSWD'],
};

/**
 * Reads a device.ini of ReswarmOS. Its own reader takes what lies between two double quotes and knows no escapes, so
 * every value must be quoted and none can hold a quote; what it would misread is an error here. HOME and GROUP are
 * ignored, as on ReswarmOS itself.
 *
 * Codes: `device-ini-syntax`, `device-ini-unquoted`, `device-ini-quote`, `device-ini-unknown`, `device-ini-empty`.
 */
export function readDeviceIni({ file, text }: SeedFile): IdentityResult {
  const problems = lineProblems(file, text);
  if (problems.length > 0) return { identity: {}, problems, warnings: [] };
  // ini takes a quoted value for JSON: a backslash would begin an escape, which this format does not have.
  const values = parse(text.replace(/^\uFEFF/, '').replaceAll('\\', '\\\\')) as Readonly<Record<string, unknown>>;
  const value = (section: string, key: string): string | undefined => {
    const found = asMapping(values[section])?.[key];
    return typeof found === 'string' && found !== '' ? found : undefined;
  };
  const hostname = value('device', 'HOSTNAME');
  const name = value('user', 'USERNAME');
  const ssid = value('wifi', 'SSID');
  if (hostname === undefined && name === undefined && ssid === undefined) {
    const message = 'there is neither a HOSTNAME in [device], nor a USERNAME in [user], nor an SSID in [wifi]';
    return { identity: {}, problems: [{ code: 'device-ini-empty', message, file }], warnings: [] };
  }
  const identity = {
    ...(hostname === undefined ? {} : { hostname }),
    ...(name === undefined
      ? {}
      : { users: [userOf(name, value('user', 'PASSWD'), value('user', 'SHELL'), value('user', 'GROUPS'))] }),
    ...(ssid === undefined ? {} : { wifi: [{ ssid, ...optional('password', value('wifi', 'PASSWD')) }] }),
  };
  return { identity, problems: [], warnings: [] };
}

function userOf(name: string, password?: string, shell?: string, groups?: string): DeviceUser {
  return {
    name,
    ...optional('password', password),
    ...optional('shell', shell),
    ...(groups === undefined ? {} : { groups: groups.split(/[\s,]+/).filter((group) => group !== '') }),
  };
}

function optional<Key extends string>(key: Key, value: string | undefined): Partial<Record<Key, string>> {
  return (value === undefined ? {} : { [key]: value }) as Partial<Record<Key, string>>;
}

function lineProblems(file: string, text: string): Problem[] {
  let section = '';
  return text.split(/\r?\n/).flatMap((row, index): Problem[] => {
    const at = (code: string, message: string, hint: string, column = 1): Problem[] => [
      { code, message, hint, file, line: index + 1, column },
    ];
    const line = row.replace(/^\uFEFF/, '').trim();
    if (line === '' || line.startsWith('#') || line.startsWith(';')) return [];
    const header = /^\[(.*)\]$/.exec(line)?.[1];
    if (header !== undefined) {
      section = header;
      if (header in KEYS) return [];
      return at(
        'device-ini-unknown',
        `[${header}] is not a section of device.ini`,
        didYouMean(header, Object.keys(KEYS)) ?? '',
      );
    }
    const pair = /^([^=]+?)\s*=\s*(.*)$/.exec(line);
    if (pair === null) return at('device-ini-syntax', 'this line is no key = "value"', 'A comment begins with "#".');
    const [, key = '', value = ''] = pair;
    const keys = KEYS[section] ?? [];
    if (section === '')
      return at('device-ini-syntax', `"${key}" stands above every section`, 'Put it below [device], [user] or [wifi].');
    if (!keys.includes(key)) {
      return at('device-ini-unknown', `"${key}" is not a key of [${section}]`, didYouMean(key, keys) ?? '');
    }
    const column = row.indexOf(value, row.indexOf('=') + 1) + 1;
    if (/^"[^"]*"$/.test(value)) return [];
    if (value.startsWith('"') && value.endsWith('"') && value.length > 1) {
      const message = `the value of "${key}" holds a double quote, which device.ini cannot express`;
      return at(
        'device-ini-quote',
        message,
        'Choose another one, or use --user-data, where everything can be written.',
        column,
      );
    }
    return at(
      'device-ini-unquoted',
      `the value of "${key}" is not in double quotes, so the device would read it as empty`,
      `Write ${key} = "…".`,
      column,
    );
  });
}
