import { stat } from 'node:fs/promises';
import { fileSha256 } from '../host/file-digest.js';
import type { Host } from '../host/host.js';
import { findCurrentFile, readDescription } from './image-file.js';

/**
 * sha256 (hex) of an image that is not packed: out of the description beside it while that is true, else computed.
 * Undefined for a device: its cards are large, and it may change under us.
 */
export async function imageDigest(path: string, host: Host): Promise<string | undefined> {
  const status = await stat(path);
  if (!status.isFile()) return undefined;
  const description = await readDescription(path);
  const recorded = description && (await findCurrentFile(path, description));
  if (recorded !== undefined) return recorded.sha256;
  return fileSha256(path, host.signal);
}
