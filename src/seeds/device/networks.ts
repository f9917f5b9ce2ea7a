import { isDeepStrictEqual } from 'node:util';
import type { Json } from '../../model/json.js';
import type { Problem } from '../../errors.js';
import { asMapping, readSeedYaml } from '../yaml/cloud-init-yaml.js';
import { SEED_FILE_NAMES, type SeedFile } from '../text/seed.js';
import { applyEdits } from '../yaml/text-edit.js';
import { blockYaml, rootMapping } from '../yaml/yaml-edit.js';
import { followAlias, pairOf } from '../../config/yaml-nodes.js';
import type { DeviceNetwork, DeviceWifi, WifiAccount } from './device-identity.js';
import { ssidForNetplan } from '../network/ssid.js';
import { isWifiKey, wifiKey, wifiPasswordFault } from '../network/wifi-key.js';

type Mapping = Readonly<Record<string, unknown>>;
type NetworkStep = { readonly file: SeedFile | undefined; readonly problems: readonly Problem[] };

const DEFAULT_WIFI = 'wlan0';
const DEFAULT_WIRED = 'eth0';

/**
 * Works Wi-Fi networks and a fixed address into a network-config of version 2. Where it has no `wifis` yet, they are
 * added to the text; otherwise the file is written anew, and its comments are lost.
 */
export function withNetworks(
  file: SeedFile | undefined,
  wifi: readonly DeviceWifi[],
  network: DeviceNetwork | undefined,
): NetworkStep {
  if (wifi.length === 0 && network === undefined) return { file, problems: [] };
  const problems = wifi.flatMap(faults);
  if (problems.length > 0) return { file, problems };
  const source = file === undefined ? undefined : readSeedYaml(file);
  // What cannot be read is reported by checkSeed.
  if (source !== undefined && source.problems.length > 0) return { file, problems: [] };
  const document = asMapping(source?.value) ?? {};
  const isWrapped = 'network' in document;
  const before = (isWrapped ? asMapping(document['network']) : document) ?? {};
  const isFresh = before['config'] === 'disabled' || Object.keys(before).length === 0;
  if (!isFresh && before['version'] !== 2) {
    const place = source?.locate([]) ?? {};
    const message = 'Wi-Fi and addresses can be worked into a network-config of version 2 only';
    const hint = 'Rewrite it as version 2, or put them into it yourself.';
    return { file, problems: [{ code: 'identity-needs-network-v2', message, hint, file: file?.file ?? '', ...place }] };
  }
  const current: Mapping = isFresh ? { version: 2, ethernets: wiredByDhcp(network) } : before;
  const after = withAddress(withWifi(current, wifi), network);
  if (!isFresh && isDeepStrictEqual(after, before)) return { file, problems: [] };
  const name = file?.file ?? SEED_FILE_NAMES.networkConfig;
  const inserted = file === undefined || isFresh ? undefined : insertWifis(file, isWrapped, before, after);
  return {
    file: inserted ?? { file: name, text: blockYaml((isWrapped ? { network: after } : after) as Json) },
    problems: [],
  };
}

function faults({ ssid, password, wpa3, account }: DeviceWifi): Problem[] {
  const sizeBytes = Buffer.byteLength(ssid);
  const ssidFault = sizeBytes === 0 || sizeBytes > 32 ? `has ${sizeBytes} bytes; 1 to 32 are allowed` : undefined;
  const passwordFault =
    account === undefined ? passphraseFault(password, wpa3 === true) : accountFault(account, password);
  return [
    ...(ssidFault === undefined
      ? []
      : [{ code: 'wifi-ssid-invalid', message: `The Wi-Fi name ${JSON.stringify(ssid)} ${ssidFault}` }]),
    ...(passwordFault === undefined
      ? []
      : [
          {
            code: 'wifi-password-invalid',
            message: `The ${account === undefined ? 'passphrase' : 'account'} of the Wi-Fi "${ssid}" ${passwordFault}`,
          },
        ]),
  ];
}

function passphraseFault(password: string | undefined, isWpa3: boolean): string | undefined {
  if (isWpa3 && password === undefined) return 'is missing: WPA3 needs one';
  if (isWpa3 && password !== undefined && isWifiKey(password)) return 'is a key; WPA3 needs the passphrase itself';
  return password === undefined ? undefined : wifiPasswordFault(password);
}

