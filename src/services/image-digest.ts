import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import type { Host } from '../host/host.js';
import type { ImageRecord } from './image-file.js';
import { descriptionPath } from './image-file.js';

const CHUNK_BYTES = 2 ** 20;

/**
 * sha256 (hex) of an image that is not packed: out of the description beside it while that is true, else computed.
 * Undefined for a device: its cards are large, and it may change under us.
 */
export async function imageDigest(path: string, host: Host): Promise<string | undefined> {
  const status = await stat(path);
  if (!status.isFile()) return undefined;
  const recorded = await recordOf(path);
  const isCurrent = recorded?.sizeBytes === status.size && recorded.fileTime === status.mtime.toISOString();
  if (isCurrent && /^[0-9a-f]{64}$/.test(recorded.sha256)) return recorded.sha256;
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: CHUNK_BYTES, signal: host.signal })) {
    hash.update(chunk as Buffer);
  }
  return hash.digest('hex');
}

async function recordOf(path: string): Promise<ImageRecord | undefined> {
  try {
    return JSON.parse(await readFile(descriptionPath(path), 'utf8')) as ImageRecord;
  } catch {
    return undefined;
  }
}
