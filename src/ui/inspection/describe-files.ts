import type { FileEntry } from '../../formats/file-system/file-entry.js';
import { baseName, formatMode } from '../../formats/file-system/file-entry.js';
import { printable } from '../printable.js';
import { table } from './describe-image.js';

type Listed = FileEntry & { readonly user?: string; readonly group?: string };

/** As `ls -l` has it; a file of a FAT has no mode and no owner. */
export function describeFiles(files: readonly Listed[]): readonly string[] {
  const widest = Math.max(0, ...files.map(({ sizeBytes }) => sizeBytes.toString().length));
  return table(
    files.map((file) => [
      formatMode(file),
      file.user ?? '-',
      file.group ?? '-',
      file.sizeBytes.toString().padStart(widest),
      new Date(file.modifiedSeconds * 1000).toISOString().slice(0, 16).replace('T', ' '),
      printable(baseName(file.path)) + (file.target === undefined ? '' : ` -> ${printable(file.target)}`),
    ]),
  );
}
