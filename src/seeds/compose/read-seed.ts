import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Problem } from '../../errors.js';
import type { SeedInputs } from './compose-seed.js';
import { SEED_FILE_NAMES, type SeedFile, type SeedFiles } from '../text/seed.js';
import { SSH_KEY_TYPES } from '../text/ssh-key.js';
import { OTHER_LIMIT_BYTES, readSeedFile, USER_DATA_LIMIT_BYTES } from '../text/text-file.js';

/** What a person gave: paths, and for `sshKeys` paths or keys themselves. */
export type SeedOptions = {
  readonly userData?: string;
  readonly metaData?: string;
  readonly networkConfig?: string;
  readonly hostname?: string;
  readonly sshKeys?: readonly string[];
};

/**
 * Reads the files that the options name, and the defaults. Codes: those of readSeedFile, `ssh-key-empty`.
 *
 * @param defaultsFolder holds user-data, meta-data and network-config (`cloud-init/` of this project)
 */
export async function readSeedInputs(
  options: SeedOptions,
  defaultsFolder: string,
): Promise<{ readonly inputs: SeedInputs; readonly problems: readonly Problem[] }> {
  const problems: Problem[] = [];
  const read = async (path: string | undefined, limitBytes: number): Promise<SeedFile | undefined> => {
    if (path === undefined) return undefined;
    const result = await readSeedFile(path, limitBytes);
    if ('file' in result) return result.file;
    problems.push(result.problem);
    return undefined;
  };
  const defaults = await readDefaultSeed(defaultsFolder);
  const userData = await read(options.userData, USER_DATA_LIMIT_BYTES);
  const metaData = await read(options.metaData, OTHER_LIMIT_BYTES);
  const networkConfig = await read(options.networkConfig, OTHER_LIMIT_BYTES);
  const sshKeys: string[] = [];
  for (const keyOrPath of options.sshKeys ?? []) {
    const file = isKey(keyOrPath) ? { file: '', text: keyOrPath } : await read(keyOrPath, OTHER_LIMIT_BYTES);
    const keys = keyLines(file?.text ?? '');
    if (file !== undefined && keys.length === 0) {
      problems.push({ code: 'ssh-key-empty', message: 'there is no ssh key in this file', file: file.file });
    }
    sshKeys.push(...keys);
  }
  const inputs: SeedInputs = {
    defaults,
    ...(userData === undefined ? {} : { userData }),
    ...(metaData === undefined ? {} : { metaData }),
    ...(networkConfig === undefined ? {} : { networkConfig }),
    ...(options.hostname === undefined ? {} : { hostname: options.hostname }),
    ...(sshKeys.length === 0 ? {} : { sshKeys }),
  };
  return { inputs, problems };
}

/** The seed that every image gets where nothing else is asked for. */
export async function readDefaultSeed(folder: string): Promise<SeedFiles> {
  const [userData, metaData, networkConfig] = await Promise.all(
    [SEED_FILE_NAMES.userData, SEED_FILE_NAMES.metaData, SEED_FILE_NAMES.networkConfig].map(async (name) => {
      return { file: `cloud-init/${name}`, text: await readFile(join(folder, name), 'utf8') };
    }),
  );
  if (userData === undefined || metaData === undefined || networkConfig === undefined)
    throw new TypeError('three files are read');
  return { userData, metaData, networkConfig };
}

function isKey(text: string): boolean {
  return SSH_KEY_TYPES.includes(text.trim().split(/\s+/)[0] ?? '') || text.includes('PRIVATE KEY');
}

/** A private key is one thing, however many lines it has: it is refused as such, and none of its lines is shown. */
function keyLines(text: string): string[] {
  if (text.includes('PRIVATE KEY')) return [text];
  return text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
}
