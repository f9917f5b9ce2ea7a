import { rm, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { CommandError, UserError } from '../../errors.js';
import { pathExists } from '../../host/path-exists.js';
import type { Host } from '../../host/host.js';
import type { ToolsTree } from '../../tools/tools-tree.js';
import { runSigning } from '../signing-tools.js';
import { ROOT_CERTIFICATE, signerFile } from './key-folder.js';
import type { Token } from './token.js';
import { checkTokenUri, ENGINE_ARGUMENTS, pcscdFolder, tokenAccess } from './token.js';

/** How the private key of a signer is kept. */
export type SignerKeeping =
  | { readonly kind: 'file'; /** Undefined: not encrypted. */ readonly passphrase: string | undefined }
  | { readonly kind: 'token'; readonly token: Token; readonly pin: string };

export type SignerOptions = {
  readonly folder: string;
  readonly organization: string;
  readonly number: number;
  readonly rootKeyPath: string;
  readonly rootPassphrase: string;
  readonly signer: SignerKeeping;
  readonly signerYears: number;
};

/** No extended key usage: with one, RAUC would take the certificate only where that purpose is asked for. */
const EXTENSIONS = `basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature
subjectKeyIdentifier=hash
authorityKeyIdentifier=keyid`;

const ROOT_KEY_INSIDE = '/run/root.key';

/** Makes a signer's key, or takes that of a token, and has the root sign it. Throws UserError `token-failed`. */
export async function addSigner(options: SignerOptions, tools: ToolsTree, host: Host): Promise<void> {
  const { folder, organization, number, rootKeyPath, rootPassphrase, signer, signerYears } = options;
  const files = { key: signerFile(number, 'key'), certificate: signerFile(number, 'pem') };
  const { text, secret, mounts } = await requestOf(signer, files.key);
  try {
    await runSigning(
      {
        text: `umask 077
cd /mnt
${text}
echo '${EXTENSIONS}' >/run/extensions
openssl x509 -req -in /run/request -CA ${ROOT_CERTIFICATE} -CAkey ${ROOT_KEY_INSIDE} -passin env:S1 \\
  -days "$2" -extfile /run/extensions -out ${files.certificate}
chmod 644 ${files.certificate}`,
        words: [`/O=${organization}/CN=bundles ${number}`, Math.round(signerYears * 365.25).toString()],
        secrets: [rootPassphrase, secret],
        mounts: [
          { source: resolve(folder), target: '/mnt', writable: true },
          { source: rootKeyPath, target: ROOT_KEY_INSIDE },
          ...mounts,
        ],
      },
      tools,
      host,
    );
    if (signer.kind === 'token') await writeToken(resolve(folder, signerFile(number, 'uri')), signer.token);
  } catch (error) {
    for (const name of Object.values(files)) await rm(resolve(folder, name), { force: true });
    if (signer.kind === 'token' && error instanceof CommandError) throw tokenFailed(signer.token, error);
    throw error;
  }
}

/** Shell that leaves a certificate request in /run/request; "$1" is the subject, S2 the secret. */
async function requestOf(signer: SignerKeeping, keyName: string) {
  const request = 'openssl req -new -subj "$1" -out /run/request';
  if (signer.kind === 'token') {
    checkTokenUri(signer.token.uri);
    const { setup, mounts } = tokenAccess(signer.token, 'S2', await pathExists(pcscdFolder));
    const key = `'${signer.token.uri}?pin-source=file:/run/pin'`;
    const text = `${setup}\nprintf %s "$S2" >/run/pin\n${request} ${ENGINE_ARGUMENTS} -key ${key}`;
    return { text, secret: signer.pin, mounts };
  }
  const { passphrase } = signer;
  const make = 'openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256';
  const how = passphrase === undefined ? '' : ' -aes-256-cbc -pass env:S2';
  const open = passphrase === undefined ? '' : ' -passin env:S2';
  const text = `${make}${how} -out ${keyName}\n${request} -key ${keyName}${open}`;
  return { text, secret: passphrase ?? '', mounts: [] };
}

/** One line, and one more for what is needed to reach the token. */
async function writeToken(path: string, { uri, module }: Token): Promise<void> {
  await writeFile(path, `${uri}\nmodule=${module}\n`, { mode: 0o644 });
}

export function tokenFailed({ uri, module }: Token, cause: CommandError): UserError {
  return new UserError('token-failed', `The key ${uri} could not be used through ${module}`, {
    details: cause.details,
    hints: ['Is the token plugged in, the PIN right, the module the one of the token (--token-module)?'],
    cause,
  });
}
