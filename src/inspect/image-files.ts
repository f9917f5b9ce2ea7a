import type { FileEntry } from '../formats/file-system/file-entry.js';
import { parentOf } from '../formats/file-system/file-entry.js';
import { UserError } from '../errors.js';
import type { Host } from '../host/host.js';
import type { ExtractSummary } from './extract-files.js';
import { extractFiles } from './extract-files.js';
import type { FileView } from '../images/file-view.js';
import { withMountedImage } from '../images/mounted-image.js';

/** A name and whom it belongs to, in the image's own words. */
export type ListedFile = FileEntry & { readonly user?: string; readonly group?: string };

/** What is in a folder, or the one file; a link at the end of the path is followed when it leads to a folder. */
export async function listImageFiles(image: string, path: string, host: Host): Promise<readonly ListedFile[]> {
  return withMountedImage(image, host, async ({ files }) => {
    const itself = files.lookUp(path, false);
    const target = files.find(path);
    const entries = target?.kind === 'folder' ? files.children(target.path) : [itself];
    const users = await idNames(files, '/etc/passwd');
    const groups = await idNames(files, '/etc/group');
    return entries.map((entry) => {
      if (entry.owner === undefined) return entry;
      const { uid, gid } = entry.owner;
      return { ...entry, user: users.get(uid) ?? uid.toString(), group: groups.get(gid) ?? gid.toString() };
    });
  });
}

/** Hands a file's bytes on; links are followed. Throws UserError `path-not-found` or `path-not-a-file`. */
export async function readImageFile(
  image: string,
  path: string,
  host: Host,
  take: (bytes: Uint8Array) => Promise<void>,
): Promise<FileEntry> {
  return withMountedImage(image, host, async ({ files }) => {
    const entry = lookUpTarget(files, path);
    if (entry.kind !== 'file') {
      throw new UserError('path-not-a-file', `${entry.path} in ${image} is a ${entry.kind}, not a file`, {
        hints: [entry.kind === 'folder' ? `Look into it with --ls ${entry.path}.` : 'It has no content.'],
      });
    }
    for await (const bytes of files.content(entry)) await take(bytes);
    return entry;
  });
}

/** Copies a file or a folder with all in it out of the image. Throws what extractFiles throws, and `path-not-found`. */
export async function extractFromImage(
  options: { readonly image: string; readonly path: string; readonly to: string; readonly replace: boolean },
  host: Host,
): Promise<ExtractSummary> {
  return withMountedImage(options.image, host, async ({ files }) => {
    const link = files.lookUp(options.path, false);
    // A link is copied as what it leads to when it was named itself: nobody wants a dangling link for a file.
    const entry = link.kind === 'link' ? lookUpTarget(files, options.path) : link;
    return extractFiles(files, entry, options, host);
  });
}

function lookUpTarget(files: FileView, path: string): FileEntry {
  const found = files.find(path);
  if (found !== undefined) return found;
  const link = files.lookUp(path, false);
  throw new UserError('path-not-found', `${link.path} is a link to ${link.target ?? ''}, and nothing is there`, {
    hints: [`Look around it with --ls ${parentOf(link.path)}.`],
  });
}

/** Ids and their names: the third and the first field of /etc/passwd and /etc/group. */
async function idNames(files: FileView, path: string): Promise<ReadonlyMap<number, string>> {
  const lines = ((await files.text(path)) ?? '').split('\n').map((line) => line.split(':'));
  return new Map(lines.flatMap(([name, , id]) => (name === undefined || id === undefined ? [] : [[Number(id), name]])));
}
