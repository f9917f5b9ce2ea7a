import { UserError, type Problem } from '../errors.js';
import { formatSize } from '../model/bytes.js';
import type { VolumeSpec } from '../model/image-spec.js';
import type { TreeContent } from '../model/tree-content.js';
import type { FileSystem } from './file-system.js';

/**
 * Bytes that a volume takes: its fixed size, or the smallest multiple of the alignment in which the content, the file
 * system's own needs and the headroom fit. Throws UserError `partition-too-small` (needed and available size).
 */
export function volumeSize(
  name: string,
  volume: Sizing,
  content: TreeContent,
  fs: FileSystem,
  alignmentBytes: number,
): number {
  const needs = (sizeBytes: number): number => fs.neededBytes(content, sizeBytes, headroomOf(volume, content));
  if (volume.sizeBytes === 'fit') return smallestSize(needs, alignmentBytes);
  const problems = fixedSizeProblems(name, volume, content, fs);
  if (problems.length > 0) throw UserError.fromProblems(problems);
  return volume.sizeBytes;
}

/** `partition-too-small` for a fixed size that cannot hold the content. */
export function fixedSizeProblems(
  name: string,
  volume: Sizing,
  content: TreeContent,
  fs: FileSystem,
): readonly Problem[] {
  const { sizeBytes } = volume;
  if (sizeBytes === 'fit') return [];
  const headroomBytes = headroomOf(volume, content);
  return tooSmall(name, sizeBytes, fs.neededBytes(content, sizeBytes, headroomBytes), headroomBytes);
}

type Sizing = Pick<VolumeSpec, 'sizeBytes' | 'headroomBytes' | 'headroomShare'>;

function headroomOf({ headroomBytes, headroomShare = 0 }: Sizing, content: TreeContent): number {
  return headroomBytes + Math.ceil(content.bytes * headroomShare);
}

/** Goes up from below in steps of the alignment, so that more content can never give a smaller volume. */
function smallestSize(needs: (sizeBytes: number) => number, alignmentBytes: number): number {
  let sizeBytes = alignmentBytes;
  while (needs(sizeBytes) > sizeBytes) sizeBytes += alignmentBytes;
  return sizeBytes;
}

function tooSmall(name: string, sizeBytes: number, neededBytes: number, headroomBytes: number): Problem[] {
  if (neededBytes <= sizeBytes) return [];
  return [
    {
      code: 'partition-too-small',
      message:
        `the ${name} partition has ${formatSize(sizeBytes)} (${sizeBytes} bytes); its content with ` +
        `${formatSize(headroomBytes)} headroom needs ${formatSize(neededBytes)} (${neededBytes} bytes)`,
      hint: `Set the size of ${name} to "auto" or to ${formatSize(neededBytes)} at least.`,
    },
  ];
}
