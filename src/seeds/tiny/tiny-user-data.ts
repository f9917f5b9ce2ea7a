import { isIP } from 'node:net';
import { hostnameFault } from '../text/hostname.js';
import { SSH_KEY_TYPES, sshKeyFault } from '../text/ssh-key.js';
import { commandScript } from './tiny-commands.js';
import { writtenFile, type TinyFile } from './tiny-files.js';
import type { Place, TinyValues } from './tiny-values.js';

/** What a tiny system does with a user-data. */
export type TinyUserData = {
  hostname?: string;
  fqdn?: string;
  readonly sshKeys: string[];
  /** The value of TZ. */
  timezone?: string;
  readonly timeServers: string[];
  isTimeOff?: boolean;
  bootScript?: string;
  runScript?: string;
  readonly files: TinyFile[];
};

/** dropbear reads lines of up to 4200 bytes. */
const LONGEST_KEY_BYTES = 4000;
const MOST_KEYS = 256;

/** Reads a cloud-config; what is outside of the subset is noted in `values`. */
export function readTinyUserData(root: Place, values: TinyValues): TinyUserData {
  const seed: TinyUserData = { sshKeys: [], timeServers: [], files: [] };
  const keys = (place: Place): void => {
    readKeys(place, values, seed.sshKeys);
  };
  const script = (place: Place): string | undefined => commandScript(place, values);
  values.fields(root, {
    hostname: (place) => {
      assign(seed, 'hostname', hostName(place, values));
    },
    fqdn: (place) => {
      assign(seed, 'fqdn', hostName(place, values));
    },
    ssh_authorized_keys: keys,
    users: (place) => {
      readUsers(place, values, keys);
    },
    timezone: (place) => {
      assign(seed, 'timezone', timezone(place, values));
    },
    ntp: (place) => {
      readNtp(place, values, seed);
    },
    bootcmd: (place) => {
      assign(seed, 'bootScript', script(place));
    },
    write_files: (place) => {
      for (const item of values.list(place) ?? []) {
        const file = writtenFile(item, values);
        if (file !== undefined) seed.files.push(file);
      }
    },
    runcmd: (place) => {
      assign(seed, 'runScript', script(place));
    },
    manage_etc_hosts: (place) => {
      if (values.isText(place, 'localhost') || values.truth(place) !== false) return;
      values.refuse(place, 'can only be true or "localhost": a tiny system writes its names into /etc/hosts');
    },
    disable_root: (place) => {
      values.mustBeFalse(place, 'a tiny system has no other user');
    },
    preserve_hostname: (place) => {
      values.mustBeFalse(place, 'a tiny system forgets its name when it is turned off');
    },
    ssh_pwauth: (place) => {
      values.mustBeFalse(place, 'a tiny system takes ssh keys only');
    },
    package_update: (place) => {
      values.mustBeFalse(place, 'a tiny system has no packages');
    },
    package_upgrade: (place) => {
      values.mustBeFalse(place, 'a tiny system has no packages');
    },
  });
  return seed;
}

function assign<Key extends string, Value>(to: Partial<Record<Key, Value>>, key: Key, value: Value | undefined): void {
  if (value !== undefined) to[key] = value;
}

export function hostName(place: Place, values: TinyValues): string | undefined {
  const name = values.text(place);
  const fault = name === undefined ? undefined : hostnameFault(name, true);
  if (fault === undefined) return name;
  values.refuse(place, fault);
  return undefined;
}

function readUsers(place: Place, values: TinyValues, keys: (place: Place) => void): void {
  const users = values.list(place);
  if (users?.length === 0) values.refuse(place, 'must not be empty', 'Leave it out: the keys are for root.');
  for (const user of users ?? []) {
    if (values.isScalar(user)) {
      const name = values.text(user);
      if (name !== undefined && name !== 'default') values.refuse(user, ONLY_ROOT, ROOT_HINT);
      continue;
    }
    const fields = values.fields(user, {
      name: (name) => {
        const text = values.text(name);
        if (text !== undefined && text !== 'root')
          values.refuse(name, 'can only be root: a tiny system has no other user');
      },
      ssh_authorized_keys: keys,
    });
    if (values.isMapping(user) && !fields.has('name')) values.refuse(user, 'must have a "name": root');
  }
}

const ONLY_ROOT = 'must be "default" or a mapping for root: a tiny system has no other user';
const ROOT_HINT = 'Write "- default" or "- { name: root, ssh_authorized_keys: […] }".';

function readKeys(place: Place, values: TinyValues, kept: string[]): void {
  for (const item of values.list(place) ?? []) {
    const text = values.text(item);
    if (text === undefined) continue;
    const line = text.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, '');
    const fault = keyFault(line);
    if (fault !== undefined) values.refuse(item, fault, 'Copy the whole line of the .pub file: type, key, comment.');
    else if (kept.includes(line)) continue;
    else if (kept.length === MOST_KEYS) values.refuse(item, `are more than ${MOST_KEYS}`);
    else {
      kept.push(line);
      values.takeBytes(item, Buffer.byteLength(line) + 1);
    }
  }
}

/** dropbear knows few options and no certificates: of a line that it does not understand it takes nothing. */
function keyFault(line: string): string | undefined {
  const type = /^[^ ]*/.exec(line)?.[0] ?? '';
  // eslint-disable-next-line no-control-regex -- these characters are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(line)) return 'must be one key each, on one line';
  const fault = sshKeyFault(line);
  if (fault !== undefined) return `has a wrong key: ${fault.message}`;
  if (type.includes('-cert-')) return 'holds a certificate, which the ssh server of a tiny system does not know';
  const isPlain = SSH_KEY_TYPES.includes(type) && /^[^ ]+ +[A-Za-z0-9+/]+={0,2}(?: .*)?$/.test(line);
  if (!isPlain) return 'has options in front of a key, which a tiny system does not take';
  return Buffer.byteLength(line) > LONGEST_KEY_BYTES ? `has a key over ${LONGEST_KEY_BYTES} bytes` : undefined;
}

/** As POSIX writes it, where east of Greenwich is negative: there is no database of time zones. */
function timezone(place: Place, values: TinyValues): string | undefined {
  const name = values.text(place);
  if (name === undefined) return undefined;
  if (name === 'UTC' || name === 'Etc/UTC') return 'UTC0';
  const [, sign, digits] = /^Etc\/GMT([-+])([1-9]\d?)$/.exec(name) ?? [];
  const hours = Number(digits ?? 0);
  if (hours < 1 || hours > (sign === '+' ? 12 : 14)) {
    const hint = 'Write UTC, or Etc/GMT-1 for a clock one hour before it; or use --system debian.';
    values.refuse(place, `is "${name}", and a tiny system has no database of time zones`, hint);
    return;
  }
  const shown = hours.toString().padStart(2, '0');
  return sign === '+' ? `<-${shown}>${hours}` : `<+${shown}>-${hours}`;
}

function readNtp(place: Place, values: TinyValues, seed: TinyUserData): void {
  const servers = (list: Place): void => {
    for (const item of values.list(list) ?? []) {
      const name = values.text(item);
      if (name === undefined) continue;
      const isName = hostnameFault(name, true) === undefined || (isIP(name) !== 0 && !name.includes('%'));
      if (!isName) values.refuse(item, `holds "${name}", which is neither a host name nor an address`);
      seed.timeServers.push(name);
      values.takeBytes(item, Buffer.byteLength(name) + 1);
    }
  };
  values.fields(place, {
    enabled: (enabled) => {
      seed.isTimeOff = values.truth(enabled) === false;
    },
    servers,
    pools: servers,
  });
}
