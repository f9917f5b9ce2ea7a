import { resolve } from 'node:path';
import { pathExists } from '../../host/path-exists.js';
import { CommandError, UserError } from '../../errors.js';
import type { Host } from '../../host/host.js';
import type { Mount } from '../../model/sandbox.js';
import type { ToolsTree } from '../../tools/tools-tree.js';
import { runSigning } from '../signing-tools.js';
import type { UsableSigner } from './choose-signer.js';
import type { KeyFolder } from './key-folder.js';
import { openPrivateKey, requirePair } from './private-key.js';
import { ENGINE_ARGUMENTS, pcscdFolder, tokenAccess } from './token.js';

/** What a script inside the sandbox needs to sign: the key is unlocked there only, in memory. */
export type OpenedSigner = {
  /** Shell that comes first; the passphrase or PIN is S1. */
  readonly setup: string;
  readonly secret: string;
  readonly mounts: readonly Mount[];
  /** Paths and words inside. */
  readonly certificate: string;
  readonly root: string;
  /** For rauc: a path, or the token's URI. */
  readonly raucKey: string;
  /** For openssl, as arguments of a shell. */
  readonly opensslKey: string;
};

const INSIDE = { certificate: '/run/signer.pem', root: '/run/root.pem', key: '/run/signer.key' } as const;

/**
 * Proves that the key is the certificate's and the purpose is right, before anything long is done. Throws UserError
 * `passphrase-wrong`, `key-mismatch`, `key-invalid`, `signer-purpose`.
 *
 * @param secret passphrase or PIN; undefined for a key that is not encrypted
 */
export async function openSigner(
  keys: KeyFolder,
  signer: UsableSigner,
  { secret, tokenFolder }: { readonly secret: string | undefined; readonly tokenFolder: string | undefined },
  tools: ToolsTree,
  host: Host,
): Promise<OpenedSigner> {
  const certificates = [
    { source: resolve(signer.certificatePath), target: INSIDE.certificate },
    { source: resolve(keys.rootPath), target: INSIDE.root },
  ];
  await requirePurpose(signer, certificates, tools, host);
  const base = { certificate: INSIDE.certificate, root: INSIDE.root, secret: secret ?? '' };
  if (signer.key.kind === 'token') {
    const token = { ...signer.key.token, ...(tokenFolder === undefined ? {} : { folder: tokenFolder }) };
    const { setup, mounts } = tokenAccess(token, 'S1', await pathExists(pcscdFolder));
    return {
      ...base,
      setup: `${setup}\n(umask 077; printf %s "$S1" >/run/pin)`,
      mounts: [...certificates, ...mounts],
      raucKey: token.uri,
      opensslKey: `${ENGINE_ARGUMENTS} -inkey '${token.uri}?pin-source=file:/run/pin'`,
    };
  }
  const { path } = signer.key;
  requirePair(await openPrivateKey(path, secret), signer.certificate, path, signer.certificatePath);
  return {
    ...base,
    setup: 'export RAUC_KEY_PASSPHRASE="$S1"',
    mounts: [...certificates, { source: resolve(path), target: INSIDE.key }],
    raucKey: INSIDE.key,
    opensslKey: `-inkey ${INSIDE.key} -passin env:S1`,
  };
}

/** As RAUC and openssl look at it when they check a signature. */
async function requirePurpose(
  signer: UsableSigner,
  mounts: readonly Mount[],
  tools: ToolsTree,
  host: Host,
): Promise<void> {
  const text = `openssl verify -purpose smimesign -CAfile ${INSIDE.root} ${INSIDE.certificate} >&2`;
  try {
    await runSigning({ text, mounts }, tools, host);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    throw new UserError('signer-purpose', `${signer.certificatePath} may not sign bundles; devices would refuse them`, {
      details: error.details,
      hints: [
        'It needs keyUsage digitalSignature and no extendedKeyUsage such as codeSigning. "keys renew" makes such a signer.',
      ],
      cause: error,
    });
  }
}
