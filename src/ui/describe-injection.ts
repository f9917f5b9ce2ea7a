import { formatSize } from '../model/bytes.js';
import { describeProblem, type Problem } from '../errors.js';
import type { Injection } from '../provision/inject-image.js';

export function warningsOf({ warnings }: { readonly warnings: readonly Problem[] }): string[] {
  return warnings.flatMap((warning) => [
    `Warning: ${describeProblem(warning)}`,
    ...(warning.hint === undefined ? [] : [`    ${warning.hint}`]),
  ]);
}

/** What was done, in names and never in values. */
export function describeInjection(injection: Injection): string[] {
  const { changed, image, instanceId, instanceIdBefore, written, removed, diskId, fatSerial, outdated } = injection;
  if (!changed) return [`Nothing changed: ${image} is that device already (${instanceId}).`];
  const instance =
    instanceIdBefore === undefined || instanceIdBefore === instanceId
      ? instanceId
      : `${instanceId} (was ${instanceIdBefore}): ${injection.seedReader === 'cloud-init' ? 'cloud-init applies the seed on the next boot' : 'the device applies the seed on each boot'}`;
  return [
    `Injected into ${image}, and read back.`,
    '',
    `  written   ${written.join(', ') || 'no file'}`,
    ...(removed.length === 0 ? [] : [`  removed   ${removed.join(', ')}`]),
    `  instance  ${instance}`,
    `  disk      ${diskId}, FAT serial ${fatSerial}`,
    // A new image is written whole; the figures are those of a change in place.
    ...(injection.writtenBytes === 0
      ? []
      : [`  traffic   ${formatSize(injection.writtenBytes)} written, ${formatSize(injection.readBytes)} read`]),
    ...(outdated.length === 0 ? [] : [`  no more   ${outdated.join(', ')}: of the image as it was before`]),
  ];
}
