import type { FileEntry } from '../formats/file-system/file-entry.js';
import type { FileChange, FileChanges, ImageDiff } from './image-diff.js';
import { compareFacts, compareLines, comparePackages, compareSizes, notComparedIn } from './image-diff.js';
import type { ImageReport } from './image-report.js';
import { folderSizes } from './folder-sizes.js';
import type { Host } from '../host/host.js';
import { reportImage } from './inspect-image.js';
import type { FileView } from '../images/file-view.js';
import { withMountedImage } from '../images/mounted-image.js';

/** Compares two images: what they say of themselves, their packages and every file. */
export async function diffImages(first: string, second: string, host: Host): Promise<ImageDiff> {
  return withMountedImage(first, host, async (one) =>
    withMountedImage(second, host, async (other) => {
      const [before, after] = [await reportImage(one, host), await reportImage(other, host)];
      const files = await compareFiles(one.files, other.files, host);
      const sizes = (report: ImageReport): ReadonlyMap<string, number> =>
        new Map([
          ...report.packages.list.map(({ name, diskBytes }) => [name, diskBytes] as const),
          ['(no package)', report.packages.unownedBytes] as const,
        ]);
      const diff = {
        first,
        second,
        sizeBytes: [before.sizeBytes, after.sizeBytes] as const,
        facts: compareFacts(before, after),
        packages: comparePackages(before.packages.list, after.packages.list),
        files,
        folders: compareSizes(folderMap(one.files), folderMap(other.files)),
        packageSizes: compareSizes(sizes(before), sizes(after)),
        configTxt: compareLines(before.boot.configTxt, after.boot.configTxt),
        commandLine: compareLines(words(before), words(after)),
      };
      const notCompared = [...new Set([...notComparedIn(before), ...notComparedIn(after), ...unreadNames(one, other)])];
      const changes = [diff.facts, files.added, files.removed, files.changed, notCompared];
      const isSame = before.sizeBytes === after.sizeBytes && changes.every((list) => list.length === 0);
      const isCopy = before.sha256 !== undefined && before.sha256 === after.sha256;
      return { ...diff, notCompared, same: isSame || isCopy };
    }),
  );
}

function words(report: ImageReport): readonly string[] {
  return report.boot.commandLine.split(/\s+/).filter((word) => word !== '');
}

function folderMap(files: FileView): ReadonlyMap<string, number> {
  return new Map(folderSizes(files.entries).map(({ path, diskBytes }) => [path, diskBytes]));
}

async function compareFiles(first: FileView, second: FileView, host: Host): Promise<FileChanges> {
  const before = new Map(first.entries.map((entry) => [entry.path, entry]));
  const after = new Map(second.entries.map((entry) => [entry.path, entry]));
  const changed: FileChange[] = [];
  for (const [path, entry] of before) {
    const other = after.get(path);
    if (other === undefined) continue;
    host.signal.throwIfAborted();
    const what = differences(entry, other);
    const isRead = entry.notRead === undefined && other.notRead === undefined;
    const isSameSize = isRead && entry.kind === 'file' && other.kind === 'file' && entry.sizeBytes === other.sizeBytes;
    if (isSameSize && !(await haveSameContent(first.content(entry), second.content(other)))) what.unshift('content');
    if (what.length > 0) changed.push({ path, what });
  }
  return {
    added: [...after.keys()].filter((path) => !before.has(path)),
    removed: [...before.keys()].filter((path) => !after.has(path)),
    changed,
  };
}

/** Encrypted folders and files. */
function unreadNames(...images: readonly { readonly files: FileView }[]): readonly string[] {
  return images.flatMap(({ files }) =>
    files.entries.flatMap(({ path, notRead }) => (notRead === undefined ? [] : [`${path}: uses ${notRead}`])),
  );
}

function differences(a: FileEntry, b: FileEntry): string[] {
  if (a.kind !== b.kind) return ['kind'];
  const isFile = a.kind === 'file';
  return [
    ...(isFile && a.sizeBytes !== b.sizeBytes ? ['size'] : []),
    ...(a.target !== b.target ? ['target'] : []),
    ...(a.owner?.mode !== b.owner?.mode ? ['mode'] : []),
    ...(a.owner?.uid !== b.owner?.uid || a.owner?.gid !== b.owner?.gid ? ['owner'] : []),
  ];
}

/** Two streams of the same length, whose pieces need not be. */
async function haveSameContent(a: AsyncIterable<Uint8Array>, b: AsyncIterable<Uint8Array>): Promise<boolean> {
  const others = b[Symbol.asyncIterator]();
  let rest: Uint8Array = new Uint8Array();
  for await (const piece of a) {
    for (let at = 0; at < piece.length;) {
      if (rest.length === 0) {
        const next = await others.next();
        if (next.done === true) return false;
        rest = next.value;
      }
      const size = Math.min(rest.length, piece.length - at);
      if (Buffer.compare(piece.subarray(at, at + size), rest.subarray(0, size)) !== 0) return false;
      rest = rest.subarray(size);
      at += size;
    }
  }
  return true;
}
