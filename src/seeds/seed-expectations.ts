import { createHash } from 'node:crypto';
import type { BootExpectations, ExpectedUser } from '../model/boot-expectations.js';
import { readYamlSource } from '../config/yaml-source.js';

/**
 * What a NoCloud seed promises, worked out as cloud-init 25.1 does (cloudinit/util.py get_hostname_fqdn,
 * cloudinit/distros/ug_util.py). What only cloud-init can know (jinja templates, MIME archives) is left out.
 */
export function expectationsOf(userData: string, metaData: string): BootExpectations {
  const config = mapping(readYamlSource(userData, 'user-data').value);
  const meta = mapping(readYamlSource(metaData, 'meta-data').value);
  const hostname = hostnameOf(config, meta);
  const users = list(config.users).flatMap((entry) => expectedUser(entry));
  return {
    ...(hostname === undefined ? {} : { hostname }),
    users,
    defaultUserKeys: fingerprints(config.ssh_authorized_keys),
  };
}

function hostnameOf(config: Mapping, meta: Mapping): string | undefined {
  if (config.preserve_hostname === true) return undefined;
  const name = text(config.hostname) ?? text(config.fqdn) ?? text(meta['local-hostname']);
  return name === undefined || name.includes('{{') ? undefined : name.split('.')[0];
}

function expectedUser(entry: unknown): readonly ExpectedUser[] {
  if (typeof entry === 'string') return entry === 'default' ? [] : [{ name: entry, keys: [] }];
  const user = mapping(entry);
  const name = text(user.name);
  if (name === undefined) return [];
  return [{ name, keys: fingerprints(user.ssh_authorized_keys ?? user['ssh-authorized-keys']) }];
}

function fingerprints(keys: unknown): readonly string[] {
  return list(keys).flatMap((key) => {
    const fingerprint = typeof key === 'string' ? sshFingerprint(key) : undefined;
    return fingerprint === undefined ? [] : [fingerprint];
  });
}

/** As `ssh-keygen -l` prints it; options may stand before the key. undefined when the line holds no public key. */
export function sshFingerprint(line: string): string | undefined {
  const blob = /(?:^|\s)(?:ssh-|ecdsa-|sk-)\S+\s+([A-Za-z0-9+/]+=*)/.exec(line)?.[1];
  if (blob === undefined) return undefined;
  const digest = createHash('sha256').update(Buffer.from(blob, 'base64')).digest('base64');
  return `SHA256:${digest.replace(/=+$/, '')}`;
}

type Mapping = Readonly<Record<string, unknown>>;

function mapping(value: unknown): Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Mapping) : {};
}

/** cloud-init takes a single value where it takes a list. */
function list(value: unknown): readonly unknown[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value : [value];
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
