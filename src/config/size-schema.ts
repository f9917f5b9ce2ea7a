import * as z from 'zod';
import { parseSize } from '../model/bytes.js';

const SIZE = /^\d+(\.\d+)?[KMG](iB)?$/;
const AUTO_OR_SIZE = /^(auto|\d+(\.\d+)?[KMG](iB)?)$/;
const SIZE_HINT = 'Write a number and its unit: 64M, 1.5G (binary units).';

/** A size as a person writes it. */
export const size = z.string().regex(SIZE, { error: `must be a size. ${SIZE_HINT}` });
export const autoOrSize = z.string().regex(AUTO_OR_SIZE, { error: `must be "auto" or a size. ${SIZE_HINT}` });

/** Free space as a size, or as a share of what is there: "30%". */
export const sizeOrShare = z
  .string()
  .regex(/^(\d{1,3}%|\d+(\.\d+)?[KMG](iB)?)$/, { error: `must be a size, or a share such as 30%. ${SIZE_HINT}` });

/** What `sizeOrShare` has let through: bytes, or a share of the content. */
export function bytesOrShare(text: string): { readonly bytes: number; readonly share: number } {
  return text.endsWith('%') ? { bytes: 0, share: Number(text.slice(0, -1)) / 100 } : { bytes: sizeBytes(text), share: 0 };
}

/** A size that the schema has let through. */
export function sizeBytes(text: string): number {
  const bytes = parseSize(text);
  if (bytes === undefined) throw new TypeError(`not a size: ${text}`);
  return bytes;
}

/** The same for what may be "auto" as well. */
export function autoOrBytes(text: string): number | 'auto' {
  return text === 'auto' ? 'auto' : sizeBytes(text);
}
