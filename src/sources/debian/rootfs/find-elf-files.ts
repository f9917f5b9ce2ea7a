import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ElfFiles } from '../native-programs.js';

const MAGIC = Buffer.from('\x7fELF', 'latin1');
const E_MACHINE_AT = 18;

/**
 * ELF files below `<root>/usr`, without folders named in `skip`. Only regular files: links lead to one of them.
 * Files that may not be read (another user's, in a user namespace) are left out.
 */
export async function findElfFiles(root: string, skip: readonly string[]): Promise<ElfFiles> {
  const found = new Map<string, number>();
  const visit = async (folder: string): Promise<void> => {
    const entries = await readdir(join(root, folder), { withFileTypes: true }).catch(() => []);
    for (const entry of entries) {
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory() && !skip.includes(path)) await visit(path);
      if (!entry.isFile()) continue;
      const machine = await elfMachine(join(root, path));
      if (machine !== undefined) found.set(path, machine);
    }
  };
  await visit('usr');
  return found;
}

async function elfMachine(file: string): Promise<number | undefined> {
  const header = Buffer.alloc(E_MACHINE_AT + 2);
  const handle = await open(file).catch(() => undefined);
  if (handle === undefined) return undefined;
  try {
    const { bytesRead } = await handle.read(header, 0, header.length, 0);
    if (bytesRead < header.length || !header.subarray(0, MAGIC.length).equals(MAGIC)) return undefined;
    return header.readUInt16LE(E_MACHINE_AT);
  } finally {
    await handle.close();
  }
}
