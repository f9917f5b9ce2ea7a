import { mapParallel, PARALLEL_DOWNLOADS } from '../debs.js';
import { readControl } from '../package-controls.js';
import type { DebFile } from '../packages.js';
import type { Host } from '../../../host/host.js';

/**
 * What apt reads of an archive: a paragraph for each package, with the place and digest of its file.
 *
 * @param placeOf path below the archive's root
 */
export async function packageIndex(
  debs: readonly DebFile[],
  placeOf: (deb: DebFile) => string,
  host: Host,
): Promise<string> {
  const paragraphs = await mapParallel(debs, PARALLEL_DOWNLOADS, async (deb) => {
    const control = (await readControl(deb.path, host)).trimEnd();
    return `${control}\nFilename: ${placeOf(deb)}\nSize: ${deb.sizeBytes}\nSHA256: ${deb.sha256}\n`;
  });
  return paragraphs.toSorted().join('\n');
}
