import { open, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { UserError } from '../../errors.js';
import type { FileEntry } from '../../formats/file-system/file-entry.js';
import type { FileSystemReader } from '../../formats/file-system/file-system-reader.js';
import { fileReadInto } from '../../host/file-reader.js';
import { fileSha256, streamSha256 } from '../../host/file-digest.js';
import type { Host } from '../../host/host.js';
import { withScratchFiles } from '../../images/scratch-files.js';
import { openSquashfsList } from '../../images/squashfs-files.js';
import { isStrictPath } from '../../model/loose-paths.js';
import { readAtOf } from '../../model/read-at.js';

/** One image of a layered system, looked at by itself. */
export type LayerReport = {
  readonly file: string;
  readonly sizeBytes: number;
  readonly sha256: string;
  /** Files, links and devices in it; paths begin with a slash. */
  readonly paths: readonly string[];
  readonly removed: readonly string[];
  /** Of `paths`: those that tie it to the layers that it was made over. */
  readonly strict: readonly string[];
  /** What a device wrote into it when it saved it; undefined for a layer of a build. */
  readonly over?: SavedOver;
  /** Extended attributes of overlays that the device would not obey. */
  readonly unfit: readonly { readonly path: string; readonly name: string }[];
};

/** Over which layers it was saved. */
export type SavedOver = {
  readonly loose: boolean;
  readonly layers: readonly { readonly file: string; readonly sha256: string }[];
};

/** Throws UserError `layer-file-not-found`, and what `openSquashfs` throws. */
export async function readLayerFile(path: string, host: Host): Promise<LayerReport> {
  return withLayer(path, host, ({ report }) => Promise.resolve(report));
}

/** By path: what two layers can differ in. Throws as `readLayerFile`. */
export async function readLayerContent(path: string, host: Host): Promise<LayerContent> {
  return withLayer(path, host, async ({ report: { sha256, removed }, shown, reader }) => {
    const digests = new Map(removed.map((one) => [`whiteout ${one}`, '']));
    for (const entry of shown.filter((one) => !isWhiteout(one))) {
      const { kind, owner, target = '' } = entry;
      const content = kind === 'file' ? await streamSha256(reader.content(entry)) : target;
      digests.set(entry.path, JSON.stringify([kind, owner, content]));
    }
    return { sha256, digests };
  });
}

export type LayerContent = { readonly sha256: string; readonly digests: ReadonlyMap<string, string> };

type OpenedLayer = {
  readonly report: LayerReport;
  readonly shown: readonly FileEntry[];
  readonly reader: FileSystemReader;
};

async function withLayer<T>(path: string, host: Host, use: (layer: OpenedLayer) => Promise<T>): Promise<T> {
  const status = await stat(path).catch(() => undefined);
  if (status?.isFile() !== true) {
    throw new UserError('layer-file-not-found', `there is no layer ${path}`, {
      hints: ['Give the path of a .sqfs file.'],
    });
  }
  return withScratchFiles(host, undefined, async (scratch) => {
    const handle = await open(path);
    try {
      const read = readAtOf(fileReadInto(handle));
      const { reader, attributes } = await openSquashfsList(read, status.size, path, scratch, host);
      const entries = await reader.entries();
      const shown = entries.filter(({ kind }) => kind !== 'folder');
      const removed = shown.filter(isWhiteout).map((one) => one.path);
      const paths = shown.filter((one) => !isWhiteout(one)).map((one) => one.path);
      const saved = paths.find(
        (one) => one === `/usr/lib/reswarm/layers/${basename(path).replace(/\.sqfs$/, '')}.over`,
      );
      const text = saved === undefined ? undefined : (await reader.readFile(saved))?.toString();
      const report = {
        file: basename(path),
        sizeBytes: status.size,
        sha256: await fileSha256(path),
        paths,
        removed,
        strict: [...paths, ...removed].filter((one) => isStrictPath(one.slice(1))),
        ...(text === undefined ? {} : { over: parseOver(text) }),
        unfit: attributes.filter(({ name }) => UNFIT.test(name)),
      };
      return await use({ report, shown, reader });
    } finally {
      await handle.close();
    }
  });
}

/** Ways in which an overlay notes what ours does not look at: moved folders, copied attributes, marks for users. */
const UNFIT = /^trusted\.overlay\.(redirect|metacopy)$|^user\.overlay\./;

/** Devices of a layer are whiteouts: a Debian tree has none, its /dev is made when it starts. */
function isWhiteout({ kind }: { readonly kind: string }): boolean {
  return kind === 'character-device';
}

function parseOver(text: string): SavedOver {
  const lines = text.split('\n').filter((line) => line !== '');
  const layers = lines
    .filter((line) => !line.startsWith('loose '))
    .map((line) => ({ sha256: line.slice(0, 64), file: line.slice(65) }));
  return { loose: lines[0]?.startsWith('loose ') === true, layers };
}
