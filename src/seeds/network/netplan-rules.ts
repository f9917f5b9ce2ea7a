import type { Problem } from '../../errors.js';
import type { Path, YamlSource } from '../../config/yaml-source.js';
import { asMapping } from '../yaml/cloud-init-yaml.js';
import type { Findings } from '../text/findings.js';
import { DEVICE_KINDS, devicesOf, foundAt, listOf, type NetplanDevice } from './netplan-devices.js';

/** What netplan finds between the keys of a file that are right each for itself (its src/validation.c, src/networkd.c). */

type Rule = (source: YamlSource) => readonly Problem[];

const PROBLEM_RULES: readonly Rule[] = [
  kindRenderers,
  unknownDevices,
  sameIdTwice,
  memberTwice,
  specialMac,
  matchless,
  routes,
  policies,
  pairs,
  addressGeneration,
  networkManagerSettings,
  openvswitch,
];
const WARNING_RULES: readonly Rule[] = [otherRenderer, oldGateways];

/**
 * Codes `network-unknown-device`, `network-id-twice`, `network-renderer`, `network-match`, `route-incomplete`,
 * `route-family`, `network-openvswitch`, `modem-renderer`, `invalid-value`; warnings `network-renderer`,
 * `deprecated-key`.
 */
export function netplanRules(source: YamlSource): Findings {
  return {
    problems: PROBLEM_RULES.flatMap((rule) => rule(source)),
    warnings: WARNING_RULES.flatMap((rule) => rule(source)),
  };
}

function kindRenderers(source: YamlSource): Problem[] {
  return DEVICE_KINDS.flatMap((kind): Problem[] => {
    const renderer = asMapping(asMapping(source.value)?.[kind])?.['renderer'];
    if (renderer === undefined || renderer === 'networkd' || renderer === 'NetworkManager') return [];
    const message = `"${kind}.renderer" must be "networkd" or "NetworkManager"`;
    return [foundAt(source, [kind, 'renderer'], 'invalid-value', message)];
  });
}

/** Bonds, bridges and VLANs name other devices by their id; netplan refuses the whole file when one is not there. */
function unknownDevices(source: YamlSource): Problem[] {
  const ids = new Set(devicesOf(source, [...DEVICE_KINDS, 'nm-devices']).map(({ id }) => id));
  return devicesOf(source, DEVICE_KINDS).flatMap((device) =>
    referencesOf(device).flatMap(([place, id]): Problem[] => {
      if (typeof id !== 'string' || ids.has(id)) return [];
      const message = `there is no device "${id}" in this file`;
      const hint = `Define it, if only as "ethernets: {${id}: {}}".`;
      return [foundAt(source, place, 'network-unknown-device', message, hint)];
    }),
  );
}

function referencesOf({ path, values }: NetplanDevice): (readonly [Path, unknown])[] {
  const parameters = asMapping(values['parameters']) ?? {};
  const byName = ['path-cost', 'port-priority'].flatMap((key) =>
    Object.keys(asMapping(parameters[key]) ?? {}).map((id): [Path, unknown] => [[...path, 'parameters', key, id], id]),
  );
  return [
    [[...path, 'link'], values['link']],
    [[...path, 'peer'], values['peer']],
    [[...path, 'parameters', 'primary'], parameters['primary']],
    ...listOf(values['interfaces']).map((id, index): [Path, unknown] => [[...path, 'interfaces', index], id]),
    ...byName,
  ];
}

function sameIdTwice(source: YamlSource): Problem[] {
  const seen = new Map<string, NetplanDevice>();
  return devicesOf(source, DEVICE_KINDS).flatMap((device): Problem[] => {
    const first = seen.get(device.id);
    seen.set(device.id, first ?? device);
    if (first === undefined) return [];
    const message = `"${device.id}" is there twice: it already stands under "${first.kind}"; netplan refuses the whole file`;
    return [foundAt(source, device.path, 'network-id-twice', message, 'Keep one, or give them different ids.', 'key')];
  });
}

/** An interface is a member of one bond and one bridge at most. */
function memberTwice(source: YamlSource): Problem[] {
  return ['bonds', 'bridges'].flatMap((kind) => {
    const seen = new Map<unknown, string>();
    return devicesOf(source, [kind]).flatMap(({ id, path, values }) =>
      listOf(values['interfaces']).flatMap((member, index): Problem[] => {
        const first = seen.get(member);
        seen.set(member, first ?? id);
        if (first === undefined || first === id) return [];
        const message = `"${String(member)}" belongs to "${first}" already; netplan refuses the whole file`;
        return [foundAt(source, [...path, 'interfaces', index], 'network-id-twice', message)];
      }),
    );
  });
}

