import type { Problem } from '../../errors.js';
import type { Path, YamlSource } from '../../config/yaml-source.js';
import { asMapping } from '../yaml/cloud-init-yaml.js';

type Values = Readonly<Record<string, unknown>>;

/** One device of a network-config of version 2. */
export type NetplanDevice = {
  readonly kind: string;
  readonly id: string;
  readonly path: Path;
  readonly values: Values;
  readonly renderer: 'networkd' | 'NetworkManager';
};

/** The kinds whose devices become interfaces. */
export const DEVICE_KINDS = [
  'ethernets',
  'wifis',
  'bonds',
  'bridges',
  'vlans',
  'vrfs',
  'dummy-devices',
  'virtual-ethernets',
  'tunnels',
  'modems',
];

/** The devices of these kinds; a `renderer` among their ids counts for all of that kind. */
export function devicesOf(source: YamlSource, kinds: readonly string[]): NetplanDevice[] {
  const network = asMapping(source.value) ?? {};
  return kinds.flatMap((kind) => {
    const { renderer, ...devices } = asMapping(network[kind]) ?? {};
    return Object.entries(devices).map(([id, device]): NetplanDevice => {
      const values = asMapping(device) ?? {};
      const wanted = values['renderer'] ?? renderer ?? network['renderer'];
      return {
        kind,
        id,
        path: [kind, id],
        values,
        renderer: wanted === 'NetworkManager' || kind === 'nm-devices' ? 'NetworkManager' : 'networkd',
      };
    });
  });
}

/** The document without the `renderer` of its kinds, which is no device. */
export function withoutKindRenderers(value: unknown): unknown {
  const network = asMapping(value);
  if (network === undefined) return value;
  const entries = Object.entries(network).map(([kind, group]): [string, unknown] => {
    const devices = asMapping(group);
    if (devices === undefined || kind === 'openvswitch') return [kind, group];
    return [kind, Object.fromEntries(Object.entries(devices).filter(([id]) => id !== 'renderer'))];
  });
  return Object.fromEntries(entries);
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** A finding at a place of the text. */
export function foundAt(
  source: YamlSource,
  path: Path,
  code: string,
  message: string,
  hint?: string,
  part: 'key' | 'value' = 'value',
): Problem {
  return { code, message, ...(hint === undefined ? {} : { hint }), file: source.file, ...source.locate(path, part) };
}
