import { X509Certificate } from 'node:crypto';
import { UserError } from '../../errors.js';

/** A certificate, as far as people ask for it. */
export type CertificateFacts = {
  /** Such as "O=reswarm-os, CN=bundles 1". */
  readonly subject: string;
  readonly serial: string;
  /** sha256 of its DER, in hex with colons. */
  readonly fingerprint: string;
  /** ISO 8601, UTC. */
  readonly validFrom: string;
  readonly validTo: string;
};

const DAY_MS = 86_400_000;
/** Whoever signs has half a year to find the root key and renew the signer. */
export const EXPIRY_WARNING_DAYS = 180;

export function certificateFacts(certificate: X509Certificate): CertificateFacts {
  return {
    subject: certificate.subject.split('\n').join(', '),
    serial: certificate.serialNumber,
    fingerprint: certificate.fingerprint256,
    validFrom: new Date(certificate.validFrom).toISOString(),
    validTo: new Date(certificate.validTo).toISOString(),
  };
}

/** Whole days from `now` to the end of a certificate; negative where it has ended. */
export function daysLeft({ validTo }: Pick<CertificateFacts, 'validTo'>, now: Date): number {
  return Math.floor((Date.parse(validTo) - now.getTime()) / DAY_MS);
}

/** Every certificate of a PEM file. Throws UserError `certificate-invalid`. */
export function parseCertificates(pem: string, name: string): readonly X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0) {
    throw new UserError('certificate-invalid', `${name} holds no certificate`, {
      hints: ['It must be PEM: "-----BEGIN CERTIFICATE-----" and the lines after it.'],
    });
  }
  return blocks.map((block) => {
    try {
      return new X509Certificate(block);
    } catch (cause) {
      throw new UserError('certificate-invalid', `${name} holds a damaged certificate`, {
        hints: ['Copy the file again from where it was made.'],
        cause,
      });
    }
  });
}
