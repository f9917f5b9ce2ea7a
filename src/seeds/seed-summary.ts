import type { SeedInterface, SeedKey, SeedSummary, SeedUser } from './seed-facts.js';
import { expectationsOf, sshFingerprint } from './seed-expectations.js';
import { asMapping, readSeedYaml } from './yaml/cloud-init-yaml.js';

export type SeedTexts = { readonly userData: string; readonly metaData: string; readonly networkConfig: string };

type Mapping = Readonly<Record<string, unknown>>;

/** Whoever cloud-init's `default` user is: the image's own /etc/cloud says. */
const DEFAULT_USER = 'default';

/**
 * What a seed in an image says. A password hash, a wifi key, the text of a file or a command is nobody's business:
 * none of them gets out of here.
 *
 * @param defaultUser what the user `default` is called, where the system says so
 */
export function summariseSeed(
  { userData, metaData, networkConfig }: SeedTexts,
  defaultUser = DEFAULT_USER,
): SeedSummary {
  const parsed = [
    readSeedYaml({ file: 'user-data', text: userData }),
    readSeedYaml({ file: 'meta-data', text: metaData }),
    readSeedYaml({ file: 'network-config', text: networkConfig }),
  ] as const;
  const kind = /^#!|^#(cloud-config)\b|^## template: *(\w+)|^#([a-z-]+)|^(Content-Type|MIME-Version):/.exec(userData);
  const isConfig = kind?.[1] !== undefined || userData.trim() === '';
  const config = isConfig ? (asMapping(parsed[0].value) ?? {}) : {};
  const meta = asMapping(parsed[1].value) ?? {};
  const network = asMapping(parsed[2].value) ?? {};
  const { hostname } = expectationsOf(isConfig ? userData : '', metaData);
  const instanceId = text(meta['instance-id']);
  const timezone = text(config.timezone);
  return {
    kind: kind === null ? (userData.trim() === '' ? 'empty' : 'unknown') : nameOf(kind),
    ...(hostname === undefined ? {} : { hostname }),
    ...(instanceId === undefined ? {} : { instanceId }),
    users: users(config).map((user) => (user.name === DEFAULT_USER ? { ...user, name: defaultUser } : user)),
    ...(timezone === undefined ? {} : { timezone }),
    packages: list(config.packages).flatMap((item) => (typeof item === 'string' ? [item] : [])),
    writesFiles: list(config.write_files).flatMap((item) => text(asMapping(item)?.path) ?? []),
    commands: list(config.bootcmd).length + list(config.runcmd).length,
    network: { interfaces: interfaces(network) },
    // Only what kind of mistake and where: a YAML error's own words may quote the line.
    problems: parsed.flatMap(({ problems }, index) =>
      index === 0 && !isConfig
        ? []
        : problems.map(({ code, file = '', line = 0 }) => `${file}:${line}: it is not valid YAML (${code})`),
    ),
  };
}

function nameOf(match: RegExpExecArray): string {
  if (match[0].startsWith('#!')) return 'script';
  return match[1] ?? (match[2] === undefined ? (match[3] ?? 'mime') : `${match[2]} template`);
}

function users(config: Mapping): readonly SeedUser[] {
  const passwords = passwordNames(config);
  const shared = keys(config.ssh_authorized_keys);
  const anybody = config.password !== undefined;
  const named = config.users === undefined ? [DEFAULT_USER] : list(config.users);
  const found = named.flatMap((item): SeedUser[] => {
    const fields: Mapping = typeof item === 'string' ? { name: item } : (asMapping(item) ?? {});
    const name = text(fields.name);
    if (name === undefined) return [];
    const isSet =
      ['passwd', 'hashed_passwd', 'plain_text_passwd'].some((key) => isPassword(fields[key])) ||
      passwords.has(name) ||
      (name === DEFAULT_USER && anybody);
    return [
      {
        name,
        password: isSet ? 'set' : 'none',
        sudo: fields.sudo !== undefined && fields.sudo !== null && fields.sudo !== false,
        sshKeys: [
          ...keys(fields.ssh_authorized_keys ?? fields['ssh-authorized-keys']),
          ...(name === DEFAULT_USER ? shared : []),
        ],
      },
    ];
  });
  // `- default` was left out: cloud-init gives the shared ones to nobody, but a person should see them.
  const isLost = (shared.length > 0 || anybody) && !found.some(({ name }) => name === DEFAULT_USER);
  return isLost
    ? [...found, { name: DEFAULT_USER, password: anybody ? 'set' : 'none', sudo: false, sshKeys: shared }]
    : found;
}

