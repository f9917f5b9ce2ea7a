import type { Problem } from '../errors.js';
import { describeFound } from '../config/wording.js';
import type { Path, YamlSource } from '../config/yaml-source.js';
import { problemsFromZod } from '../config/zod-problems.js';
import { asMapping, readSeedYaml, yamlFindings } from './cloud-init-yaml.js';
import type { CloudInitSchemas } from './cloud-init-schemas.js';
import { mergeFindings, NOTHING_FOUND, type Findings } from './findings.js';
import { networkV2 } from './network-v2-schema.js';
import { addressesOfVersion1, addressesOfVersion2, sameHardware } from './network-addresses.js';
import { problemsFromSchema } from './schema-problems.js';
import { isSecretPath } from './secrets.js';
import type { SeedFile } from './seed.js';
import { checkText, OTHER_LIMIT_BYTES } from './text-file.js';

/**
 * Checks a network-config, version 1 or 2, bare or under `network:`. Version 1 is checked by cloud-init's own schema
 * when `schemas` are at hand, version 2 by ours.
 *
 * Codes: those of checkText, readYamlSource, problemsFromZod, problemsFromSchema, and `network-empty`,
 * `network-version`, `network-unknown-device`, `wifi-ap-mode`, `address-invalid`, `network-duplicate-mac`,
 * `network-duplicate-address`; warnings `wifi-no-country`, `deprecated-key`, `gateway-outside`.
 */
export function checkNetworkConfig(file: SeedFile, schemas?: CloudInitSchemas): Findings {
  const asText = checkText(file, OTHER_LIMIT_BYTES);
  if (asText.problems.length > 0) return asText;
  const source = readSeedYaml(file);
  const asYaml = yamlFindings(source);
  if (asYaml.problems.length > 0) return mergeFindings(asText, asYaml);
  return mergeFindings(asText, asYaml, checkDocument(source, schemas));
}

function checkDocument(source: YamlSource, schemas: CloudInitSchemas | undefined): Findings {
  const document = asMapping(source.value);
  if (document === undefined) {
    const message = `a network-config must be a mapping, found ${describeFound(source.value, true)}`;
    const hint = 'Leave the file out to use DHCP on every wired port.';
    return problem({ code: 'network-empty', message, hint, file: source.file, ...source.locate([]) });
  }
  const wrapped = 'network' in document;
  const base: Path = wrapped ? ['network'] : [];
  const network = wrapped ? asMapping(document['network']) : document;
  if (wrapped && network === undefined) {
    return problem({ code: 'network-empty', message: '"network" is empty', file: source.file, ...source.locate(base) });
  }
  if (network?.['config'] === 'disabled') return NOTHING_FOUND;
  if (network?.['version'] === 1) {
    const bySchema =
      schemas === undefined
        ? NOTHING_FOUND
        : problemsFromSchema(schemas.networkV1(source.value), source, 'network-config');
    return mergeFindings(bySchema, addressesOfVersion1(below(source, base, network)));
  }
  if (network?.['version'] !== 2) return wrongVersion(source, base, network?.['version']);
  return checkVersion2(below(source, base, network));
}

function problem(found: Problem): Findings {
  return { problems: [found], warnings: [] };
}

function wrongVersion(source: YamlSource, base: Path, found: unknown): Findings {
  const message =
    found === undefined ? '"version" is missing' : `"version" must be the number 1 or 2, found ${describeFound(found)}`;
  const place = source.locate([...base, 'version']);
  return problem({ code: 'network-version', message, hint: 'Write "version: 2".', file: source.file, ...place });
}

/** The part of a source below a path, as if it were the whole. */
function below(source: YamlSource, base: Path, value: unknown): YamlSource {
  return { ...source, value, locate: (path, part) => source.locate([...base, ...path], part) };
}

