import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { asMapping, readSeedYaml } from '../seeds/yaml/cloud-init-yaml.js';
import type { SeedFile } from '../seeds/text/seed.js';
import { SEED_FILE_NAMES } from '../seeds/text/seed.js';
import { OTHER_LIMIT_BYTES, readSeedFile, USER_DATA_LIMIT_BYTES } from '../seeds/text/text-file.js';
import type { Problem } from '../errors.js';
import type { FoundSeedFile, SeedKind } from './seed-places.js';
import { kindByName, missingFiles, seedKinds, VENDOR_DATA, wrongNames } from './seed-places.js';

/** What a person named on the command line. */
export type SeedPaths = {
  readonly workingFolder: string;
  /** Files, whose kind their names or their contents say, and folders that hold a seed. */
  readonly paths: readonly string[];
  /** Files whose kind a person said. */
  readonly named: Readonly<Partial<Record<SeedKind, string>>>;
};

export async function readAll(
  paths: readonly string[],
  options: SeedPaths,
  problems: Problem[],
): Promise<readonly SeedFile[]> {
  const files = await Promise.all(paths.map((path) => readOne(path, 'userData', options, problems)));
  return files.filter((file) => file !== undefined);
}

/** cloud-init reads vendor-data from where the user-data is; it is a user-data that counts for less. */
export async function vendorDataIn(paths: readonly string[], workingFolder: string): Promise<string[]> {
  const isFile = async (path: string): Promise<boolean> =>
    (await stat(resolve(workingFolder, path)).catch(() => undefined))?.isFile() === true;
  const found = await Promise.all(
    paths.map(async (path) => {
      const inside = join(path, VENDOR_DATA);
      return isVendorData(path) && (await isFile(path)) ? path : (await isFile(inside)) ? inside : undefined;
    }),
  );
  return found.filter((path) => path !== undefined);
}

function isVendorData(path: string): boolean {
  return basename(path) === VENDOR_DATA;
}

export async function namedFiles(options: SeedPaths, problems: Problem[]): Promise<FoundSeedFile[]> {
  const found: FoundSeedFile[] = [];
  for (const kind of seedKinds()) {
    const path = options.named[kind];
    const file = path === undefined ? undefined : await readOne(path, kind, options, problems);
    if (file !== undefined) found.push({ kind, file });
  }
  return found;
}

export async function listedFiles(
  options: SeedPaths,
  problems: Problem[],
  warnings: Problem[],
): Promise<FoundSeedFile[]> {
  const found: FoundSeedFile[] = [];
  for (const path of options.paths) {
    const absolute = resolve(options.workingFolder, path);
    const isFolder = (await stat(absolute).catch(() => undefined))?.isDirectory() === true;
    if (isVendorData(path) && !isFolder) continue;
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
  { workingFolder }: SeedPaths,
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
