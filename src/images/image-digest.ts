import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Host } from '../host/host.js';
import { findCurrentFile, readDescription } from './image-file.js';

const CHUNK_BYTES = 2 ** 20;

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
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: CHUNK_BYTES, signal: host.signal })) {
    hash.update(chunk as Buffer);
  }
  return hash.digest('hex');
}
