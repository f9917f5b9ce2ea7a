import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { MiB } from '../model/bytes.js';
import type { OutputCompression } from '../formats/compression.js';
import { compressCommand, suffixOf } from '../formats/compression.js';
import { sandboxed } from '../model/sandbox.js';
import type { Host } from '../host/host.js';
import type { StageReporter } from '../pipeline/reporter.js';
import type { Stage } from '../pipeline/stage.js';
import type { ToolsTree } from '../tools/tools-tree.js';
import { toolVersions } from '../tools/tools-tree.js';
import type { ImageInPlace, MadeOutput } from './output.js';
import { openOutput, recordOutput } from './output.js';
import type { ReadAt } from '../model/read-at.js';

const CHUNK_BYTES = MiB;

export type CompressInput = {
  /** Key of the disk that the image was made from. */
  readonly imageKey: string;
  readonly image: ImageInPlace;
  readonly tools: ToolsTree;
  readonly compression: OutputCompression;
};

/** The image once more, compressed, beside itself. */
export const compressStage: Stage<CompressInput, MadeOutput> = {
  name: 'compress',
  version: 1,
  group: 'Image',

  key: ({ imageKey, tools, compression }) => ({
    image: imageKey,
    compression,
    tools: toolVersions(tools, ['xz-utils', 'zstd', 'pigz']),
  }),

  commands: ({ compression }, { jobs }) => [compressCommand(compression, jobs)],

  async run({ image, tools, compression }, out, { host, report, jobs }) {
    const made = await image.read((read, sizeBytes) =>
      image.writeBeside(suffixOf(compression), (target) =>
        compressImage({ read, sizeBytes }, target, { compression, jobs, tools }, host, report),
      ),
    );
    await recordOutput(out, made);
  },

  open: openOutput,
};

/** Packs an image into `target`, an empty file, by a program of the tools tree. The bytes do not depend on `jobs`. */
export async function compressImage(
  image: { readonly read: ReadAt; readonly sizeBytes: number },
  target: FileHandle,
  options: {
    readonly compression: OutputCompression;
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
