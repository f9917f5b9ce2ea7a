import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { checkSeed } from '../seeds/check-seed.js';
import type { CloudInitSchemas } from '../seeds/cloud-init-schemas.js';
import { asMapping, readSeedYaml } from '../seeds/cloud-init-yaml.js';
import type { Finding, Findings } from '../seeds/findings.js';
import { mergeFindings, NOTHING_FOUND, withSeverity } from '../seeds/findings.js';
import { loginWarnings } from '../seeds/login/login-warnings.js';
import { checkMetaData } from '../seeds/meta-data.js';
import { checkNetworkConfig } from '../seeds/network-config.js';
import { readDefaultSeed } from '../seeds/read-seed.js';
import type { SeedFile } from '../seeds/seed.js';
import { SEED_FILE_NAMES } from '../seeds/seed.js';
import { OTHER_LIMIT_BYTES, readSeedFile, USER_DATA_LIMIT_BYTES } from '../seeds/text-file.js';
import { checkUserData } from '../seeds/user-data.js';
import type { Problem } from '../errors.js';
import { UserError } from '../errors.js';
import type { Host } from '../host/host.js';
import { checkDeviceFile, isDeviceFile } from './check-device-file.js';
import type { FoundSeedFile, SeedKind } from './seed-places.js';
import { kindByName, missingFiles, seedKinds, seedOfImage, VENDOR_DATA, wrongNames } from './seed-places.js';

export type SeedCheckOptions = {
  readonly workingFolder: string;
  /** Files, whose kind their names or their contents say, and folders that hold a seed. */
  readonly paths: readonly string[];
  /** Files whose kind a person said. */
  readonly named: Readonly<Partial<Record<SeedKind, string>>>;
  /** Check the seed that lies in an image, packed or not, or on a card. */
  readonly image?: string;
  /** Warnings count as errors. */
  readonly strict: boolean;
  readonly schemas: CloudInitSchemas;
  /** Holds the seed that images have by default (`cloud-init/`): a device file is worked into it. */
  readonly defaultsFolder: string;
};

export type SeedCheck = {
  readonly files: readonly { readonly file: string; readonly kind: SeedKind | 'device' | 'vendorData' }[];
  readonly findings: readonly Finding[];
  readonly errors: number;
  readonly warnings: number;
  readonly valid: boolean;
};

/** Throws UserError `seed-nothing-to-check`, and what withRawImage and openBootPartition throw; all else is a finding. */
export async function checkSeedFiles(options: SeedCheckOptions, host: Host): Promise<SeedCheck> {
  const unreadable: Problem[] = [];
  const warnings: Problem[] = [];
  const image =
    options.image === undefined
      ? undefined
      : await seedOfImage(resolve(options.workingFolder, options.image), options.image, host);
  // On a card a seed that is not whole is no seed; in a folder it may be meant to be put together with another.
  if (image !== undefined) {
    unreadable.push(...missingFiles(image));
    warnings.push(...wrongNames(image), ...image.warnings);
  }
  const devicePaths = options.paths.filter(isDeviceFile);
  const devices = await readAll(devicePaths, options, unreadable);
  const paths = options.paths.filter((path) => !isDeviceFile(path));
  const vendorData = [
    ...(image?.vendorData === undefined ? [] : [image.vendorData]),
    ...(await readAll(await vendorDataIn(paths, options.workingFolder), options, unreadable)),
  ];
  const found: FoundSeedFile[] = [
    ...(image?.found ?? []),
    ...(await namedFiles(options, unreadable)),
    ...(await listedFiles({ ...options, paths }, unreadable, warnings)),
  ];
  const count = found.length + devices.length + vendorData.length;
  if (count + unreadable.length + warnings.length === 0) {
    throw new UserError('seed-nothing-to-check', 'There is no user-data, meta-data or network-config here', {
      hints: ['Name files, a folder that holds them, or an image with --image.'],
    });
  }
  // What nobody can check must not pass for checked.
  const aside =
    count === 0 ? { problems: [...unreadable, ...warnings], warnings: [] } : { problems: unreadable, warnings };
  const defaults = devices.length === 0 ? undefined : await readDefaultSeed(options.defaultsFolder);
  const ofDevices = devices.map((file) =>
    defaults === undefined ? NOTHING_FOUND : checkDeviceFile(file, defaults, options.schemas),
  );
  const judged = judge(found, vendorData, options.schemas);
  const findings = withSeverity(mergeFindings(aside, judged, ...ofDevices));
  const shown = options.strict ? findings.map((finding): Finding => ({ ...finding, severity: 'error' })) : findings;
  const errors = shown.filter(({ severity }) => severity === 'error').length;
  return {
    files: [
      ...found.map(({ kind, file }) => ({ kind, file: file.file })),
      ...vendorData.map(({ file }) => ({ kind: 'vendorData' as const, file })),
      ...devices.map(({ file }) => ({ kind: 'device' as const, file })),
    ],
    findings: shown,
    errors,
    warnings: shown.length - errors,
    valid: errors === 0,
  };
}

