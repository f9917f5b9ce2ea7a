import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { MiB } from '../model/bytes.js';
import type { Compression } from '../formats/compression.js';
import { compressCommand } from '../formats/compression.js';
import { sandboxed } from '../model/sandbox.js';
import type { Host } from '../host/host.js';
import type { StageReporter } from '../pipeline/reporter.js';
import type { ToolsTree } from '../tools/tools-tree.js';
import type { ReadAt } from '../model/read-at.js';

const CHUNK_BYTES = MiB;

/** Packs an image into `target`, an empty file, by a program of the tools tree. The bytes do not depend on `jobs`. */
export async function compressImage(
  image: { readonly read: ReadAt; readonly sizeBytes: number },
  target: FileHandle,
  options: {
    readonly compression: Exclude<Compression, 'none'>;
    readonly jobs: number;
    readonly tools: Pick<ToolsTree, 'root'>;
  },
  host: Host,
  report: StageReporter,
): Promise<{ readonly sizeBytes: number; readonly sha256: string }> {
  const program = compressCommand(options.compression, options.jobs);
  const command = sandboxed({ root: options.tools.root }, program, host.facts.privilege);
  const hash = createHash('sha256');
  let sizeBytes = 0;
  for await (const packed of host.stream(command, chunksOf(image, report))) {
    hash.update(packed);
    await writeAll(target, packed, sizeBytes);
    sizeBytes += packed.length;
  }
  return { sizeBytes, sha256: hash.digest('hex') };
}

async function* chunksOf(
  { read, sizeBytes }: { readonly read: ReadAt; readonly sizeBytes: number },
  report: StageReporter,
): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < sizeBytes; at += CHUNK_BYTES) {
    yield await read(at, Math.min(CHUNK_BYTES, sizeBytes - at));
    report.progress({ done: at, total: sizeBytes, unit: 'bytes' });
  }
}

async function writeAll(target: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    done += (await target.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
  }
}
