import { createHash } from 'node:crypto';
import { asMapping, readSeedYaml } from '../yaml/cloud-init-yaml.js';
import { AUTOMATIC_INSTANCE_ID } from './meta-data.js';
import { sha512Crypt } from '../passwords/sha512-crypt.js';
import { hashClearTextPasswords, type PasswordHash } from '../passwords/passwords.js';
import type { Seed, SeedFile, SeedFiles } from '../text/seed.js';
import { applyEdits } from '../yaml/text-edit.js';
import { setTopLevel } from '../yaml/yaml-edit.js';

/**
 * The texts as the device gets them: lines end in LF, passwords are hashes, and `instance-id: auto` is a digest of the
 * seed's content: the same seed is the same instance, a changed one is new and is applied again. For files that
 * checkSeed has no problems with.
 */
export function finishSeed(files: SeedFiles, hash: PasswordHash = sha512Crypt): Seed {
  const metaData = withUnixLines(files.metaData);
  const userData = hashClearTextPasswords(withUnixLines(files.userData), metaData.text, hash);
  const networkConfig = files.networkConfig === undefined ? undefined : withUnixLines(files.networkConfig).text;
  const content = [userData.text, metaData.text, networkConfig ?? null];
  const digest = createHash('sha256').update(JSON.stringify(content)).digest('hex');
  return {
    userData: userData.text,
    metaData: withInstanceId(metaData, `reswarm-${digest.slice(0, 16)}`),
    ...(networkConfig === undefined ? {} : { networkConfig }),
  };
}

function withInstanceId(metaData: SeedFile, id: string): string {
  const source = readSeedYaml(metaData);
  if (asMapping(source.value)?.['instance-id'] !== AUTOMATIC_INSTANCE_ID) return metaData.text;
  const edit = setTopLevel(source, 'instance-id', id);
  return edit === undefined ? metaData.text : applyEdits(metaData.text, [edit]);
}

function withUnixLines(file: SeedFile): SeedFile {
  return { ...file, text: file.text.replaceAll('\r\n', '\n') };
}
