import type { X509Certificate } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from '../../host/network-fault.js';
import { UserError } from '../../errors.js';
import { parseCertificates } from './certificate.js';
import type { Token } from './token.js';
import { checkTokenUri, TOKEN_MODULES } from './token.js';

/** Names in a key folder. The keyring of the devices is `root.pem`. */
export const ROOT_CERTIFICATE = 'root.pem';
export const ROOT_KEY = 'root.key';
export const signerFile = (number: number, kind: 'pem' | 'key' | 'uri'): string => `signer-${number}.${kind}`;

/** Where the private key of a signer is. */
export type PrivateKeyPlace =
  | { readonly kind: 'file'; readonly path: string; readonly isEncrypted: boolean }
  | { readonly kind: 'token'; readonly token: Token };

export type Signer = {
  readonly number: number;
  readonly certificate: X509Certificate;
  readonly certificatePath: string;
  /** Undefined: the folder has only the certificate. */
  readonly key?: PrivateKeyPlace;
};

export type KeyFolder = {
  readonly folder: string;
  readonly root: X509Certificate;
  readonly rootPath: string;
  /** Undefined where it was taken away, as it should be. */
  readonly rootKey?: PrivateKeyPlace & { readonly kind: 'file' };
  /** By number; the newest last. */
  readonly signers: readonly Signer[];
};

/**
 * Reads a folder of `keys new`. Throws UserError `keys-missing` (no such folder, or no root certificate in it),
 * `keys-without-certificate` (a signer's key without its certificate), `certificate-invalid`.
 */
export async function readKeyFolder(folder: string): Promise<KeyFolder> {
  const names = await readdir(folder).catch((cause: unknown) => {
    throw new UserError('keys-missing', `${folder} is not a folder of keys (${systemCode(cause) ?? 'unknown'})`, {
      hints: [`Make keys first: reswarm-os keys new ${folder}`],
      cause,
    });
  });
  if (!names.includes(ROOT_CERTIFICATE)) {
    throw new UserError('keys-missing', `${folder} has no ${ROOT_CERTIFICATE}: it is not a folder of keys`, {
      hints: [`Make keys first: reswarm-os keys new ${folder}`],
    });
  }
  const rootPath = join(folder, ROOT_CERTIFICATE);
  const rootKey = names.includes(ROOT_KEY) ? await keyFile(join(folder, ROOT_KEY)) : undefined;
  return {
    folder,
    root: await certificateIn(rootPath),
    rootPath,
    ...(rootKey === undefined ? {} : { rootKey }),
    signers: await readSigners(folder, names),
  };
}

async function readSigners(folder: string, names: readonly string[]): Promise<readonly Signer[]> {
  const numbers = [...new Set(names.flatMap((name) => /^signer-(\d+)\.(?:pem|key|uri)$/.exec(name)?.[1] ?? []))];
  return Promise.all(
    numbers
      .map(Number)
      .sort((a, b) => a - b)
      .map((number) => readSigner(folder, number, names)),
  );
}

async function readSigner(folder: string, number: number, names: readonly string[]): Promise<Signer> {
  const certificatePath = join(folder, signerFile(number, 'pem'));
  if (!names.includes(signerFile(number, 'pem'))) {
    throw new UserError(
      'keys-without-certificate',
      `${folder} has the key of signer ${number} and no certificate of it`,
      {
        hints: [
          `Put ${signerFile(number, 'pem')} beside it, or remove the key and make another signer: reswarm-os keys renew ${folder}`,
        ],
      },
    );
  }
  const key = await signerKey(folder, number, names);
  return {
    number,
    certificate: await certificateIn(certificatePath),
    certificatePath,
    ...(key === undefined ? {} : { key }),
  };
}

async function signerKey(
  folder: string,
  number: number,
  names: readonly string[],
): Promise<PrivateKeyPlace | undefined> {
  if (names.includes(signerFile(number, 'key'))) return keyFile(join(folder, signerFile(number, 'key')));
  if (!names.includes(signerFile(number, 'uri'))) return undefined;
  return { kind: 'token', token: await tokenIn(join(folder, signerFile(number, 'uri'))) };
}

/** Says only whether the file is encrypted: what it holds is read by the program that uses it. */
export async function keyFile(path: string): Promise<PrivateKeyPlace & { readonly kind: 'file' }> {
  const text = await readText(path);
  if (!/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text)) {
    throw new UserError('key-invalid', `${path} holds no private key`, {
      hints: ['It must be PEM: "-----BEGIN ENCRYPTED PRIVATE KEY-----" and the lines after it.'],
    });
  }
  return { kind: 'file', path, isEncrypted: /ENCRYPTED/.test(text) };
}

/** What `keys new` wrote: the URI, and a line `module=NAME`. */
async function tokenIn(path: string): Promise<Token> {
  const [uri = '', ...lines] = (await readText(path)).split('\n');
  checkTokenUri(uri);
  const named = lines.find((line) => line.startsWith('module='))?.slice('module='.length);
  return { uri, module: TOKEN_MODULES.find((module) => module === named) ?? 'opensc' };
}

async function certificateIn(path: string): Promise<X509Certificate> {
  const [certificate] = parseCertificates(await readText(path), path);
  if (certificate === undefined) throw new TypeError(`${path} has no certificate`);
  return certificate;
}

async function readText(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((cause: unknown) => {
    throw new UserError('key-file-unreadable', `${path} cannot be read (${systemCode(cause) ?? 'unknown'})`, { cause });
  });
}