/** The other words are NetworkManager's. */
function specialMac(source: YamlSource): Problem[] {
  return devicesOf(source, DEVICE_KINDS).flatMap(({ kind, path, values, renderer }): Problem[] => {
    const word = values['macaddress'];
    const needsOther = word === 'preserve' || word === 'stable' || word === 'stable-ssid';
    if (!needsOther || (renderer === 'NetworkManager' && (word !== 'stable-ssid' || kind === 'wifis'))) return [];
    const message = `"macaddress: ${word}" needs NetworkManager${word === 'stable-ssid' ? ' and a Wi-Fi' : ''}`;
    const hint = 'Write an address, "permanent" or "random".';
    return [foundAt(source, [...path, 'macaddress'], 'network-renderer', message, hint)];
  });
}

function matchless(source: YamlSource): Problem[] {
  return devicesOf(source, ['ethernets', 'wifis', 'modems']).flatMap((device): Problem[] => {
    const { kind, path, values, renderer } = device;
    if ('set-name' in values && !('match' in values)) {
      const message = `"${path.join('.')}" has a "set-name" and no "match": netplan refuses the whole file`;
      return [foundAt(source, [...path, 'set-name'], 'network-match', message, 'Add "match: {macaddress: …}".', 'key')];
    }
    if (kind === 'wifis' && 'match' in values && renderer === 'networkd') {
      const message = 'a Wi-Fi cannot be found by "match" with networkd, only by its interface\'s name';
      const hint = 'Remove "match" and call the device by its interface, mostly "wlan0".';
      return [foundAt(source, [...path, 'match'], 'network-match', message, hint, 'key')];
    }
    if (kind === 'modems' && renderer === 'networkd') {
      const message = 'modems need NetworkManager; networkd does not know them, and netplan refuses the whole file';
      return [
        foundAt(source, path, 'modem-renderer', message, 'Add "renderer: NetworkManager" and its package.', 'key'),
      ];
    }
    return [];
  });
}

function routes(source: YamlSource): Problem[] {
  return devicesOf(source, DEVICE_KINDS).flatMap(({ path, values }) =>
    listOf(values['routes']).flatMap((item, index): Problem[] => {
      const route = asMapping(item) ?? {};
      const place = [...path, 'routes', index];
      const families = new Set(['from', 'to', 'via'].flatMap((key) => familyOf(route[key]) ?? []));
      if (families.size > 1) {
        const message = 'a route goes either through IPv4 or through IPv6; here "to", "via" and "from" are of both';
        return [foundAt(source, place, 'route-family', message)];
      }
      const fault = routeFault(route);
      return fault === undefined ? [] : [foundAt(source, place, 'route-incomplete', `a route of this kind ${fault}`)];
    }),
  );
}

function routeFault(route: Readonly<Record<string, unknown>>): string | undefined {
  const lower = (key: string): string | undefined => {
    const value = route[key];
    return typeof value === 'string' ? value.toLowerCase() : undefined;
  };
  const type = lower('type') ?? 'unicast';
  const isLinked = ['broadcast', 'multicast', 'anycast'].includes(type) || (type === 'unicast' && !('via' in route));
  const scope = lower('scope') ?? (['local', 'nat'].includes(type) ? 'host' : isLinked ? 'link' : 'global');
  if (!('to' in route)) return 'needs a "to"';
  if (type === 'unicast' && scope === 'global' && !('via' in route)) return 'needs a "via"';
  return undefined;
}

function policies(source: YamlSource): Problem[] {
  return devicesOf(source, DEVICE_KINDS).flatMap(({ path, values }) =>
    listOf(values['routing-policy']).flatMap((item, index): Problem[] => {
      const policy = asMapping(item) ?? {};
      const place = [...path, 'routing-policy', index];
      const families = new Set(['from', 'to'].flatMap((key) => familyOf(policy[key]) ?? []));
      if (families.size > 1) {
        return [foundAt(source, place, 'route-family', '"from" and "to" are one of IPv4 and one of IPv6')];
      }
      if ('from' in policy || 'to' in policy) return [];
      return [foundAt(source, place, 'route-incomplete', 'a routing policy needs a "from" or a "to"')];
    }),
  );
}

