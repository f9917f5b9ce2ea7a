import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';

const CHUNK_BYTES = 2 ** 20;

/** sha256 (hex) of a file, read in pieces. */
export async function fileSha256(path: string | Buffer, signal?: AbortSignal): Promise<string> {
  const options = { highWaterMark: CHUNK_BYTES, ...(signal === undefined ? {} : { signal }) };
  return streamSha256(createReadStream(path, options) as AsyncIterable<Uint8Array>);
}

/** sha256 (hex) of all that comes. */
export async function streamSha256(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of chunks) hash.update(chunk);
  return hash.digest('hex');
}
