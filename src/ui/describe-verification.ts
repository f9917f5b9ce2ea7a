import type { Verification } from '../build/verify/verify-build.js';
import { formatDuration } from '../model/duration.js';

/** Whether two builds gave the same bytes, and where they begin to differ. */
export function describeVerification({
  board,
  system,
  same,
  builds,
  kept,
  difference,
}: Verification): readonly string[] {
  const lines = builds.map(({ sha256, durationMs, conditions }) => {
    return `  ${sha256}  ${formatDuration(durationMs)}, ${conditions.timeZone}, umask ${conditions.umask.toString(8).padStart(3, '0')}`;
  });
  const found = difference === undefined ? [] : describeDifference(difference);
  return [
    same
      ? `${board} with ${system}: two builds gave the same bytes.`
      : `${board} with ${system}: two builds gave different images.`,
    '',
    ...lines,
    ...(kept.length === 0 ? [] : [`  not made twice: ${kept.join(', ')}`]),
    ...found,
  ];
}

function describeDifference({
  offsetBytes,
  sizeBytes,
  partition,
  file,
}: NonNullable<Verification['difference']>): readonly string[] {
  const place =
    partition === undefined
      ? 'outside of all partitions'
      : `partition ${partition.name}, from its byte ${partition.offsetBytes}`;
  return [
    '',
    `First difference: bytes ${offsetBytes} to ${offsetBytes + sizeBytes - 1} of the image, ${place}`,
    file === undefined
      ? '  every file is the same: it is metadata of a file system, or the partition table'
      : `  first file: ${file.path}, from its byte ${file.offsetBytes}`,
  ];
}