function checkVersion2(source: YamlSource): Findings {
  const result = networkV2.safeParse(source.value);
  const problems = result.success
    ? []
    : problemsFromZod(result.error, source, source.file, { schema: networkV2, isSecret: isSecretPath });
  const addresses = addressesOfVersion2(source);
  return mergeFindings(addresses, {
    problems: [...problems, ...unknownDevices(source), ...accessPointMode(source), ...sameHardware(source)],
    warnings: [...noCountry(source), ...oldGateways(source)],
  });
}

const KINDS = [
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

function devicesOf(
  source: YamlSource,
  kinds: readonly string[],
): (readonly [Path, Readonly<Record<string, unknown>>])[] {
  const network = asMapping(source.value) ?? {};
  return kinds.flatMap((kind) =>
    Object.entries(asMapping(network[kind]) ?? {}).map(
      ([id, device]): readonly [Path, Readonly<Record<string, unknown>>] => [[kind, id], asMapping(device) ?? {}],
    ),
  );
}

/** Bonds, bridges and VLANs name other devices by their id; netplan refuses the whole file when one is not there. */
function unknownDevices(source: YamlSource): Problem[] {
  const ids = new Set(devicesOf(source, [...KINDS, 'nm-devices']).map(([path]) => path[1]));
  return devicesOf(source, ['bonds', 'bridges', 'vlans', 'vrfs']).flatMap(([path, device]) => {
    const named: readonly (readonly [Path, unknown])[] = [
      [[...path, 'link'], device['link']],
      ...listOf(device['interfaces']).map((id, index): readonly [Path, unknown] => [
        [...path, 'interfaces', index],
        id,
      ]),
    ];
    return named.flatMap(([place, id]): Problem[] => {
      if (typeof id !== 'string' || ids.has(id)) return [];
      const message = `there is no device "${id}" in this file`;
      const hint = `Define it, if only as "ethernets: {${id}: {}}".`;
      return [{ code: 'network-unknown-device', message, hint, file: source.file, ...source.locate(place) }];
    });
  });
}

/** networkd lets wpa_supplicant join networks only; netplan then refuses the whole file. */
function accessPointMode(source: YamlSource): Problem[] {
  const renderer = asMapping(source.value)?.['renderer'];
  return devicesOf(source, ['wifis']).flatMap(([path, device]) =>
    Object.entries(asMapping(device['access-points']) ?? {}).flatMap(([ssid, point]): Problem[] => {
      if (asMapping(point)?.['mode'] !== 'ap' || (device['renderer'] ?? renderer) === 'NetworkManager') return [];
      const place = source.locate([...path, 'access-points', ssid, 'mode']);
      const message =
        '"mode: ap" needs NetworkManager, which this image does not hold; networkd can only join networks';
      return [{ code: 'wifi-ap-mode', message, hint: 'Run hostapd for an access point.', file: source.file, ...place }];
    }),
  );
}

/** Without a country, the radio of a Pi stays on the few channels that are allowed everywhere, or off (rfkill). */
function noCountry(source: YamlSource): Problem[] {
  return devicesOf(source, ['wifis']).flatMap(([path, device]): Problem[] => {
    if ('regulatory-domain' in device) return [];
    const message = `"${path.join('.')}" has no "regulatory-domain"; channels 12, 13 and most of 5 GHz stay off`;
    const hint = 'Add "regulatory-domain: DE" with the code of your country.';
    return [{ code: 'wifi-no-country', message, hint, file: source.file, ...source.locate(path, 'key') }];
  });
}

function oldGateways(source: YamlSource): Problem[] {
  return devicesOf(source, KINDS).flatMap(([path, device]) =>
    ['gateway4', 'gateway6'].flatMap((key): Problem[] => {
      if (!(key in device)) return [];
      const place = source.locate([...path, key], 'key');
      const hint = 'Write "routes: [{to: default, via: …}]".';
      return [
        { code: 'deprecated-key', message: `"${key}" is deprecated in netplan`, hint, file: source.file, ...place },
      ];
    }),
  );
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
