import { readFile } from 'node:fs/promises';
import { X509Certificate } from 'node:crypto';
import type { Problem } from '../../errors.js';
import type { ImageSpec } from '../../model/image-spec.js';
import { hasSlots } from '../../model/image-spec.js';
import { sha256 } from '../../model/sha256.js';
import type { PlacedFile } from '../../model/software.js';
import type { Reporter } from '../../pipeline/reporter.js';

/** Certificates whose signers' updates a device takes. */
const KEYRING = '/etc/rauc/keyring.pem';
const PRIVATE_KEY = /-----BEGIN [A-Z ]*PRIVATE KEY-----/;
const HINT = '`reswarm-os keys new DIR` makes one: DIR/root.pem.';

/**
 * The file of an image with slots, or none. Codes: `update-keyring-unused` for another image, `update-keyring-invalid`.
 *
 * @param path absolute
 */
export async function readUpdateKeyring(
  spec: Pick<ImageSpec, 'partitions' | 'system'>,
  path: string | undefined,
): Promise<{ readonly files: readonly PlacedFile[]; readonly problems: readonly Problem[] }> {
  if (path === undefined) return { files: [], problems: [] };
  if (!hasSlots(spec)) {
    const message = `the system ${spec.system.id} has one slot and takes no updates: --update-keyring is of no use`;
    return { files: [], problems: [{ code: 'update-keyring-unused', message, hint: 'Add --system ab.' }] };
  }
  const text = await readFile(path, 'utf8').catch(() => undefined);
  const why = text === undefined ? 'cannot be read' : faultOf(text);
  if (text === undefined || why !== undefined) {
    const message = `the keyring ${path} ${why ?? ''}`;
    return { files: [], problems: [{ code: 'update-keyring-invalid', message, hint: HINT }] };
  }
  const file = { source: path, sha256: sha256(text), to: KEYRING, mode: 0o644, owner: 'root' };
  return { files: [file], problems: [] };
}

function faultOf(text: string): string | undefined {
  // It would be on every device, readable for everybody.
  if (PRIVATE_KEY.test(text)) return 'holds a private key; a keyring holds certificates only';
  const certificates = text.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? [];
  if (certificates.length === 0) return 'holds no certificate in PEM';
  return certificates.every(isCertificate) ? undefined : 'holds a certificate that cannot be read';
}

function isCertificate(pem: string): boolean {
  try {
    new X509Certificate(pem);
    return true;
  } catch {
    return false;
  }
}

/** An image whose devices would refuse every update is rarely meant. */
export function warnOfMissingKeyring(
  spec: Pick<ImageSpec, 'partitions'>,
  files: readonly PlacedFile[],
  overlays: readonly string[],
  reporter: Reporter,
): void {
  if (!hasSlots(spec) || files.length > 0 || overlays.length > 0) return;
  const text = 'The image has no keyring: its devices will refuse every update.';
  reporter.emit({ type: 'warning', text, hint: `Add --update-keyring FILE. ${HINT}` });
}