/** "*" and "!" are no passwords: nothing hashes to them. */
function isPassword(value: unknown): boolean {
  return typeof value === 'string' && value !== '' && !/^[*!]+$/.test(value);
}

/** Names that `chpasswd` gives a password to. */
function passwordNames(config: Mapping): ReadonlySet<string> {
  const chpasswd = asMapping(config.chpasswd) ?? {};
  const entries = [...list(chpasswd.users), ...list(chpasswd.list).flatMap((item) => String(item).split('\n'))];
  return new Set(
    entries.flatMap((entry) => {
      const name = typeof entry === 'string' ? /^([^:\s]+):./.exec(entry.trim())?.[1] : text(asMapping(entry)?.name);
      return name === undefined ? [] : [name];
    }),
  );
}

function keys(value: unknown): readonly SeedKey[] {
  return list(value).flatMap((line): SeedKey[] => {
    if (typeof line !== 'string') return [];
    const fingerprint = sshFingerprint(line);
    const match = /(?:^|\s)((?:ssh-|ecdsa-|sk-)\S+)\s+\S+\s*(.*)$/.exec(line.trim());
    return fingerprint === undefined ? [] : [{ type: match?.[1] ?? '', fingerprint, comment: match?.[2] ?? '' }];
  });
}

function interfaces(network: Mapping): readonly SeedInterface[] {
  // Version 1 is a list of devices.
  const body = asMapping(network.network) ?? network;
  const old = list(body.config).flatMap((item): SeedInterface[] => {
    const device = asMapping(item) ?? {};
    const name = text(device.name);
    if (name === undefined) return [];
    const addresses = list(device.subnets).flatMap((subnet) => {
      const fields = asMapping(subnet) ?? {};
      return text(fields.address) ?? text(fields.type) ?? [];
    });
    return [{ kind: text(device.type) ?? '', name, addresses, accessPoints: [] }];
  });
  const kinds = ['ethernets', 'wifis', 'bridges', 'bonds', 'vlans', 'modems', 'tunnels', 'vrfs', 'dummy-devices'];
  const current = kinds.flatMap((kind) =>
    Object.entries(asMapping(body[kind]) ?? {}).map(([name, value]) => interfaceOf(kind, name, asMapping(value) ?? {})),
  );
  return [...old, ...current];
}

function interfaceOf(kind: string, name: string, fields: Mapping): SeedInterface {
  const dhcp = [fields.dhcp4 === true ? 'dhcp' : '', fields.dhcp6 === true ? 'dhcp6' : ''].filter(
    (word) => word !== '',
  );
  const fixed = list(fields.addresses).flatMap((item) =>
    typeof item === 'string' ? [item] : Object.keys(asMapping(item) ?? {}),
  );
  const points = Object.entries(asMapping(fields['access-points']) ?? {}).map(([ssid, value]) => {
    const point = asMapping(value) ?? {};
    const isSet = point.password !== undefined || point.auth !== undefined;
    return { ssid, password: isSet ? ('set' as const) : ('none' as const) };
  });
  return { kind: kind.replace(/s$/, ''), name, addresses: [...dhcp, ...fixed], accessPoints: points };
}

/** cloud-init takes a single value where it takes a list. */
function list(value: unknown): readonly unknown[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value : [value];
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
