import { dirname, resolve } from 'node:path';
import type { Problem } from '../../errors.js';
import { isSecretPath } from '../../seeds/text/secrets.js';
import { readYamlSource, type Path, type YamlSource } from '../../config/yaml-source.js';
import { problemsFromZod } from '../../config/zod-problems.js';
import { readCsvEntries } from './csv-entries.js';
import { below, type DeviceEntries, type DeviceEntry } from './device-entry.js';
import { defaultsFor, mergeValues, unknownPlaceholders, withAbsolutePaths } from './device-values.js';
import type { FleetDevice, Place, ReadFleet } from './fleet.js';
import { deviceSchema, fleetSchema, type DefaultValues } from './fleet-schema.js';
import { readFleetText } from './fleet-text.js';
import { readFlockEntries } from './flock-entries.js';

/**
 * Reads a fleet: a YAML file, a CSV file, or a folder of .flock files. What is wrong with the lists themselves is found
 * here; what is wrong between devices, or with the files that they name, is for others to say.
 *
 * Codes: those of readFleetText, readYamlSource, problemsFromZod, readCsvEntries, readFlockEntries, and `fleet-empty`,
 * `fleet-unknown-placeholder`; warnings `fleet-world-readable`.
 */
export async function readFleet(path: string): Promise<ReadFleet> {
  const file = resolve(path);
  const read = await readFleetText(file);
  if (read.kind === 'problem') return unread(file, [read.problem]);
  if (read.kind === 'folder') return assemble(file, NO_DEFAULTS, await readFlockEntries(file), dirname(file));
  if (isTable(file)) {
    return assemble(
      file,
      NO_DEFAULTS,
      readCsvEntries(read.text, file),
      dirname(file),
      read.worldReadable ? [file] : [],
    );
  }
  const source = readYamlSource(read.text, file);
  if (source.problems.length > 0) return unread(file, source.problems);
  if (source.value === undefined || source.value === null) {
    const hint = 'Write "devices:" and below it one "- name: …" for each device.';
    return unread(file, [{ code: 'fleet-empty', message: 'there is nothing in this file', hint, file }]);
  }
  const parsed = fleetSchema.safeParse(source.value);
  if (!parsed.success) {
    return unread(file, problemsFromZod(parsed.error, source, file, { schema: fleetSchema, isSecret: isSecretPath }));
  }
  const { defaults = {}, devices } = parsed.data;
  const given: Defaults = {
    values: withAbsolutePaths(defaults, dirname(file)),
    source: below(source, ['defaults'], defaults),
    problems: unknownPlaceholders(defaults).map((placeholder) => unknownPlaceholder(placeholder, source, defaults)),
  };
  const open = read.worldReadable ? [file] : [];
  if (typeof devices !== 'string') {
    const entries = devices.map((value, index) => ({ value, source: below(source, ['devices', index], value) }));
    return assemble(file, given, { entries, problems: [] }, dirname(file), open);
  }
  const list = resolve(dirname(file), devices);
  const listed = await readFleetText(list);
  if (listed.kind === 'problem') {
    const { message } = listed.problem;
    const shown =
      listed.problem.line === undefined
        ? { ...listed.problem, file, ...source.locate(['devices']), message: `"devices" names ${devices}: ${message}` }
        : listed.problem;
    return unread(file, [shown]);
  }
  return listed.kind === 'folder'
    ? assemble(file, given, await readFlockEntries(list), list, open)
    : assemble(file, given, readCsvEntries(listed.text, list), dirname(list), [
        ...open,
        ...(listed.worldReadable ? [list] : []),
      ]);
}

type Defaults = {
  readonly values: DefaultValues;
  readonly source: YamlSource | undefined;
  readonly problems: readonly Problem[];
};

const NO_DEFAULTS: Defaults = { values: {}, source: undefined, problems: [] };

function isTable(file: string): boolean {
  return /\.(csv|tsv|txt)$/i.test(file);
}

function unread(path: string, problems: readonly Problem[]): ReadFleet {
  return { fleet: { path, devices: [] }, problems, warnings: [] };
}

/** @param openFiles files among those read that everybody on this machine may read */
function assemble(
  path: string,
  defaults: Defaults,
  { entries, problems }: DeviceEntries,
  folder: string,
  openFiles: readonly string[] = [],
): ReadFleet {
  const found: Problem[] = [...defaults.problems, ...problems];
  const devices: FleetDevice[] = [];
  for (const entry of entries) {
    const device = toDevice(entry, defaults, folder);
    if ('problems' in device) found.push(...device.problems);
    else devices.push(device);
  }
  const secretive = [...new Set(devices.flatMap(secretPlaces))].filter((file) => openFiles.includes(file));
  return { fleet: { path, devices }, problems: found, warnings: secretive.map(worldReadable) };
}

function toDevice(
  entry: DeviceEntry,
  defaults: Defaults,
  folder: string,
): FleetDevice | { readonly problems: readonly Problem[] } {
  const { source, row } = entry;
  const parsed = deviceSchema.safeParse(entry.value);
  if (!parsed.success) {
    const problems = problemsFromZod(parsed.error, source, source.file, {
      schema: deviceSchema,
      isSecret: isSecretPath,
    });
    return { problems: row === undefined ? problems : problems.map((one) => inRow(one, row)) };
  }
  const own = withAbsolutePaths(parsed.data, folder);
  const { name } = own;
  const place = (path: Path): Place => {
    const holder =
      defaults.source !== undefined && !has(own, path) && has(defaults.values, path) ? defaults.source : source;
    return { file: holder.file, ...holder.locate(path) };
  };
  return {
    name,
    values: mergeValues(defaultsFor(name, defaults.values), own),
    has: (path) => has(own, path),
    place,
    ...(row === undefined ? {} : { row }),
  };
}

function inRow(problem: Problem, row: number): Problem {
  return { ...problem, message: `row ${row}: ${problem.message}` };
}

function has(values: unknown, path: Path): boolean {
  let current = values;
  for (const segment of path) {
    if (typeof current !== 'object' || current === null || !Object.hasOwn(current, segment)) return false;
    current = (current as Readonly<Record<string | number, unknown>>)[segment];
  }
  return current !== undefined;
}

/** Files that hold a passphrase, a key or a hash of this device. */
function secretPlaces(device: FleetDevice): string[] {
  const { wifi, user } = device.values;
  return [
    ...(wifi?.passphrase === undefined ? [] : [device.place(['wifi', 'passphrase']).file]),
    ...(wifi?.psk === undefined ? [] : [device.place(['wifi', 'psk']).file]),
    ...(user?.['password-hash'] === undefined ? [] : [device.place(['user', 'password-hash']).file]),
  ];
}

function worldReadable(file: string): Problem {
  return {
    code: 'fleet-world-readable',
    message: 'this file holds secrets, and everybody on this machine may read it',
    hint: `chmod 600 ${file}   (or keep them in files of their own: wifi.passphrase-file, user.password-file)`,
    file,
  };
}

function unknownPlaceholder(placeholder: string, source: YamlSource, defaults: DefaultValues): Problem {
  const key = Object.entries(defaults).find(([, value]) => JSON.stringify(value).includes(placeholder))?.[0];
  return {
    code: 'fleet-unknown-placeholder',
    message: `${placeholder} stands for nothing`,
    hint: 'Only {name} is replaced, by the name of the device.',
    file: source.file,
    ...source.locate(key === undefined ? ['defaults'] : ['defaults', key]),
  };
}
