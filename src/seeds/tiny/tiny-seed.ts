import type { Problem } from '../../errors.js';
import { readPlainScalar } from '../yaml/pyyaml-scalars.js';
import { userDataKind } from '../text/user-data-header.js';
import type { SeedFile } from '../text/seed.js';
import { OTHER_LIMIT_BYTES, USER_DATA_LIMIT_BYTES } from '../text/text-file.js';
import { networkReason, userDataReason } from './tiny-reasons.js';
import { readTinyNetwork, type TinyLink } from './tiny-network.js';
import { hostName, readTinyUserData, type TinyUserData } from './tiny-user-data.js';
import { TinyValues, type Budget, type Place } from './tiny-values.js';
import { readTinyYaml } from './tiny-yaml.js';

/** The files that a tiny system looks for; each may be missing, `vendorData` must be. */
export type TinySeedFiles = {
  readonly userData?: SeedFile;
  readonly metaData?: SeedFile;
  readonly networkConfig?: SeedFile;
  readonly vendorData?: SeedFile;
};

/** What the device does with a seed; names, keys and scripts are those that native/seed-reader.c writes down. */
export type TinySeed = {
  readonly userData: TinyUserData;
  readonly instanceId?: string;
  /** One label. */
  readonly hostname?: string;
  /** With a domain. */
  readonly fqdn?: string;
  /** [] where the network is off; without it every Ethernet interface uses DHCP. */
  readonly network?: readonly TinyLink[];
};

export type ReadTinySeed = { readonly seed: TinySeed; readonly problems: readonly Problem[] };

/**
 * Reads a seed as the device does. What is outside of the subset of docs/tiny-seed.md is a problem.
 * Codes: those of readTinyYaml and userDataKind, `tiny-seed-key`, `tiny-seed-value`.
 */
export function readTinySeed(files: TinySeedFiles): ReadTinySeed {
  const budget: Budget = { values: 0, bytes: 0 };
  const userData = readUserData(files.userData, budget);
  const metaData = readMetaData(files.metaData, budget);
  const network = readNetworkConfig(files.networkConfig, budget);
  const names = namesOf(userData.value, metaData.value.localHostname);
  return {
    seed: {
      userData: userData.value,
      ...(metaData.value.instanceId === undefined ? {} : { instanceId: metaData.value.instanceId }),
      ...names,
      ...(network.value === undefined ? {} : { network: network.value }),
    },
    problems: [...userData.problems, ...metaData.problems, ...network.problems, ...vendorData(files.vendorData)],
  };
}

type Read<Value> = { readonly value: Value; readonly problems: readonly Problem[] };

function readUserData(file: SeedFile | undefined, budget: Budget): Read<TinyUserData> {
  const value: TinyUserData = { sshKeys: [], timeServers: [], files: [] };
  if (file === undefined || /^[ \t\r\n]*$/.test(file.text)) return { value, problems: [] };
  const fault = file.text.startsWith('\uFEFF') ? undefined : headerFault(file);
  if (fault !== undefined) return { value, problems: [fault] };
  return readDocument(file, USER_DATA_LIMIT_BYTES, value, (source, problems) => {
    const values = new TinyValues(source, budget, userDataReason);
    const root = rootOf(values, 'user-data');
    const read = root === undefined ? value : readTinyUserData(root, values);
    problems.push(...values.problems);
    return read;
  });
}

function headerFault(file: SeedFile): Problem | undefined {
  if (/^#cloud-config[ \t]*(?:[\r\n]|$)/.test(file.text)) return undefined;
  const kind = userDataKind(file);
  if (typeof kind !== 'string') return kind;
  const message =
    kind === 'cloud-config'
      ? 'the first line must be "#cloud-config", and nothing else'
      : 'a tiny system reads a #cloud-config only: no script, no parts, no template';
  const hint =
    kind === 'cloud-config'
      ? 'Make it exactly that.'
      : 'Put a script into "runcmd" or "write_files" of a #cloud-config.';
  return { code: 'tiny-seed-key', message, hint, file: file.file, line: 1, column: 1 };
}

type MetaData = { readonly instanceId?: string | undefined; readonly localHostname?: string | undefined };

function readMetaData(file: SeedFile | undefined, budget: Budget): Read<MetaData> {
  if (file === undefined) return { value: {}, problems: [] };
  return readDocument<MetaData>(file, OTHER_LIMIT_BYTES, {}, (source, problems) => {
    const values = new TinyValues(source, budget, userDataReason);
    const root = rootOf(values, 'meta-data');
    const value: { instanceId?: string | undefined; localHostname?: string | undefined } = {};
    if (root !== undefined) {
      values.fields(root, {
        'instance-id': (place) => {
          value.instanceId = values.line(place);
        },
        'local-hostname': (place) => {
          value.localHostname = hostName(place, values);
        },
      });
    }
    problems.push(...values.problems);
    return value;
  });
}

function readNetworkConfig(file: SeedFile | undefined, budget: Budget): Read<TinySeed['network']> {
  if (file === undefined) return { value: undefined, problems: [] };
  return readDocument<TinySeed['network']>(file, OTHER_LIMIT_BYTES, undefined, (source, problems) => {
    const values = new TinyValues(source, budget, networkReason);
    const root = values.root('network-config');
    if (root === undefined) {
      const message = 'the file is empty';
      const hint = 'Leave the file out to use DHCP on every wired port.';
      problems.push({ code: 'network-empty', message, hint, file: file.file, line: 1, column: 1 });
      return undefined;
    }
    const value = readTinyNetwork(root, values);
    problems.push(...values.problems);
    return value;
  });
}

type Source = NonNullable<ReturnType<typeof readTinyYaml>['source']>;

function readDocument<Value>(
  file: SeedFile,
  limitBytes: number,
  otherwise: Value,
  read: (source: Source, problems: Problem[]) => Value,
): Read<Value> {
  const { source, problems } = readTinyYaml(file, limitBytes);
  if (source === undefined) return { value: otherwise, problems };
  const found: Problem[] = [];
  const value = read(source, found);
  return { value, problems: found };
}

/** undefined where nothing is written. */
function rootOf(values: TinyValues, name: string): Place | undefined {
  const root = values.root(name);
  const isNothing =
    root?.node.kind === 'scalar' &&
    (root.node.style === 'absent' || (root.node.style === 'plain' && readPlainScalar(root.node.text).kind === 'null'));
  return isNothing ? undefined : root;
}

/** As cloud-init's get_hostname_fqdn: `hostname`, the first label of `fqdn`, local-hostname of the meta-data. */
function namesOf({ hostname, fqdn }: TinyUserData, local: string | undefined): Pick<TinySeed, 'hostname' | 'fqdn'> {
  const given = hostname ?? fqdn ?? local;
  if (given === undefined) return {};
  const whole = fqdn ?? given;
  const label = given.split('.')[0] ?? given;
  return { hostname: label, ...(whole.includes('.') ? { fqdn: whole } : {}) };
}

function vendorData(file: SeedFile | undefined): Problem[] {
  if (file === undefined || /^[ \t\r\n]*$/.test(file.text)) return [];
  const message = 'a tiny system reads no vendor-data';
  const hint = 'Put what it says into user-data.';
  return [{ code: 'tiny-seed-key', message, hint, file: file.file, line: 1, column: 1 }];
}
