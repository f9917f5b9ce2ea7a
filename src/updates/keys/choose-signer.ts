import type { X509Certificate } from 'node:crypto';
import { UserError } from '../../errors.js';
import { certificateFacts, daysLeft } from './certificate.js';
import type { KeyFolder, PrivateKeyPlace, Signer } from './key-folder.js';

/** A signer whose key is at hand. */
export type UsableSigner = Signer & { readonly key: PrivateKeyPlace };

/**
 * The newest signer that may sign now, or the one with this number. Throws UserError `signer-missing`,
 * `keys-without-key`, `signer-expired`, `signer-of-other-root`.
 */
export function chooseSigner(keys: KeyFolder, now: Date, number?: number): UsableSigner {
  const { folder, root } = keys;
  const renew = [`Make a new one with the root key: reswarm-os keys renew ${folder}`];
  const wanted = keys.signers.filter((signer) => number === undefined || signer.number === number);
  if (wanted.length === 0) {
    const which = number === undefined ? 'signer' : `signer ${number}`;
    throw new UserError('signer-missing', `${folder} has no ${which}`, { hints: renew });
  }
  const withKey = wanted.filter((signer): signer is UsableSigner => signer.key !== undefined);
  if (withKey.length === 0) {
    const files = wanted.map((signer) => `signer-${signer.number}.key`).join(', ');
    throw new UserError('keys-without-key', `${folder} has certificates of signers and none of their keys (${files})`, {
      hints: ['Put the key beside its certificate, or make a new signer with "keys renew".'],
    });
  }
  const valid = withKey.filter((signer) => isValid(signer.certificate, now));
  const signer = valid.at(-1);
  if (signer === undefined) throw expired(withKey.at(-1), now, renew);
  if (!signer.certificate.checkIssued(root) || !signer.certificate.verify(root.publicKey)) {
    throw new UserError('signer-of-other-root', `${signer.certificatePath} was not signed by ${keys.rootPath}`, {
      hints: ['Devices trust that root only. Do not mix the files of two key folders.'],
    });
  }
  return signer;
}

function isValid(certificate: X509Certificate, now: Date): boolean {
  return new Date(certificate.validFrom) <= now && now <= new Date(certificate.validTo);
}

function expired(signer: UsableSigner | undefined, now: Date, hints: readonly string[]): UserError {
  if (signer === undefined) throw new TypeError('a signer is needed');
  const facts = certificateFacts(signer.certificate);
  const isOver = daysLeft(facts, now) < 0;
  const when = isOver ? `expired on ${facts.validTo.slice(0, 10)}` : `is valid from ${facts.validFrom.slice(0, 10)} on`;
  return new UserError('signer-expired', `Signer ${signer.number} ${when}; devices would refuse the bundle`, {
    hints: isOver ? hints : ["Set this machine's clock."],
  });
}
