import { Flags } from '@oclif/core';
import { readSecretFile } from '../host/secret-file.js';
import type { SignerKeeping } from '../updates/keys/add-signer.js';
import type { UsableSigner } from '../updates/keys/choose-signer.js';
import { chooseSigner } from '../updates/keys/choose-signer.js';
import { signerWarnings } from '../updates/keys/describe-keys.js';
import { readKeyFolder } from '../updates/keys/key-folder.js';
import { SIGNER_YEARS } from '../updates/keys/make-keys.js';
import type { TokenModule } from '../updates/keys/token.js';
import { checkTokenUri, TOKEN_MODULES } from '../updates/keys/token.js';
import { askNewSecret, askSecret } from './ask-secret.js';

const MOST_YEARS = 25;

/** How a command obtains the tools that sign. */
export const signingFlags = {
  mirror: Flags.string({ description: 'Debian mirror for the tools that sign', helpValue: 'URL' }),
  offline: Flags.boolean({ description: 'use no network: the tools must be in the store', default: false }),
};

/** How a new signer's key is kept. */
export const newSignerFlags = {
  'root-passphrase-file': Flags.string({
    description: 'passphrase of the root key, in the first line of a file; "-" is stdin [default: asked for]',
    helpValue: 'FILE',
  }),
  'signer-passphrase-file': Flags.string({
    description: "passphrase of the signer's key, in the first line of a file [default: asked for]",
    helpValue: 'FILE',
    exclusive: ['plain-signer', 'token'],
  }),
  'plain-signer': Flags.boolean({
    description: "do not encrypt the signer's key: for a build server that keeps its secrets itself",
    exclusive: ['token'],
  }),
  'signer-years': Flags.integer({
    description: 'how long the signer is valid',
    default: SIGNER_YEARS,
    min: 1,
    max: MOST_YEARS,
    helpValue: 'YEARS',
  }),
  token: Flags.string({
    description: 'take a key that is on a hardware token, by its PKCS#11 URI, instead of making one',
    helpValue: 'URI',
  }),
  'token-module': Flags.option({
    description: 'what talks to the token',
    options: TOKEN_MODULES,
    default: 'opensc' as const,
  })(),
};

/** How a command reaches a key that exists. */
export const tokenFlags = {
  'pin-file': Flags.string({
    description: 'PIN of the token, in the first line of a file; "-" is stdin [default: asked for]',
    helpValue: 'FILE',
  }),
  'token-folder': Flags.string({ description: "folder of SoftHSM's tokens", helpValue: 'DIR' }),
};

type SignerFlags = {
  readonly 'signer-passphrase-file': string | undefined;
  readonly 'plain-signer': boolean;
  readonly token: string | undefined;
  readonly 'token-module': TokenModule;
  readonly 'token-folder': string | undefined;
  readonly 'pin-file': string | undefined;
};

/** Throws what askNewSecret, readSecretFile and checkTokenUri throw. */
export async function newSigner(flags: SignerFlags, workingFolder: string): Promise<SignerKeeping> {
  const { token: uri } = flags;
  if (uri === undefined) {
    if (flags['plain-signer']) return { kind: 'file', passphrase: undefined };
    const file = flags['signer-passphrase-file'];
    const passphrase = await newSecret(
      "Passphrase of the signer's key",
      '--signer-passphrase-file',
      file,
      workingFolder,
    );
    return { kind: 'file', passphrase };
  }
  checkTokenUri(uri);
  const folder = flags['token-folder'];
  const token = { uri, module: flags['token-module'], ...(folder === undefined ? {} : { folder }) };
  return {
    kind: 'token',
    token,
    pin: await secret('PIN of the token', '--pin-file', flags['pin-file'], workingFolder),
  };
}

/** Throws what askNewSecret and readSecretFile throw. */
export async function newSecret(
  question: string,
  flag: string,
  file: string | undefined,
  workingFolder: string,
): Promise<string> {
  return file === undefined ? askNewSecret(question, `${flag} FILE`) : readSecretFile(file, workingFolder);
}

/** Throws what askSecret and readSecretFile throw. */
export async function secret(
  question: string,
  flag: string,
  file: string | undefined,
  workingFolder: string,
): Promise<string> {
  return file === undefined ? askSecret(question, `${flag} FILE`) : readSecretFile(file, workingFolder);
}

/** Which signer signs, and how its key is unlocked. */
export const signerFlags = {
  key: Flags.string({ required: true, description: 'folder of "keys new"', helpValue: 'DIR' }),
  signer: Flags.integer({ description: 'number of the signer [default: the newest]', min: 1, helpValue: 'N' }),
  'passphrase-file': Flags.string({
    description: 'passphrase of the signer\'s key, in the first line of a file; "-" is stdin [default: asked for]',
    helpValue: 'FILE',
  }),
  ...tokenFlags,
};

type ExistingSignerFlags = {
  readonly key: string;
  readonly signer: number | undefined;
  readonly 'passphrase-file': string | undefined;
  readonly 'pin-file': string | undefined;
  readonly 'token-folder': string | undefined;
};

/** A signer that may sign now, and what opens its key. Throws what readKeyFolder, chooseSigner and readSecretFile throw. */
export async function existingSigner(flags: ExistingSignerFlags, workingFolder: string) {
  const keys = await readKeyFolder(flags.key);
  const signer = chooseSigner(keys, new Date(), flags.signer);
  return {
    keys,
    signer,
    secret: await secretOf(signer, flags, workingFolder),
    tokenFolder: flags['token-folder'],
    warnings: signerWarnings(keys, signer, new Date()),
  };
}

async function secretOf({ key, number }: UsableSigner, flags: ExistingSignerFlags, workingFolder: string) {
  if (key.kind === 'token') return secret('PIN of the token', '--pin-file', flags['pin-file'], workingFolder);
  if (!key.isEncrypted) return undefined;
  const file = flags['passphrase-file'];
  return secret(`Passphrase of signer ${number}`, '--passphrase-file', file, workingFolder);
}