/** One of each kind is one device's seed, whose files are also compared with each other. */
function judge(found: readonly FoundSeedFile[], vendorData: readonly SeedFile[], schemas: CloudInitSchemas): Findings {
  const ofVendors = vendorData.map((file) => checkUserData(file, schemas));
  const vendor = vendorData.length === 1 ? vendorData[0] : undefined;
  const only = (kind: SeedKind): SeedFile | undefined => {
    const ofKind = found.filter((one) => one.kind === kind);
    return ofKind.length === 1 ? ofKind[0]?.file : undefined;
  };
  const [userData, metaData, networkConfig] = [only('userData'), only('metaData'), only('networkConfig')];
  if (userData !== undefined && metaData !== undefined && found.length <= 3) {
    const files = { userData, metaData, ...(networkConfig === undefined ? {} : { networkConfig }) };
    return mergeFindings(checkSeed(files, schemas, vendor), ...ofVendors);
  }
  return mergeFindings(...ofVendors, ...found.map((one) => checkOne(one, schemas)));
}

function checkOne({ kind, file }: FoundSeedFile, schemas: CloudInitSchemas): Findings {
  if (kind === 'userData') return checkUserDataAlone(file, schemas);
  return kind === 'metaData' ? checkMetaData(file) : checkNetworkConfig(file, schemas);
}

function checkUserDataAlone(file: SeedFile, schemas: CloudInitSchemas): Findings {
  const own = checkUserData(file, schemas);
  if (own.problems.length > 0) return own;
  return mergeFindings(own, { problems: [], warnings: loginWarnings(file) });
}

async function readAll(
  paths: readonly string[],
  options: SeedCheckOptions,
  problems: Problem[],
): Promise<readonly SeedFile[]> {
  const files = await Promise.all(paths.map((path) => readOne(path, 'userData', options, problems)));
  return files.filter((file) => file !== undefined);
}

/** cloud-init reads vendor-data from where the user-data is; it is a user-data that counts for less. */
async function vendorDataIn(paths: readonly string[], workingFolder: string): Promise<string[]> {
  const found = await Promise.all(
    paths.map(async (path) => {
      if (basename(path) === VENDOR_DATA) return path;
      const inside = join(path, VENDOR_DATA);
      const isFile = (await stat(resolve(workingFolder, inside)).catch(() => undefined))?.isFile() === true;
      return isFile ? inside : undefined;
    }),
  );
  return found.filter((path) => path !== undefined);
}

async function namedFiles(options: SeedCheckOptions, problems: Problem[]): Promise<FoundSeedFile[]> {
  const found: FoundSeedFile[] = [];
  for (const kind of seedKinds()) {
    const path = options.named[kind];
    const file = path === undefined ? undefined : await readOne(path, kind, options, problems);
    if (file !== undefined) found.push({ kind, file });
  }
  return found;
}

async function listedFiles(
  options: SeedCheckOptions,
  problems: Problem[],
  warnings: Problem[],
): Promise<FoundSeedFile[]> {
  const found: FoundSeedFile[] = [];
  for (const path of options.paths) {
    if (basename(path) === VENDOR_DATA) continue;
    const absolute = resolve(options.workingFolder, path);
    const isFolder = (await stat(absolute).catch(() => undefined))?.isDirectory() === true;
    const paths = isFolder ? await seedsIn(absolute, options.workingFolder) : [path];
    const here: FoundSeedFile[] = [];
    for (const one of paths) {
      const file = await readOne(one, kindByName(one) ?? 'userData', options, problems);
      if (file === undefined) continue;
      const kind = kindByName(one) ?? kindByContent(file);
      if (kind !== undefined) here.push({ kind, file });
      else warnings.push(unknownKind(file));
    }
    if (isFolder && here.length > 0 && problems.length === 0) {
      const exact = here.filter(({ kind, file }) => basename(file.file) === SEED_FILE_NAMES[kind]);
      const names = here.map(({ file }) => basename(file.file));
      const place = { prefix: `${dirname(here[0]?.file.file ?? path)}/`, found: exact, names };
      warnings.push(...missingFiles({ ...place, found: here }), ...wrongNames(place));
    }
    found.push(...here);
  }
  return found;
}

async function seedsIn(folder: string, workingFolder: string): Promise<string[]> {
  const names = (await readdir(folder)).filter((name) => kindByName(name) !== undefined && !name.endsWith('~'));
  return names.toSorted().map((name) => relative(workingFolder, join(folder, name)));
}

async function readOne(
  path: string,
  kind: SeedKind,
  { workingFolder }: SeedCheckOptions,
  problems: Problem[],
): Promise<SeedFile | undefined> {
  const limit = kind === 'userData' ? USER_DATA_LIMIT_BYTES : OTHER_LIMIT_BYTES;
  const result = await readSeedFile(resolve(workingFolder, path), limit);
  if ('file' in result) return { ...result.file, file: path };
  problems.push({ ...result.problem, file: path });
  return undefined;
}

/** For files with names of their own; undefined where nothing tells. */
function kindByContent(file: SeedFile): SeedKind | undefined {
  if (/^\uFEFF?\s*(#cloud-config|#!|#include|#cloud-boothook|#part-handler|## template)/i.test(file.text))
    return 'userData';
  const value = asMapping(readSeedYaml(file).value);
  if (value === undefined) return undefined;
  if ('instance-id' in value || 'instance_id' in value || 'local-hostname' in value) return 'metaData';
  if ('network' in value || 'ethernets' in value || 'wifis' in value || 'version' in value) return 'networkConfig';
  // Most likely a user-data whose first line is missing.
  return 'userData';
}

function unknownKind({ file }: SeedFile): Problem {
  const message = 'neither the name nor the content says what this is; it is not checked';
  const hint = 'Say it with --user-data, --meta-data or --network-config; a user-data begins with "#cloud-config".';
  return { code: 'seed-kind-unknown', message, hint, file, line: 1, column: 1 };
}
