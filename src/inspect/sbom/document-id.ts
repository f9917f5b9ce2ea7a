import { canonicalJson } from '../../model/json.js';
import { sha256 } from '../../model/sha256.js';
import type { BillOfMaterials } from './component.js';

/** A UUID that is the digest of the content (version 8 of RFC 9562): the same content has the same one. */
export function documentUuid(bill: BillOfMaterials): string {
  const hex = sha256(canonicalJson(bill));
  const variant = ((parseInt(hex.slice(16, 17), 16) & 0x3) | 0x8).toString(16);
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-');
}
