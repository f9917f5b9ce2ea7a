import { basename } from 'node:path';
import type { Problem } from '../../errors.js';
import { describeFound } from '../../config/wording.js';
import { asMapping } from '../yaml/cloud-init-yaml.js';
import { hostnameFault } from '../text/hostname.js';
import type { SeedFile } from '../text/seed.js';
import { positionFinder, type Position } from '../../config/yaml-source.js';
import type { IdentityResult } from './device-ini.js';
import type { DeviceFile } from './device-identity.js';

/** What the device agent cannot do without (ReswarmConfig of RecordEvolution/DeviceManagementAgent). */
const NEEDED: readonly (readonly [string, 'string' | 'number' | 'object'])[] = [
  ['name', 'string'],
  ['secret', 'string'],
  ['serial_number', 'string'],
  ['swarm_key', 'number'],
  ['device_key', 'number'],
  ['swarm_owner_name', 'string'],
  ['device_endpoint_url', 'string'],
  ['authentication', 'object'],
];

/** Hosts that have moved; the agent rewrites the same two (LoadReswarmConfig). */
const MOVED: readonly (readonly [string, string, string])[] = [
  ['docker_registry_url', 'registry.reswarm.io/', 'registry.ironflock.com/'],
  ['device_endpoint_url', 'wss://cbw.record-evolution.com/ws-re-dev', 'wss://cbw.ironflock.com/ws-re-dev'],
];

/**
 * Reads a .flock or .reswarm file, the JSON that names a device of a swarm: `name` becomes the host name,
 * `swarm_owner_name` a user with `secret` as password, `wlanssid` and `password` a Wi-Fi, and the file itself is put
 * into the root of the boot partition, where the device agent looks for it.
 *
 * Codes: `flock-syntax`, `flock-missing-field`, `flock-wrong-type`; warnings `flock-moved-host`, `flock-hostname`.
 */
export function readFlock(file: SeedFile): IdentityResult {
  const parsed = parseObject(file);
  if ('problem' in parsed) return { identity: {}, problems: [parsed.problem], warnings: [] };
  const { values } = parsed;
  const problems = [...NEEDED.flatMap(([key, type]) => fieldProblems(file, values, key, type))];
  if (problems.length > 0) return { identity: {}, problems, warnings: [] };
  const text = (key: string): string => (typeof values[key] === 'string' ? values[key] : '');
  const hostname = hostnameFrom(text('name'));
  const ssid = text('wlanssid');
  const moved = MOVED.filter(([key, before]) => values[key] === before);
  const warnings = [
    ...moved.map(([key, before, after]): Problem => {
      return at(file, key, 'flock-moved-host', `"${key}" names ${before}, which has moved; ${after} is written`);
    }),
    ...(hostname === text('name')
      ? []
      : [
          at(
            file,
            'name',
            'flock-hostname',
            `"${text('name')}" cannot be a host name; the device is called "${hostname}"`,
          ),
        ]),
  ];
  const identity = {
    hostname,
    users: [{ name: userNameFrom(text('swarm_owner_name')), password: text('secret') }],
    ...(ssid === '' ? {} : { wifi: [{ ssid, ...(text('password') === '' ? {} : { password: text('password') }) }] }),
    files: [deviceFile(file, hostname, moved)],
  };
  return { identity, problems: [], warnings };
}

/** One such file only: of several, the agent takes the newest, and all of ours are of the same time. */
function deviceFile(file: SeedFile, hostname: string, moved: typeof MOVED): DeviceFile {
  const suffix = basename(file.file).endsWith('.reswarm') ? 'reswarm' : 'flock';
  const content = moved.reduce(
    (text, [, before, after]) => text.replaceAll(JSON.stringify(before), JSON.stringify(after)),
    file.text.replace(/^\uFEFF/, ''),
  );
  return { path: `${hostname}.${suffix}`, content, replaces: /\.(flock|reswarm)$/i };
}

/** Names of devices may hold what host names cannot. */
function hostnameFrom(name: string): string {
  if (hostnameFault(name) === undefined) return name;
  const clean = name
    .replaceAll(/[^A-Za-z0-9-]+/g, '-')
    .slice(0, 63)
    .replaceAll(/^-+|-+$/g, '');
  return hostnameFault(clean) === undefined ? clean : `device-${clean}`.replace(/-$/, '');
}

function userNameFrom(name: string): string {
  const clean = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9_-]+/g, '-')
    .slice(0, 32)
    .replaceAll(/^[-0-9]+|-+$/g, '');
  return clean === '' || clean === 'root' ? 'owner' : clean;
}

function parseObject(
  file: SeedFile,
): { readonly values: Readonly<Record<string, unknown>> } | { readonly problem: Problem } {
  const hint = 'Download the device configuration again.';
  try {
    const values = asMapping(JSON.parse(file.text.replace(/^\uFEFF/, '')));
    if (values !== undefined) return { values };
    const message = 'this is not the configuration of a device: a JSON object is expected';
    return { problem: { code: 'flock-syntax', message, hint, file: file.file, line: 1, column: 1 } };
  } catch (error) {
    const offset = Number(/position (\d+)/.exec((error as Error).message)?.[1] ?? file.text.length);
    const place = positionFinder(file.text)(offset);
    // JSON.parse quotes what it found, and that may be a secret.
    return { problem: { code: 'flock-syntax', message: 'this is not valid JSON', hint, file: file.file, ...place } };
  }
}

function fieldProblems(
  file: SeedFile,
  values: Readonly<Record<string, unknown>>,
  key: string,
  type: 'string' | 'number' | 'object',
): Problem[] {
  const value = values[key];
  const words = { string: 'text', number: 'a whole number', object: 'an object' };
  if (value === undefined || value === null || value === '') {
    return [at(file, key, 'flock-missing-field', `"${key}" is missing; the device agent needs it`)];
  }
  const fits =
    type === 'number' ? Number.isInteger(value) : type === 'object' ? asMapping(value) : typeof value === type;
  if (fits === undefined || fits === false) {
    const message = `"${key}" must be ${words[type]}, found ${describeFound(value, true)}`;
    return [at(file, key, 'flock-wrong-type', message)];
  }
  return key === 'authentication' ? certificateProblems(file, asMapping(value) ?? {}) : [];
}

/** Appliances have neither: both are empty, or not there. One without the other is of no use. */
function certificateProblems(file: SeedFile, authentication: Readonly<Record<string, unknown>>): Problem[] {
  const missing = ['key', 'certificate'].filter((part) => (authentication[part] ?? '') === '');
  const wrong = ['key', 'certificate'].filter(
    (part) => !['string', 'undefined'].includes(typeof (authentication[part] ?? undefined)),
  );
  return [
    ...wrong.map((part) => at(file, 'authentication', 'flock-wrong-type', `"authentication.${part}" must be text`)),
    ...(missing.length === 1
      ? missing.map((part) => {
          const message = `"authentication.${part}" is missing; the device agent needs it`;
          return at(file, 'authentication', 'flock-missing-field', message);
        })
      : []),
  ];
}

function at(file: SeedFile, key: string, code: string, message: string): Problem {
  return { code, message, hint: 'Download the device configuration again.', file: file.file, ...place(file.text, key) };
}

/** Where a key of the outermost object stands; the beginning where it does not. */
function place(text: string, key: string): Position {
  const offset = text.search(new RegExp(`"${key}"\\s*:`));
  return positionFinder(text)(Math.max(0, offset));
}
