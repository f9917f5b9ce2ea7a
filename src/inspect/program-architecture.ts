import { ELF_HEADER_BYTES, elfArchitecture } from '../formats/elf.js';
import type { FileEntry } from '../formats/file-system/file-entry.js';
import type { FileView } from '../images/file-view.js';

/** What every small root has one of. */
const FIRST_PROGRAMS = ['/init', '/sbin/init', '/bin/sh', '/bin/busybox', '/usr/bin/busybox'];
/** More than a folder of scripts. */
const MOST_TRIED = 50;
const EXECUTABLE = 0o111;

/** What Debian calls the processor that the programs of a root are for: where no package says it. */
export async function programArchitecture(files: FileView): Promise<string | undefined> {
  const first = FIRST_PROGRAMS.map((path) => files.find(path)).filter((entry) => entry !== undefined);
  const others = files.entries.filter(({ owner, sizeBytes }) => {
    return owner !== undefined && (owner.mode & EXECUTABLE) !== 0 && sizeBytes >= ELF_HEADER_BYTES;
  });
  for (const entry of [...first, ...others.slice(0, MOST_TRIED)]) {
    if (entry.kind !== 'file' || entry.notRead !== undefined) continue;
    const found = elfArchitecture(await beginningOf(files, entry));
    if (found !== undefined) return found;
  }
  return undefined;
}

async function beginningOf(files: FileView, entry: FileEntry): Promise<Buffer> {
  for await (const bytes of files.content(entry)) return Buffer.from(bytes.subarray(0, ELF_HEADER_BYTES));
  return Buffer.alloc(0);
}
