import { mkdir, readdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { UserError } from '../../errors.js';
import type { Host } from '../../host/host.js';
import type { ToolsTree } from '../../tools/tools-tree.js';
import { runSigning } from '../signing-tools.js';
import type { SignerKeeping } from './add-signer.js';
import { addSigner } from './add-signer.js';
import type { KeyFolder } from './key-folder.js';
import { keyFile, readKeyFolder, ROOT_CERTIFICATE, ROOT_KEY } from './key-folder.js';
import { openPrivateKey, requirePair } from './private-key.js';

/** Devices know the root for as long as they live; a signer is renewed without touching them. */
export const ROOT_YEARS = 25;
export const SIGNER_YEARS = 5;
/** The six leap days of 25 years. */
const ROOT_DAYS = ROOT_YEARS * 365 + 6;

const ROOT_SCRIPT = `umask 077
cd /mnt
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -aes-256-cbc -pass env:S1 -out ${ROOT_KEY}
openssl req -x509 -new -key ${ROOT_KEY} -passin env:S1 -subj "$1" -days ${ROOT_DAYS} -out ${ROOT_CERTIFICATE} \\
  -addext basicConstraints=critical,CA:TRUE,pathlen:0 -addext keyUsage=critical,keyCertSign,cRLSign
chmod 644 ${ROOT_CERTIFICATE}`;

export type NewKeysOptions = {
  /** Made when it is not there; must be empty. */
  readonly folder: string;
  /** In the name of every certificate. */
  readonly organization: string;
  readonly rootPassphrase: string;
  readonly signer: SignerKeeping;
  readonly signerYears: number;
};

/**
 * Makes a root that signs nothing but signers, and the first signer. Throws what checkNewKeys throws, and UserError
 * `token-failed`.
 */
export async function makeKeys(options: NewKeysOptions, tools: ToolsTree, host: Host): Promise<KeyFolder> {
  const { folder, organization, rootPassphrase } = options;
  await checkNewKeys(options);
  const made = await mkdir(folder, { recursive: true, mode: 0o700 });
  try {
    const mounts = [{ source: resolve(folder), target: '/mnt', writable: true }];
    const words = [`/O=${organization}/CN=update root`];
    await runSigning({ text: ROOT_SCRIPT, words, secrets: [rootPassphrase], mounts }, tools, host);
    await addSigner({ ...options, number: 1, rootKeyPath: resolve(folder, ROOT_KEY) }, tools, host);
    return await readKeyFolder(folder);
  } catch (error) {
    // Half a set of keys is worse than none.
    for (const name of await readdir(folder)) await rm(join(folder, name), { force: true });
    if (made !== undefined) await rm(made, { recursive: true, force: true });
    throw error;
  }
}

/** Before anything is asked or made. Throws UserError `keys-exist`, `organization-invalid`. */
export async function checkNewKeys({
  folder,
  organization,
}: Pick<NewKeysOptions, 'folder' | 'organization'>): Promise<void> {
  if (!/^[\p{L}\p{N}][\p{L}\p{N} .,_-]{0,60}$/u.test(organization)) {
    throw new UserError('organization-invalid', `"${organization}" cannot be the name of an organization`, {
      hints: ['Letters, digits, spaces and . , _ - may be in it.'],
    });
  }
  const names = await readdir(folder).catch((cause: unknown) => {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw new UserError('keys-exist', `${folder} is not a folder`, { hints: ['Name a new folder.'], cause });
  });
  if (names.length === 0) return;
  throw new UserError('keys-exist', `${folder} is not empty; keys are never written over`, {
    hints: [`Name a new folder, or make another signer in this one: reswarm-os keys renew ${folder}`],
  });
}

export type RenewOptions = {
  readonly folder: string;
  readonly rootKeyPath: string;
  readonly rootPassphrase: string;
  readonly signer: SignerKeeping;
  readonly signerYears: number;
};

/** The root's key, for a new signer. Throws UserError `root-key-missing`, `key-invalid`, and what readKeyFolder throws. */
export async function rootKeyOf(folder: string, elsewhere?: string): Promise<string> {
  const { rootKey } = await readKeyFolder(folder);
  if (elsewhere !== undefined) return (await keyFile(resolve(elsewhere))).path;
  if (rootKey !== undefined) return resolve(rootKey.path);
  throw new UserError('root-key-missing', `${folder} has no ${ROOT_KEY}, and only the root can make a signer`, {
    hints: ['Name the place where it is kept: --root-key /media/stick/root.key'],
  });
}

/**
 * Adds a signer with the next number; devices need nothing new. Throws UserError `passphrase-wrong`, `key-mismatch`
 * (not the key of this root), `token-failed`.
 */
export async function renewKeys(options: RenewOptions, tools: ToolsTree, host: Host): Promise<KeyFolder> {
  const { folder, rootKeyPath, rootPassphrase } = options;
  const { signers, root, rootPath } = await readKeyFolder(folder);
  requirePair(await openPrivateKey(rootKeyPath, rootPassphrase), root, rootKeyPath, `the root ${rootPath}`);
  const organization = /^O=(.*)$/m.exec(root.subject)?.[1] ?? 'reswarm-os';
  const number = (signers.at(-1)?.number ?? 0) + 1;
  await addSigner({ ...options, organization, number }, tools, host);
  return readKeyFolder(folder);
}
