import type { CertificateFacts } from './certificate.js';
import { certificateFacts, daysLeft, EXPIRY_WARNING_DAYS } from './certificate.js';
import type { KeyFolder, PrivateKeyPlace, Signer } from './key-folder.js';

type KeyPlace = 'encrypted' | 'plain' | 'token' | 'none';

export type SignerFacts = CertificateFacts & {
  readonly number: number;
  readonly key: KeyPlace;
  readonly daysLeft: number;
  readonly state: 'valid' | 'expires-soon' | 'expired';
};

/** What `keys show` knows of a folder. */
export type KeysReport = {
  readonly folder: string;
  /** What devices get. */
  readonly keyring: string;
  readonly root: CertificateFacts & { readonly key: KeyPlace };
  readonly signers: readonly SignerFacts[];
  readonly warnings: readonly string[];
};

export function reportKeys(keys: KeyFolder, now: Date): KeysReport {
  const signers = keys.signers.map((signer) => signerFacts(signer, now));
  return {
    folder: keys.folder,
    keyring: keys.rootPath,
    root: { ...certificateFacts(keys.root), key: placeOf(keys.rootKey) },
    signers,
    warnings: warningsOf(keys, signers),
  };
}

function signerFacts(signer: Signer, now: Date): SignerFacts {
  const facts = certificateFacts(signer.certificate);
  const left = daysLeft(facts, now);
  const state = left < 0 ? 'expired' : left < EXPIRY_WARNING_DAYS ? 'expires-soon' : 'valid';
  return { number: signer.number, ...facts, key: placeOf(signer.key), daysLeft: left, state };
}

function placeOf(key: PrivateKeyPlace | undefined): KeyPlace {
  if (key === undefined) return 'none';
  if (key.kind === 'token') return 'token';
  return key.isEncrypted ? 'encrypted' : 'plain';
}

function warningsOf(keys: KeyFolder, signers: readonly SignerFacts[]): readonly string[] {
  const renew = `reswarm-os keys renew ${keys.folder}`;
  const newest = signers.at(-1);
  return [
    ...(keys.rootKey === undefined
      ? []
      : [
          `${keys.rootKey.path} is still here: move it to a place without a network, in two copies. It is needed once in years.`,
        ]),
    ...(newest === undefined ? [`There is no signer: ${renew}`] : []),
    ...(newest === undefined ? [] : soonWarning(newest, keys.folder)),
    ...(newest?.state === 'expired' ? [`Signer ${newest.number} expired on ${dayOf(newest.validTo)}: ${renew}`] : []),
  ];
}

/** Said 180 days before, by every command that signs. */
export function signerWarnings({ folder }: KeyFolder, signer: Signer, now: Date): readonly string[] {
  return soonWarning(signerFacts(signer, now), folder);
}

function soonWarning({ number, state, daysLeft: left, validTo }: SignerFacts, folder: string): readonly string[] {
  if (state !== 'expires-soon') return [];
  return [`Signer ${number} expires in ${left} days, on ${dayOf(validTo)}. Renew it: reswarm-os keys renew ${folder}`];
}

function dayOf(instant: string): string {
  return instant.slice(0, 10);
}
