import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Problem } from '../../errors.js';
import { readFlock } from '../../seeds/device/flock.js';
import type {
  DeviceFile,
  DeviceIdentity,
  DeviceUser,
  DeviceRoute,
  DeviceWifi,
} from '../../seeds/device/device-identity.js';
import { isCryptHash } from '../../seeds/passwords/crypt-hash.js';
import { derivedSalt } from '../../seeds/passwords/passwords.js';
import type { SeedFile } from '../../seeds/text/seed.js';
import { sha512Crypt } from '../../seeds/passwords/sha512-crypt.js';
import { sshKeyFault } from '../../seeds/text/ssh-key.js';
import { OTHER_LIMIT_BYTES, readSeedFile, USER_DATA_LIMIT_BYTES } from '../../seeds/text/text-file.js';
import type { Path } from '../../config/yaml-source.js';
import { isKeyText } from './device-values.js';
import { deviceProblem, type FleetDevice } from './fleet.js';
import { hostnameOf } from './unique-values.js';

export type IdentityOfDevice = {
  readonly identity: DeviceIdentity;
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
};

/** A file of the boot partition may be a splash screen or a firmware blob, not a film. */
const FILE_LIMIT_BYTES = 16 * 1024 * 1024;

/**
 * Turns what a fleet says of a device into its identity, reading the files that it names. Files that many devices
 * share are read once, and a passphrase or password that they share is worked out once.
 */
export class IdentityReader {
  private readonly texts = new Map<string, Promise<SeedFile | Problem>>();
  private readonly hashes = new Map<string, string>();
  private readonly flocks = new Map<string, FleetDevice>();

  /** Codes: those of readSeedFile, readFlock, `ssh-key-…`, `fleet-duplicate-flock`, `fleet-secret-empty`, `fleet-user-without-name`, `fleet-wifi-without-ssid`; warnings: `fleet-wifi-open`. */
  async read(device: FleetDevice): Promise<IdentityOfDevice> {
    const reading = new Reading(device, this);
    const flock = await reading.flock();
    const identity: DeviceIdentity = {
      ...flock,
      hostname: hostnameOf(device),
      ...present('instanceId', device.values['instance-id']),
      ...present('timezone', device.values.timezone),
      ...present('sshKeys', await reading.sshKeys()),
      ...present('users', await reading.users(flock?.users ?? [])),
      ...present('wifi', await reading.wifi()),
      ...present('network', reading.network()),
      ...present('userData', await reading.seedFile('user-data')),
      ...present('metaData', await reading.seedFile('meta-data')),
      ...present('networkConfig', await reading.seedFile('network-config')),
      ...present('configTxt', reading.configTxt()),
      ...present('files', await reading.files(flock?.files ?? [])),
    };
    return { identity, problems: reading.problems, warnings: reading.warnings };
  }

  /** Who else of the fleet is the same device of the platform: by its key, its serial number or its certificate. */
  sameFlock(device: FleetDevice, text: string): { readonly owner: FleetDevice; readonly by: string } | undefined {
    let found: { readonly owner: FleetDevice; readonly by: string } | undefined;
    for (const [by, value] of flockKeys(text)) {
      const owner = this.flocks.get(`${by} ${value}`);
      if (owner === undefined) this.flocks.set(`${by} ${value}`, device);
      else if (owner !== device) found ??= { owner, by };
    }
    return found;
  }

  text(path: string, limitBytes: number): Promise<SeedFile | Problem> {
    const known = this.texts.get(path);
    if (known !== undefined) return known;
    const read = readSeedFile(path, limitBytes).then((result) => ('file' in result ? result.file : result.problem));
    this.texts.set(path, read);
    return read;
  }

  /**
   * The same fleet must give the same seeds, so the salt is derived: from the device and the user, never from the
   * password (docs/decisions/salt-of-hashed-passwords.md). Devices whose password comes from the same file share a hash, as
   * they share the password.
   */
  hash(password: string, salted: readonly string[]): string {
    const key = JSON.stringify([password, ...salted]);
    const known = this.hashes.get(key) ?? sha512Crypt(password, derivedSalt(salted));
    this.hashes.set(key, known);
    return known;
  }
}

