import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { BootFilesReader } from './image-boot-files.js';

type FolderEntry = { readonly path: string; readonly kind: 'file'; readonly file: string };

/** Files of folders as boot loaders look for them: the first folder that has one counts. */
export function folderReader(folders: readonly string[]): BootFilesReader<FolderEntry> {
  return {
    async entries() {
      const found = new Map<string, FolderEntry>();
      for (const folder of folders) {
        for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
          if (!entry.isFile()) continue;
          const file = join(entry.parentPath, entry.name);
          const path = `/${relative(folder, file)}`;
          if (!found.has(path)) found.set(path, { path, kind: 'file', file });
        }
      }
      return [...found.values()];
    },
    content: ({ file }) => createReadStream(file),
  };
}