/** netplan hands both to wpa_supplicant in quotes, one of them with quotes escaped. */
function accountFault({ identity }: WifiAccount, password: string | undefined): string | undefined {
  if (password === undefined) return 'needs a password';
  if (/["\p{Cc}]/u.test(identity) || identity === '') return 'has an identity that is empty or holds a quotation mark';
  if (/\p{Cc}/u.test(password)) return 'has a password that holds a control character, such as a line end';
  return undefined;
}

function wiredByDhcp(network: DeviceNetwork | undefined): Mapping {
  if (network !== undefined && network.interface !== DEFAULT_WIFI) return {};
  return { wired: { match: { name: 'e*' }, dhcp4: true, optional: true } };
}

function withWifi(network: Mapping, wifi: readonly DeviceWifi[]): Mapping {
  if (wifi.length === 0) return network;
  const devices = asMapping(network['wifis']) ?? {};
  const id = onlyKey(devices) ?? DEFAULT_WIFI;
  const device = asMapping(devices[id]) ?? { dhcp4: true, optional: true };
  const country = wifi.find((one) => one.country !== undefined)?.country ?? device['regulatory-domain'];
  const points = Object.fromEntries(
    wifi.map((one) => [
      ssidForNetplan(one.ssid),
      { ...loginOf(one), ...(one.hidden === true ? { hidden: true } : {}) },
    ]),
  );
  const next = {
    ...device,
    ...(country === undefined ? {} : { 'regulatory-domain': country }),
    'access-points': points,
  };
  return { ...network, wifis: { ...devices, [id]: next } };
}

function loginOf({ ssid, password, wpa3, account }: DeviceWifi): Mapping {
  if (account !== undefined) {
    const { identity, method = 'peap', caCertificate } = account;
    const login = { 'key-management': 'eap', method, identity, password };
    const inner = method === 'pwd' ? {} : { 'phase2-auth': 'MSCHAPV2' };
    return {
      auth: { ...login, ...inner, ...(caCertificate === undefined ? {} : { 'ca-certificate': caCertificate }) },
    };
  }
  if (password === undefined) return {};
  return wpa3 === true ? { auth: { 'key-management': 'sae', password } } : { password: wifiKey(ssid, password) };
}

function withAddress(network: Mapping, wanted: DeviceNetwork | undefined): Mapping {
  if (wanted === undefined) return network;
  const wifis = asMapping(network['wifis']) ?? {};
  const kind = wanted.interface !== undefined && wanted.interface in wifis ? 'wifis' : 'ethernets';
  const devices = asMapping(network[kind]) ?? {};
  const id = wanted.interface ?? onlyKey(devices) ?? DEFAULT_WIRED;
  const device = asMapping(devices[id]) ?? { optional: true };
  const routes = [
    ...(wanted.gateway === undefined ? [] : [{ to: 'default', via: wanted.gateway }]),
    ...(wanted.routes ?? []).map(({ to, via }) => ({ to, via })),
  ];
  // Of a protocol without a fixed address, what the network itself gives stays.
  const isFixed = wanted.addresses.some((address) => !address.includes(':'));
  const next = {
    ...device,
    dhcp4: isFixed ? false : (device['dhcp4'] ?? true),
    addresses: [...wanted.addresses],
    ...(routes.length === 0 ? {} : { routes }),
    ...(wanted.nameservers === undefined ? {} : { nameservers: { addresses: [...wanted.nameservers] } }),
  };
  return { ...network, [kind]: { ...devices, [id]: next } };
}

function onlyKey(devices: Mapping): string | undefined {
  const ids = Object.keys(devices);
  return ids.length === 1 ? ids[0] : undefined;
}

/** The text as it is, with `wifis` at its end; undefined where more than that is new. */
function insertWifis(file: SeedFile, isWrapped: boolean, before: Mapping, after: Mapping): SeedFile | undefined {
  const { wifis, ...others } = after;
  if ('wifis' in before || !isDeepStrictEqual(others, before)) return undefined;
  const source = readSeedYaml(file);
  const root = rootMapping(source);
  const pair = isWrapped && root !== undefined ? pairOf(root, 'network') : undefined;
  const mapping = pair === undefined ? root : followAlias(pair.value);
  const first = mapping?.kind === 'mapping' && !mapping.flow ? mapping.pairs[0] : undefined;
  if (first === undefined) return undefined;
  const lineStart = file.text.lastIndexOf('\n', first.key.start - 1) + 1;
  const indent = file.text.slice(lineStart, first.key.start);
  if (indent.trim() !== '') return undefined;
  const lines = blockYaml({ wifis } as Json)
    .trimEnd()
    .split('\n')
    .map((line) => `${indent}${line}\n`);
  const edit = { start: lineStart, end: lineStart, replacement: lines.join('') };
  return { ...file, text: applyEdits(file.text, [edit]) };
}
