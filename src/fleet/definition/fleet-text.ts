import { readFile, stat } from 'node:fs/promises';
import { MiB } from '../../model/bytes.js';
import type { Problem } from '../../errors.js';

/** A million devices fit; whatever is larger is something else. */
const LIMIT_BYTES = 256 * MiB;

export type FleetText =
  | { readonly kind: 'text'; readonly text: string; readonly worldReadable: boolean }
  | { readonly kind: 'folder' }
  | { readonly kind: 'problem'; readonly problem: Problem };

/** Reads a list of devices. Codes: `fleet-not-found`, `fleet-unreadable`, `fleet-not-text`. */
export async function readFleetText(path: string): Promise<FleetText> {
  const refuse = (code: string, message: string, hint?: string, line?: number): FleetText => {
    const place = line === undefined ? {} : { line, column: 1 };
    return {
      kind: 'problem',
      problem: { code, message, file: path, ...place, ...(hint === undefined ? {} : { hint }) },
    };
  };
  try {
    const info = await stat(path);
    if (info.isDirectory()) return { kind: 'folder' };
    if (info.size > LIMIT_BYTES) return refuse('fleet-not-text', 'this file is too large to be a list of devices');
    const bytes = await readFile(path);
    if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)) {
      return refuse('fleet-not-text', 'this is UTF-16 text', 'In Excel, save it as "CSV UTF-8".');
    }
    if (bytes.includes(0))
      return refuse('fleet-not-text', 'this is not a text file', 'Save a spreadsheet as CSV first.');
    const line = lineOfBadText(bytes);
    if (line !== undefined) {
      return refuse('fleet-not-text', 'this is not UTF-8 text', 'In Excel, save it as "CSV UTF-8".', line);
    }
    return { kind: 'text', text: bytes.toString('utf8'), worldReadable: (info.mode & 0o004) !== 0 };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return refuse('fleet-not-found', 'there is no such file');
    if (code === undefined) throw error;
    return refuse('fleet-unreadable', `this file cannot be read (${code})`, 'Look at its permissions.');
  }
}

/** The first line, from 1, that is no UTF-8: umlauts of an older Windows program. */
function lineOfBadText(bytes: Buffer): number | undefined {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  try {
    decoder.decode(bytes);
    return undefined;
  } catch {
    // Valid text stays the same when it is read and written again; the first byte that does not is where it ends.
    const again = Buffer.from(bytes.toString('utf8'));
    const different = bytes.findIndex((byte, index) => byte !== again[index]);
    return bytes.subarray(0, different).filter((byte) => byte === 0x0a).length + 1;
  }
}