class Reading {
  readonly problems: Problem[] = [];
  readonly warnings: Problem[] = [];

  constructor(
    private readonly device: FleetDevice,
    private readonly reader: IdentityReader,
  ) {}

  async flock(): Promise<DeviceIdentity | undefined> {
    const file = await this.read(['flock'], this.device.values.flock, OTHER_LIMIT_BYTES);
    if (file === undefined) return undefined;
    const { identity, problems, warnings } = readFlock(file);
    this.problems.push(...problems);
    this.warnings.push(...warnings);
    const same = problems.length > 0 ? undefined : this.reader.sameFlock(this.device, file.text);
    if (same !== undefined) {
      const message = `the "${same.by}" of ${basename(file.file)} belongs to ${same.owner.name} already`;
      this.fail(['flock'], 'fleet-duplicate-flock', message, 'Each device needs a file of its own from the platform.');
    }
    const users = identity.users?.map(({ password, ...user }) =>
      password === undefined
        ? user
        : { ...user, passwordHash: this.reader.hash(password, [this.device.name, user.name]) },
    );
    return { ...identity, ...present('users', users) };
  }

  async sshKeys(): Promise<readonly string[] | undefined> {
    const given = this.device.values['ssh-keys'];
    if (given === undefined) return undefined;
    const keys: string[] = [];
    for (const [index, one] of given.entries()) {
      const path = ['ssh-keys', index];
      const lines = isKeyText(one) ? [one.trim()] : keyLines((await this.read(path, one, OTHER_LIMIT_BYTES))?.text);
      if (lines?.length === 0) this.fail(path, 'ssh-key-empty', `there is no ssh key in ${one}`);
      for (const line of lines ?? []) {
        const fault = sshKeyFault(line);
        if (fault !== undefined) this.fail(path, fault.code, fault.message, 'Copy the whole line of the .pub file.');
      }
      keys.push(...(lines ?? []));
    }
    return keys;
  }

  async users(before: readonly DeviceUser[]): Promise<readonly DeviceUser[] | undefined> {
    const { user } = this.device.values;
    if (user === undefined) return undefined;
    if (user.name === undefined) {
      this.fail(['user'], 'fleet-user-without-name', '"user" needs a "name"');
      return undefined;
    }
    const passwordFile = user['password-file'];
    const password = await this.secret(['user', 'password-file'], passwordFile);
    const passwordHash =
      password === undefined || isCryptHash(password)
        ? (password ?? user['password-hash'])
        : this.reader.hash(password, [basename(passwordFile ?? ''), user.name]);
    const own: DeviceUser = {
      name: user.name,
      ...present('passwordHash', passwordHash),
      ...present('groups', user.groups),
    };
    return [own, ...before.filter(({ name }) => name !== own.name)];
  }

  async wifi(): Promise<readonly DeviceWifi[] | undefined> {
    const { wifi } = this.device.values;
    if (wifi === undefined) return undefined;
    if (wifi.ssid === undefined) {
      this.fail(['wifi'], 'fleet-wifi-without-ssid', '"wifi" needs an "ssid"');
      return undefined;
    }
    const fromFile = await this.secret(['wifi', 'passphrase-file'], wifi['passphrase-file']);
    const password = wifi.psk ?? fromFile ?? wifi.passphrase;
    if (password === undefined && wifi['passphrase-file'] === undefined) {
      const message = `the Wi-Fi "${wifi.ssid}" has no passphrase: an open network is joined`;
      this.warnings.push(deviceProblem(this.device, ['wifi'], { code: 'fleet-wifi-open', message }));
    }
    const { ssid, country, hidden, wpa3, identity } = wifi;
    return [
      {
        ssid,
        ...present('password', password),
        ...present('country', country),
        ...present('hidden', hidden),
        ...present('wpa3', wpa3),
        ...present('account', identity === undefined ? undefined : { identity }),
      },
    ];
  }

  network(): DeviceIdentity['network'] {
    const { address, gateway, dns, routes, interface: name } = this.device.values.network ?? {};
    if (address === undefined) return undefined;
    return {
      addresses: [address],
      ...present('gateway', gateway),
      ...present('routes', routes?.map(routeOf)),
      ...present('nameservers', dns),
      ...present('interface', name),
    };
  }

