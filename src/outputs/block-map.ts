import { createHash } from 'node:crypto';
import type { BlockMap, BlockRange } from '../formats/bmap.js';
import { formatBmap } from '../formats/bmap.js';
import type { ByteRange } from '../model/byte-range.js';
import { mergeRanges, totalBytes } from '../model/byte-range.js';
import { KiB, MiB } from '../model/bytes.js';
import { sha256 } from '../model/sha256.js';
import type { Host } from '../host/host.js';
import type { Stage } from '../pipeline/stage.js';
import type { StageReporter } from '../pipeline/reporter.js';
import type { ReadAt } from '../model/read-at.js';
import { mappedRanges } from '../images/used-ranges.js';
import type { ImageInPlace, MadeOutput } from './output.js';
import { openOutput, recordOutput } from './output.js';

/** bmaptool's own choice; a card's real blocks are larger, and ext4's are as large. */
const BLOCK_BYTES = 4 * KiB;
const CHUNK_BYTES = MiB;

export const BLOCK_MAP_SUFFIX = '.bmap';

export type BlockMapInput = {
  /** Key of the disk that the image was made from. */
  readonly imageKey: string;
  readonly image: ImageInPlace;
};

/** The map of what the image's file systems use: flashing leaves out the rest. Written beside the image. */
export const blockMapStage: Stage<BlockMapInput, MadeOutput> = {
  name: 'block-map',
  version: 1,
  group: 'Image',
  key: ({ imageKey }) => ({ image: imageKey }),

  async run({ image }, out, { host, report }) {
    const text = await image.read(async (read, sizeBytes) => {
      const used = await mappedRanges(read, sizeBytes);
      return formatBmap(await makeBlockMap(read, { sizeBytes, used }, host, report));
    });
    await image.writeBeside(BLOCK_MAP_SUFFIX, (target) => target.writeFile(text));
    await recordOutput(out, { sizeBytes: Buffer.byteLength(text), sha256: sha256(text) });
  },

  open: openOutput,
};

/** The block map of an image whose used ranges are known: each range of whole blocks with its sha256. */
export async function makeBlockMap(
  read: ReadAt,
  image: { readonly sizeBytes: number; readonly used: readonly ByteRange[] },
  host: Host,
  report: StageReporter,
): Promise<BlockMap> {
  const blocks = wholeBlocks(image.used, image.sizeBytes);
  const total = totalBytes(blocks);
  let done = 0;
  const ranges: BlockRange[] = [];
  for (const { offsetBytes, sizeBytes } of blocks) {
    const hash = createHash('sha256');
    for (let at = 0; at < sizeBytes; at += CHUNK_BYTES) {
      host.signal.throwIfAborted();
      const chunk = await read(offsetBytes + at, Math.min(CHUNK_BYTES, sizeBytes - at));
      hash.update(chunk);
      done += chunk.length;
      report.progress({ done, total, unit: 'bytes' });
    }
    const firstBlock = offsetBytes / BLOCK_BYTES;
    const lastBlock = firstBlock + Math.ceil(sizeBytes / BLOCK_BYTES) - 1;
    ranges.push({ firstBlock, lastBlock, digest: hash.digest('hex') });
  }
  return {
    imageSizeBytes: image.sizeBytes,
    blockSizeBytes: BLOCK_BYTES,
    ranges,
    digestType: 'sha256',
    isOfFileSystems: true,
  };
}

/** Grown to whole blocks; the last one ends with the image. */
function wholeBlocks(ranges: readonly ByteRange[], imageSizeBytes: number): readonly ByteRange[] {
  const grown = ranges.map(({ offsetBytes, sizeBytes }) => {
    const first = Math.floor(offsetBytes / BLOCK_BYTES) * BLOCK_BYTES;
    const end = Math.ceil((offsetBytes + sizeBytes) / BLOCK_BYTES) * BLOCK_BYTES;
    return { offsetBytes: first, sizeBytes: Math.min(end, imageSizeBytes) - first };
  });
  return mergeRanges(grown);
}
