import type { KeysReport, SignerFacts } from '../updates/keys/describe-keys.js';

const PLACES = {
  encrypted: 'encrypted file',
  plain: 'file that is not encrypted',
  token: 'on a token',
  none: 'not here',
} as const;

export function describeKeys(report: KeysReport): readonly string[] {
  return [
    `Root      ${report.root.subject}`,
    `          valid until ${report.root.validTo.slice(0, 10)}, key: ${PLACES[report.root.key]}`,
    `          ${report.root.fingerprint}`,
    ...report.signers.flatMap(signerLines),
    `Keyring   ${report.keyring}: build images with --update-keyring ${report.keyring}`,
  ];
}

function signerLines(signer: SignerFacts): readonly string[] {
  const state = signer.state === 'expired' ? 'expired on' : 'valid until';
  return [
    `Signer ${signer.number}`.padEnd(10) + signer.subject,
    `          ${state} ${signer.validTo.slice(0, 10)}, key: ${PLACES[signer.key]}`,
    `          ${signer.fingerprint}`,
  ];
}
