import { suffixOf } from '../formats/compression.js';
import { isExtended } from '../formats/partition-types.js';
import type { ImageSource } from '../images/image-source.js';
import type { StreamedImage } from '../images/streamed-image.js';
import { GiB } from '../model/bytes.js';
import { partitionsEndBytes } from '../model/partition-table.js';
import type { ImageAnalysis } from './analyse-image.js';
import {
  findBlockMap,
  fromMap,
  fromRanges,
  readBeginning,
  requireSameSize,
  requireWhole,
  wholeOf,
} from './analyse-image.js';
import { planOpenWrite } from './write-plan.js';

/** No image is larger; the plan of a write lists each MiB. */
const LARGEST_IMAGE_BYTES = 512 * GiB;
const DOWNLOAD_HINT = 'If it is meant to be so, write it from a file, with --all-blocks.';

/**
 * What has to be written of an image that comes as a stream: all of it, since its file systems cannot be asked; less
 * with a block map of ours beside it. Only its beginning is read. Throws what analyseImage throws.
 *
 * @param roomBytes of the smallest card
 */
export async function analyseStream(
  image: StreamedImage,
  from: ImageSource,
  options: { readonly allBlocks: boolean; readonly roomBytes: number },
): Promise<ImageAnalysis> {
  const { name, sizeBytes, compression, beginning: read } = image;
  const beginning = await readBeginning(read, undefined);
  const found = options.allBlocks ? undefined : await findBlockMap(from, suffixOf(compression));
  if (found !== undefined) {
    const { imageSizeBytes } = found.map;
    if (sizeBytes !== undefined) requireSameSize(found, name, sizeBytes);
    requireWhole(name, beginning, imageSizeBytes, DOWNLOAD_HINT);
    // A map of a sparse file's holes leaves out zeros that the file systems rely on.
    return fromMap(found, beginning, found.map.isOfFileSystems ? [] : wholeOf(imageSizeBytes));
  }
  if (sizeBytes !== undefined) {
    requireWhole(name, beginning, sizeBytes, DOWNLOAD_HINT);
    return fromRanges(wholeOf(sizeBytes), beginning, sizeBytes, 'all-blocks');
  }
  const { head, table, sectorSizeBytes } = beginning;
  const neededBytes = table === undefined ? 0 : partitionsEndBytes(table);
  const plan = planOpenWrite({
    mostBytes: Math.min(options.roomBytes, LARGEST_IMAGE_BYTES),
    neededBytes,
    sectorSizeBytes,
    partitions: (table?.partitions ?? []).filter((partition) => !isExtended(partition)),
  });
  return { plan, head, sectorSizeBytes, mappedFrom: 'all-blocks' };
}