  async seedFile(name: 'user-data' | 'meta-data' | 'network-config'): Promise<SeedFile | undefined> {
    const limitBytes = name === 'user-data' ? USER_DATA_LIMIT_BYTES : OTHER_LIMIT_BYTES;
    return this.read([name], this.device.values[name], limitBytes);
  }

  configTxt(): readonly string[] | undefined {
    const entries = this.device.values['config-txt'];
    return entries === undefined ? undefined : Object.entries(entries).map(([key, value]) => `${key}=${value}`);
  }

  async files(before: readonly DeviceFile[]): Promise<readonly DeviceFile[] | undefined> {
    const pairs = this.device.values.files;
    if (pairs === undefined) return undefined;
    const files = await Promise.all(
      pairs.map(async (pair, index): Promise<DeviceFile[]> => {
        const colon = pair.lastIndexOf(':');
        const source = pair.slice(0, colon);
        try {
          const content = await readFile(source);
          if (content.length <= FILE_LIMIT_BYTES)
            return [{ path: pair.slice(colon + 1).replace(/^\/(boot\/)?/, ''), content }];
          this.fail(
            ['files', index],
            'seed-too-large',
            `${source} has ${content.length} bytes; the limit is ${FILE_LIMIT_BYTES}`,
          );
        } catch (error) {
          const code = (error as NodeJS.ErrnoException).code ?? String(error);
          if (code === 'ENOENT') this.fail(['files', index], 'file-missing', `there is no file ${source}`);
          else this.fail(['files', index], 'file-unreadable', `${source} cannot be read (${code})`);
        }
        return [];
      }),
    );
    return [...before, ...files.flat()];
  }

  /** The first line of a file. Never part of a message. */
  private async secret(path: Path, file: string | undefined): Promise<string | undefined> {
    const text = (await this.read(path, file, OTHER_LIMIT_BYTES))?.text;
    const line = text?.replace(/^\uFEFF/, '').split(/\r?\n/)[0];
    if (line === '') this.fail(path, 'fleet-secret-empty', `the first line of ${file ?? ''} is empty`);
    return line;
  }

  private async read(path: Path, file: string | undefined, limitBytes: number): Promise<SeedFile | undefined> {
    if (file === undefined) return undefined;
    const read = await this.reader.text(file, limitBytes);
    if (!('code' in read)) return read;
    this.fail(path, read.code, `${file}: ${read.message}`, read.hint);
    return undefined;
  }

  private fail(path: Path, code: string, message: string, hint?: string): void {
    this.problems.push(deviceProblem(this.device, path, { code, message, ...present('hint', hint) }));
  }
}

/** What the platform tells devices apart by; appliances have no certificate. */
function flockKeys(text: string): readonly (readonly [string, string])[] {
  const values = JSON.parse(text.replace(/^\uFEFF/, '')) as Readonly<Record<string, unknown>>;
  const { authentication } = values as { readonly authentication?: { readonly certificate?: unknown } };
  const { certificate } = authentication ?? {};
  return [
    ['device_key', JSON.stringify([values['swarm_key'], values['device_key']])],
    ['serial_number', JSON.stringify(values['serial_number'])],
    ...(typeof certificate === 'string' && certificate !== ''
      ? [['certificate', createHash('sha256').update(JSON.stringify(certificate)).digest('hex')] as const]
      : []),
  ];
}

function keyLines(text: string | undefined): readonly string[] | undefined {
  if (text === undefined) return undefined;
  if (text.includes('PRIVATE KEY')) return [text];
  return text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
}

function present<Key extends string, Value>(key: Key, value: Value | undefined): Partial<Record<Key, Value>> {
  return value === undefined ? {} : ({ [key]: value } as Partial<Record<Key, Value>>);
}

/** Of NETWORK,ROUTER, as the schema has found it. */
function routeOf(text: string): DeviceRoute {
  const [to = '', via = ''] = text.split(',').map((part) => part.trim());
  return { to, via };
}
