import { resolve } from 'node:path';
import { CommandError, UserError } from '../../errors.js';
import type { Host } from '../../host/host.js';
import type { ToolsTree } from '../../tools/tools-tree.js';
import { parseCertificates } from './certificate.js';
import { runSigning } from '../signing-tools.js';
import type { UsableSigner } from './choose-signer.js';

/**
 * Whether devices with this keyring take what the signer signs: otherwise the update would be the last one that they
 * take. Throws UserError `keyring-other`, `certificate-invalid`.
 *
 * @param keyring PEM
 * @param name "The keyring in x.img"
 */
export async function requireTrusted(
  signer: UsableSigner,
  keyring: string,
  name: string,
  tools: ToolsTree,
  host: Host,
): Promise<void> {
  parseCertificates(keyring, name);
  const text = `printf '%s\\n' "$1" >/run/keyring.pem
openssl verify -purpose smimesign -CAfile /run/keyring.pem /run/signer.pem >&2`;
  const mounts = [{ source: resolve(signer.certificatePath), target: '/run/signer.pem' }];
  try {
    await runSigning({ text, words: [keyring], mounts }, tools, host);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    throw new UserError('keyring-other', `${name} does not trust signer ${signer.number}`, {
      details: error.details,
      hints: ['Devices would take no later update of these keys. Build the image with --update-keyring KEYS/root.pem.'],
      cause: error,
    });
  }
}
