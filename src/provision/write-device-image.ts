import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { MiB } from '../model/bytes.js';
import type { Command } from '../model/command.js';
import type { OutputCompression } from '../formats/compression.js';
import { compressCommand, decompressCommand, suffixOf } from '../formats/compression.js';
import { sandboxed } from '../model/sandbox.js';
import type { ImageDelta } from '../formats/delta/image-delta.js';
import { readThrough } from '../formats/delta/image-delta.js';
import { IntegrityError, UserError } from '../errors.js';
import { fileSha256, streamSha256 } from '../host/file-digest.js';
import type { Host } from '../host/host.js';
import { replaceFile } from '../host/replace-file.js';
import { writeData } from '../images/sparse-write.js';
import { checkImagePath, replaceImage } from '../images/image-file.js';
import type { RawImage } from '../images/disk-image.js';

const PRIVATE_MODE = 0o600;
const PACKED: readonly OutputCompression[] = ['xz', 'zst', 'gz'];

/**
 * Writes a device's image beside its base: raw with holes for zeros, or packed as its name says (.xz, .zst, .gz), and
 * reads it back. Whoever looks at the path sees nothing or the whole. Throws UserError of checkImagePath,
 * IntegrityError `inject-read-back`.
 *
 * @param tools root of a tools tree whose programs pack; without it those of this machine
 */
export async function writeDeviceImage(
  base: RawImage,
  overlay: ImageDelta,
  output: string,
  tools: string | undefined,
  host: Host,
): Promise<void> {
  const problems = await checkImagePath(output);
  if (problems.length > 0) throw UserError.fromProblems(problems);
  const hash = createHash('sha256');
  const read = readThrough(base.read, overlay);
  async function* chunks(): AsyncGenerator<Buffer> {
    for (let position = 0; position < base.sizeBytes; position += MiB) {
      host.signal.throwIfAborted();
      const chunk = Buffer.from(await read(position, MiB));
      hash.update(chunk);
      yield chunk;
    }
  }
  const packing = PACKED.find((compression) => output.endsWith(suffixOf(compression)));
  const found =
    packing === undefined
      ? await writeRaw(output, base.sizeBytes, chunks())
      : await writePacked(output, packing, chunks(), tools, host);
  if (found === hash.digest('hex')) return;
  throw new IntegrityError('inject-read-back', `${output} does not hold what was written to it`, {
    hints: ['The medium may be failing: try another one.'],
  });
}

/** @returns sha256 of what was read back */
async function writeRaw(output: string, sizeBytes: number, chunks: AsyncIterable<Buffer>): Promise<string> {
  await replaceImage(output, { sizeBytes, mode: PRIVATE_MODE }, async (target) => {
    await target.truncate(sizeBytes);
    let position = 0;
    for await (const chunk of chunks) {
      await writeData(target, chunk, position);
      position += chunk.length;
    }
  });
  return fileSha256(output);
}

async function writePacked(
  output: string,
  packing: OutputCompression,
  chunks: AsyncIterable<Buffer>,
  tools: string | undefined,
  host: Host,
): Promise<string> {
  const program = (command: Command): Command =>
    tools === undefined ? command : sandboxed({ root: tools }, command, host.facts.privilege);
  return replaceFile(output, PRIVATE_MODE, async (target, temporary) => {
    for await (const packed of host.stream(program(compressCommand(packing, host.facts.cpus, 'quick')), chunks)) {
      await target.writeFile(packed);
    }
    return streamSha256(host.stream(program(decompressCommand(packing)), createReadStream(temporary)));
  });
}
