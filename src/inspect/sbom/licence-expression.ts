import type { LicencesFound } from '../../formats/debian-licences.js';
import { sha256 } from '../../model/sha256.js';

/** All licences of a component as one SPDX expression; names without an id as references. */
export function licenceExpression({ spdx, others }: LicencesFound): string | undefined {
  const parts = [...spdx.map((id) => (id.includes(' OR ') ? `(${id})` : id)), ...others.map(licenceRef)];
  return parts.length === 0 ? undefined : [...new Set(parts)].join(' AND ');
}

/** A name that only this document explains. */
export function licenceRef(name: string): string {
  const plain = name.replace(/[^A-Za-z0-9.-]+/g, '-').replace(/^-+|-+$/g, '');
  return `LicenseRef-${plain.slice(0, 60)}${plain === name ? '' : `-${sha256(name).slice(0, 6)}`}`;
}
