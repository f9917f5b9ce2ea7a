import type { Json } from '../../model/json.js';
import { isSignedBy, signBytes } from './ed25519.js';
import type { PublicKey } from './minisign.js';
import { shownId } from './minisign.js';
import type { SecretKey } from './secret-key.js';

const PAYLOAD_TYPE = 'application/vnd.in-toto+json';

/** An in-toto statement in a DSSE envelope, signed. */
export function signStatement(statement: Json, { id, key }: SecretKey): Json {
  const payload = Buffer.from(JSON.stringify(statement));
  const sig = signBytes(key, encoded(payload)).toString('base64');
  return {
    payloadType: PAYLOAD_TYPE,
    payload: payload.toString('base64'),
    signatures: [{ keyid: shownId(id), sig }],
  };
}

/** The statement of an envelope that the key signed; undefined for any other. */
export function openStatement(envelope: unknown, { key }: PublicKey): Json | undefined {
  const { payloadType, payload, signatures } = (envelope ?? {}) as Record<string, unknown>;
  if (payloadType !== PAYLOAD_TYPE || typeof payload !== 'string' || !Array.isArray(signatures)) return undefined;
  const bytes = Buffer.from(payload, 'base64');
  const isSigned = (signatures as readonly { readonly sig?: unknown }[]).some(
    ({ sig }) => typeof sig === 'string' && isSignedBy(key, encoded(bytes), Buffer.from(sig, 'base64')),
  );
  return isSigned ? (JSON.parse(bytes.toString('utf8')) as Json) : undefined;
}

/** What is signed: type and payload with their lengths (the pre-authentication encoding of DSSE v1). */
function encoded(payload: Buffer): Buffer {
  const head = `DSSEv1 ${Buffer.byteLength(PAYLOAD_TYPE)} ${PAYLOAD_TYPE} ${payload.length} `;
  return Buffer.concat([Buffer.from(head), payload]);
}
