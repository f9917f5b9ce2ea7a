import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { systemCode } from './network-fault.js';

/** What is there of a file whose transfer was cut: its bytes, already hashed, and what names their version. */
export type Part = {
  readonly sizeBytes: number;
  readonly hash: Hash;
  /** Validator for If-Range; only when these bytes came from the same URL. */
  readonly validator?: string;
};

/** `<path>.part` holds the bytes that came so far, `<path>.part.json` from which version of which URL. */
export class PartFile {
  readonly path: string;
  readonly #originPath: string;

  constructor(finalPath: string) {
    this.path = `${finalPath}.part`;
    this.#originPath = `${finalPath}.part.json`;
  }

  async read(url: string): Promise<Part> {
    const hash = createHash('sha256');
    const sizeBytes = await fileSize(this.path);
    if (sizeBytes === undefined || sizeBytes === 0) return { sizeBytes: 0, hash };
    for await (const chunk of createReadStream(this.path)) hash.update(chunk as Buffer);
    const validator = await this.#readValidator(url);
    return { sizeBytes, hash, ...(validator === undefined ? {} : { validator }) };
  }

  /** A weak ETag names a meaning, not bytes: If-Range must not use it (RFC 9110, 13.1.5). */
  async rememberOrigin(url: string, etag: string | null, lastModified: string | null): Promise<void> {
    const validator = etag !== null && !etag.startsWith('W/') ? etag : lastModified;
    if (validator === null) await rm(this.#originPath, { force: true });
    else await writeFile(this.#originPath, JSON.stringify({ url, validator }));
  }

  async forgetOrigin(): Promise<void> {
    await rm(this.#originPath, { force: true });
  }

  async discard(): Promise<void> {
    await rm(this.path, { force: true });
    await this.forgetOrigin();
  }

  async #readValidator(url: string): Promise<string | undefined> {
    const text = await readFile(this.#originPath, 'utf8').catch(() => undefined);
    if (text === undefined) return undefined;
    try {
      const origin = JSON.parse(text) as { url?: unknown; validator?: unknown };
      return origin.url === url && typeof origin.validator === 'string' ? origin.validator : undefined;
    } catch {
      return undefined;
    }
  }
}

export async function fileSize(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}