function familyOf(address: unknown): 4 | 6 | undefined {
  if (typeof address !== 'string' || address === 'default') return undefined;
  return address.includes(':') ? 6 : 4;
}

/** Virtual ethernets come in pairs that name each other. */
function pairs(source: YamlSource): Problem[] {
  const all = devicesOf(source, DEVICE_KINDS);
  return devicesOf(source, ['virtual-ethernets']).flatMap(({ id, path, values }): Problem[] => {
    const other = all.find((device) => device.id === values['peer']);
    if (other === undefined || (other.kind === 'virtual-ethernets' && other.values['peer'] === id)) return [];
    const message = `"${other.id}" is not the other end of "${id}": it must be a virtual-ethernet with "peer: ${id}"`;
    return [foundAt(source, [...path, 'peer'], 'invalid-value', message)];
  });
}

function addressGeneration(source: YamlSource): Problem[] {
  return devicesOf(source, DEVICE_KINDS).flatMap(({ path, values }): Problem[] => {
    if (!('ipv6-address-generation' in values && 'ipv6-address-token' in values)) return [];
    const message = '"ipv6-address-generation" and "ipv6-address-token" exclude each other';
    return [foundAt(source, [...path, 'ipv6-address-token'], 'invalid-value', message, 'Keep one of them.', 'key')];
  });
}

function networkManagerSettings(source: YamlSource): Problem[] {
  const kinds = [...DEVICE_KINDS, 'nm-devices'];
  return devicesOf(source, kinds).flatMap(({ kind, path, values, renderer }): Problem[] => {
    const settings = asMapping(values['networkmanager']);
    if (kind === 'nm-devices' && asMapping(settings?.['passthrough'])?.['connection.type'] === undefined) {
      const message = 'a device of "nm-devices" needs "networkmanager: {passthrough: {connection.type: …}}"';
      return [foundAt(source, path, 'network-renderer', message, undefined, 'key')];
    }
    const points = Object.values(asMapping(values['access-points']) ?? {});
    const isUsed = settings !== undefined || points.some((point) => asMapping(point)?.['networkmanager'] !== undefined);
    if (!isUsed || renderer === 'NetworkManager') return [];
    const message = `"${path.join('.')}" holds settings of NetworkManager, but its renderer is networkd`;
    return [foundAt(source, path, 'network-renderer', message, 'Remove "networkmanager".', 'key')];
  });
}

function openvswitch(source: YamlSource): Problem[] {
  const message = 'this needs Open vSwitch, which this image does not hold; netplan refuses the whole file';
  const uses = devicesOf(source, DEVICE_KINDS).flatMap(({ path, values }): Path[] =>
    values['openvswitch'] === undefined ? [] : [[...path, 'openvswitch']],
  );
  const ports = listOf(asMapping(asMapping(source.value)?.['openvswitch'])?.['ports']);
  if (ports.length > 0) uses.push(['openvswitch', 'ports']);
  return uses.map((path) => foundAt(source, path, 'network-openvswitch', message, 'Use a bridge of Linux.', 'key'));
}

function otherRenderer(source: YamlSource): Problem[] {
  const isOther = ({ renderer }: NetplanDevice): boolean => renderer === 'NetworkManager';
  const [first, ...others] = devicesOf(source, [...DEVICE_KINDS, 'nm-devices']).filter(isOther);
  const isGlobal = asMapping(source.value)?.['renderer'] === 'NetworkManager';
  if (first === undefined && !isGlobal) return [];
  const names = first === undefined ? 'devices' : [first, ...others].map(({ id }) => `"${id}"`).join(', ');
  const message = `${names} would be left to NetworkManager, which this image does not hold: nothing sets them up`;
  const hint = 'Remove "renderer: NetworkManager", or build with the package network-manager.';
  const own = first === undefined ? [] : [...first.path, 'renderer'];
  return [foundAt(source, isGlobal ? ['renderer'] : own, 'network-renderer', message, hint, 'key')];
}

function oldGateways(source: YamlSource): Problem[] {
  return devicesOf(source, DEVICE_KINDS).flatMap(({ path, values }) =>
    ['gateway4', 'gateway6'].flatMap((key): Problem[] => {
      if (!(key in values)) return [];
      const hint = 'Write "routes: [{to: default, via: …}]".';
      return [foundAt(source, [...path, key], 'deprecated-key', `"${key}" is deprecated in netplan`, hint, 'key')];
    }),
  );
}
