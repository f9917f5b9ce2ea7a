import * as z from 'zod';
import { parseSize } from '../model/bytes.js';

const SIZE = /^\d+(\.\d+)?[KMG](iB)?$/;
const AUTO_OR_SIZE = /^(auto|\d+(\.\d+)?[KMG](iB)?)$/;
const SIZE_HINT = 'Write a number and its unit: 64M, 1.5G (binary units).';

/** A size as a person writes it. */
export const size = z.string().regex(SIZE, { error: `must be a size. ${SIZE_HINT}` });
export const autoOrSize = z.string().regex(AUTO_OR_SIZE, { error: `must be "auto" or a size. ${SIZE_HINT}` });

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
