import { copyFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { PinnedSoftware } from '../../model/software.js';
import type { Made, Stage, StageContext } from '../../pipeline/stage.js';

/** Some bytes that are known by their digest, wherever they come from. */
export type PinnedFile = {
  readonly source: { readonly url: string } | { readonly path: string };
  readonly sha256: string;
};

/**
 * Brings a pinned file into the folder of downloads, unless it is there. Throws NetworkError `download-failed` or
 * `offline`, IntegrityError `digest-mismatch`.
 *
 * @returns its path there
 */
export async function fetchPinned({ source, sha256 }: PinnedFile, context: StageContext): Promise<string> {
  const from = 'url' in source ? source.url : source.path;
  const path = join(context.shared.downloads, sha256);
  context.report.step(`fetching ${basename(from)}`);
  await context.host.download({
    urls: [from],
    sha256,
    path,
    onProgress: ({ doneBytes, totalBytes }) => {
      if (totalBytes > 0) context.report.progress({ done: doneBytes, total: totalBytes, unit: 'bytes' });
    },
  });
  return path;
}

export type SoftwareInput = { readonly software: readonly PinnedSoftware[] };

/** The files of one's own software, each in `out` under its sha256. */
export const softwareStage: Stage<SoftwareInput, Made> = {
  name: 'software',
  version: 1,
  group: 'Packages of the root file system',
  open: (made) => made,
  key: ({ software }) => ({ files: digests(software) }),

  async run({ software }, out, context) {
    for (const file of software.flatMap(({ files }) => files)) {
      await copyFile(await fetchPinned(file, context), join(out, file.sha256));
    }
  },
};

function digests(software: readonly PinnedSoftware[]): readonly string[] {
  return [...new Set(software.flatMap(({ files }) => files.map(({ sha256 }) => sha256)))].sort();
}
