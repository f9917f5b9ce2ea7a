import { resolve } from 'node:path';
import { SSH_KEY_TYPES } from '../../seeds/text/ssh-key.js';
import type { DefaultValues, DeviceValues } from './fleet-schema.js';

/** Stands in `defaults` for the name of each device. */
const NAME_PLACEHOLDER = '{name}';

/**
 * A device's values over the defaults: a mapping (wifi, network, user, config-txt) key by key, everything else whole.
 * A secret in one form takes the place of the same secret in another form.
 */
export function mergeValues(defaults: DefaultValues, own: DeviceValues): DeviceValues {
  const { user, wifi, network } = defaults;
  const configTxt = { ...defaults['config-txt'], ...own['config-txt'] };
  return {
    ...defaults,
    ...own,
    ...mapping('user', withoutRivals(user, own.user, ['password-hash', 'password-file']), own.user),
    ...mapping('wifi', withoutRivals(ofOtherNetwork(wifi, own.wifi), own.wifi, WIFI_SECRETS), own.wifi),
    ...mapping('network', network, own.network),
    ...(Object.keys(configTxt).length === 0 ? {} : { 'config-txt': configTxt }),
  };
}

/** The defaults as they are for one device. Only places that hold names and paths are looked at, never a secret. */
export function defaultsFor(name: string, defaults: DefaultValues): DefaultValues {
  return mapNames(defaults, (text) => text.replaceAll(NAME_PLACEHOLDER, name));
}

/** `{x}` in the defaults, wherever `{name}` would be replaced, that is not `{name}`. */
export function unknownPlaceholders(defaults: DefaultValues): readonly string[] {
  const found: string[] = [];
  mapNames(defaults, (text) => {
    found.push(...(text.match(/\{[^{}]*\}/g) ?? []).filter((one) => one !== NAME_PLACEHOLDER));
    return text;
  });
  return [...new Set(found)];
}

/** Paths made absolute: they begin at the folder of the file that they stand in. */
export function withAbsolutePaths<Values extends DefaultValues>(values: Values, folder: string): Values {
  const absolute = (path: string): string => resolve(folder, path);
  return mapPaths(values, {
    path: absolute,
    key: (text) => (isKeyText(text) ? text : absolute(text)),
    file: (pair) => {
      const colon = pair.indexOf(':');
      return `${absolute(pair.slice(0, colon))}${pair.slice(colon)}`;
    },
  });
}

/** A public key itself, and not the path of a file. A private key is one too, so that it is refused as what it is. */
export function isKeyText(text: string): boolean {
  const words = text.trim().split(/\s+/);
  return (
    words.slice(0, 2).some((word) => SSH_KEY_TYPES.includes(word)) || text.includes('PRIVATE KEY') || words.length > 1
  );
}

const WIFI_SECRETS = ['passphrase', 'passphrase-file', 'psk'] as const;

/** A key belongs to the name of its network; a passphrase may be that of several. */
function ofOtherNetwork(defaults: DefaultValues['wifi'], own: DefaultValues['wifi']): DefaultValues['wifi'] {
  if (defaults?.psk === undefined || own?.ssid === undefined || own.ssid === defaults.ssid) return defaults;
  return { ...defaults, psk: undefined };
}

type Mappers = {
  readonly path: (path: string) => string;
  readonly key: (text: string) => string;
  readonly file: (pair: string) => string;
};

function mapNames(defaults: DefaultValues, map: (text: string) => string): DefaultValues {
  const mapped = mapPaths(defaults, { path: map, key: (text) => (isKeyText(text) ? text : map(text)), file: map });
  return mapped.hostname === undefined ? mapped : { ...mapped, hostname: map(mapped.hostname) };
}

const PATH_KEYS = ['user-data', 'meta-data', 'network-config', 'flock'] as const;

function mapPaths<Values extends DefaultValues>(values: Values, { path, key, file }: Mappers): Values {
  const { user, wifi, files } = values;
  const keys = values['ssh-keys'];
  const passwordFile = user?.['password-file'];
  const passphraseFile = wifi?.['passphrase-file'];
  const paths = PATH_KEYS.flatMap((name) => (values[name] === undefined ? [] : [[name, path(values[name])] as const]));
  return {
    ...values,
    ...(Object.fromEntries(paths) as Partial<Values>),
    ...(passwordFile === undefined ? {} : { user: { ...user, 'password-file': path(passwordFile) } }),
    ...(passphraseFile === undefined ? {} : { wifi: { ...wifi, 'passphrase-file': path(passphraseFile) } }),
    ...(keys === undefined ? {} : { 'ssh-keys': keys.map(key) }),
    ...(files === undefined ? {} : { files: files.map(file) }),
  };
}

function withoutRivals<Group extends object>(
  defaults: Group | undefined,
  own: Group | undefined,
  rivals: readonly (keyof Group)[],
): Group | undefined {
  if (defaults === undefined || own === undefined || !rivals.some((rival) => own[rival] !== undefined)) return defaults;
  return Object.fromEntries(Object.entries(defaults).filter(([key]) => !rivals.includes(key as keyof Group))) as Group;
}

function mapping<Key extends string, Group extends object>(
  key: Key,
  defaults: Group | undefined,
  own: Group | undefined,
): Partial<Record<Key, Group>> {
  if (defaults === undefined && own === undefined) return {};
  return { [key]: { ...defaults, ...own } } as Partial<Record<Key, Group>>;
}
