import type { Problem } from '../../errors.js';
import type { Path, YamlSource } from '../../config/yaml-source.js';
import { asMapping } from '../yaml/cloud-init-yaml.js';
import { ssidOnDevice } from './ssid.js';
import { isWifiKey, wifiPasswordFault } from './wifi-key.js';
import type { Findings } from '../text/findings.js';
import { devicesOf, foundAt } from './netplan-devices.js';

type Values = Readonly<Record<string, unknown>>;
type Point = { readonly ssid: string; readonly path: Path; readonly values: Values; readonly isNetworkd: boolean };

/** Key managements whose password is a WPA passphrase. */
const PASSPHRASE = ['psk', 'psk-sha256', 'sae'];

/**
 * The Wi-Fi of a network-config of version 2, as netplan hands it to wpa_supplicant.
 *
 * Codes `invalid-value`, `wifi-ssid-backslash`, `wifi-sae-key`, `wifi-identity`, `wifi-ap-mode`; warnings
 * `wifi-no-country`, `wifi-two-passwords`, `wifi-no-password`, `wifi-channel-ignored`.
 */
export function wifiFindings(source: YamlSource): Findings {
  const points = pointsOf(source);
  const auths = authsOf(source, points);
  return {
    problems: [
      ...points.flatMap((point) => [...ssidFaults(source, point), ...accessPointMode(source, point)]),
      ...points.flatMap(({ path, values }) => passwordFaults(source, [...path, 'password'], values['password'])),
      ...auths.flatMap(({ path, values }) => authFaults(source, path, values)),
    ],
    warnings: [...noCountry(source), ...points.flatMap((point) => doubts(source, point))],
  };
}

function pointsOf(source: YamlSource): Point[] {
  return devicesOf(source, ['wifis']).flatMap(({ path, values, renderer }) =>
    Object.entries(asMapping(values['access-points']) ?? {}).map(([ssid, point]) => ({
      ssid,
      path: [...path, 'access-points', ssid],
      values: asMapping(point) ?? {},
      isNetworkd: renderer === 'networkd',
    })),
  );
}

/** Of access points, and of the wires and radios that log in themselves (802.1X). */
function authsOf(source: YamlSource, points: readonly Point[]): { readonly path: Path; readonly values: Values }[] {
  return [...points, ...devicesOf(source, ['ethernets', 'wifis'])].flatMap(({ path, values }) => {
    const auth = asMapping(values['auth']);
    return auth === undefined ? [] : [{ path: [...path, 'auth'], values: auth }];
  });
}

function ssidFaults(source: YamlSource, { ssid, path }: Point): Problem[] {
  const onDevice = ssidOnDevice(ssid);
  const sizeBytes = Buffer.byteLength(onDevice, 'latin1');
  if (sizeBytes === 0 || sizeBytes > 32) {
    const message = `the SSID ${JSON.stringify(ssid)} has ${sizeBytes} bytes; an SSID has 1 to 32 bytes`;
    return [foundAt(source, path, 'invalid-value', message, undefined, 'key')];
  }
  // A doubled backslash is how one is written; any other comes out as another name.
  const meant = ssid.replaceAll('\\\\', '\\');
  if (onDevice === Buffer.from(meant).toString('latin1')) return [];
  const shown = Buffer.from(onDevice, 'latin1').toString();
  const message = `wpa_supplicant would look for a Wi-Fi named ${JSON.stringify(shown)}, since a backslash means more to it`;
  const hint = `Write each backslash twice: '${ssid.replaceAll('\\', '\\\\')}'.`;
  return [foundAt(source, path, 'wifi-ssid-backslash', message, hint, 'key')];
}

/** networkd lets wpa_supplicant join networks only; netplan then refuses the whole file. */
function accessPointMode(source: YamlSource, { path, values, isNetworkd }: Point): Problem[] {
  if (values['mode'] !== 'ap' || !isNetworkd) return [];
  const message = '"mode: ap" needs NetworkManager, which this image does not hold; networkd can only join networks';
  return [foundAt(source, [...path, 'mode'], 'wifi-ap-mode', message, 'Run hostapd for an access point.')];
}

function passwordFaults(source: YamlSource, path: Path, password: unknown): Problem[] {
  const fault = typeof password === 'string' ? wifiPasswordFault(password) : undefined;
  if (fault === undefined) return [];
  return [foundAt(source, path, 'invalid-value', `"${path.join('.')}": the Wi-Fi password ${fault}`)];
}

function authFaults(source: YamlSource, path: Path, auth: Values): Problem[] {
  const { 'key-management': management, password } = auth;
  const problems: Problem[] = [];
  if (PASSPHRASE.includes(String(management))) {
    problems.push(...passwordFaults(source, [...path, 'password'], password));
    if (management === 'sae' && typeof password === 'string' && isWifiKey(password)) {
      const message = 'WPA3 ("sae") needs the passphrase itself; of 64 hex digits it cannot be made';
      problems.push(foundAt(source, [...path, 'password'], 'wifi-sae-key', message, 'Write the passphrase.'));
    }
  }
  for (const key of ['identity', 'anonymous-identity']) {
    const value = auth[key];
    if (typeof value !== 'string' || !value.includes('"')) continue;
    const message = `"${[...path, key].join('.')}" holds a quotation mark, which comes to wpa_supplicant with a backslash`;
    problems.push(foundAt(source, [...path, key], 'wifi-identity', message, 'Use an account without one.'));
  }
  return problems;
}

/** Without a country, the radio of a Pi stays on the few channels that are allowed everywhere, or off (rfkill). */
function noCountry(source: YamlSource): Problem[] {
  return devicesOf(source, ['wifis']).flatMap(({ path, values }): Problem[] => {
    if ('regulatory-domain' in values) return [];
    const message = `"${path.join('.')}" has no "regulatory-domain"; channels 12, 13 and most of 5 GHz stay off`;
    const hint = 'Add "regulatory-domain: DE" with the code of your country.';
    return [foundAt(source, path, 'wifi-no-country', message, hint, 'key')];
  });
}

function doubts(source: YamlSource, { ssid, path, values }: Point): Problem[] {
  const found: Problem[] = [];
  const auth = asMapping(values['auth']);
  if (auth !== undefined && 'password' in values) {
    const message = `the Wi-Fi "${ssid}" has a "password" and an "auth"; the first wins over the password in the second`;
    const hint = 'Move the password into "auth".';
    found.push(foundAt(source, [...path, 'password'], 'wifi-two-passwords', message, hint, 'key'));
  } else if (PASSPHRASE.includes(String(auth?.['key-management'])) && auth?.['password'] === undefined) {
    const message = `the Wi-Fi "${ssid}" is to be joined with a passphrase, and there is none`;
    found.push(foundAt(source, [...path, 'auth'], 'wifi-no-password', message, 'Add "password: …" to "auth".', 'key'));
  }
  if ('channel' in values && !('band' in values)) {
    const hint = 'Add "band: 2.4GHz" or "band: 5GHz".';
    const message = 'a "channel" without its "band" is ignored';
    found.push(foundAt(source, [...path, 'channel'], 'wifi-channel-ignored', message, hint, 'key'));
  }
  return found;
}
