import { execFileSync } from 'node:child_process';
import { open, truncate, writeFile } from 'node:fs/promises';

/** A loop device that stands for a memory card. */
export type LoopCard = { readonly path: string; readonly file: string; detach(): void };

export async function makeLoopCard(file: string, sizeBytes: number): Promise<LoopCard> {
  await writeFile(file, '');
  await truncate(file, sizeBytes);
  return attachLoopCard(file);
}

/** @param direct past the page cache of the file, so that what is read back comes from where it was written to */
export function attachLoopCard(file: string, direct = false): LoopCard {
  const path = execFileSync('losetup', ['--find', '--show', `--direct-io=${direct ? 'on' : 'off'}`, file], {
    encoding: 'utf8',
  }).trim();
  return {
    path,
    file,
    detach: () => {
      execFileSync('losetup', ['--detach', path]);
    },
  };
}

/** Reads through the device, as the next computer would. */
export async function readCard(path: string, offsetBytes: number, sizeBytes: number): Promise<Buffer> {
  const handle = await open(path, 'r');
  try {
    const bytes = Buffer.alloc(sizeBytes);
    const { bytesRead } = await handle.read(bytes, 0, sizeBytes, offsetBytes);
    return bytes.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

/** Writes through the device, and waits until it is there. */
export async function writeCard(path: string, offsetBytes: number, bytes: Uint8Array): Promise<void> {
  const handle = await open(path, 'r+');
  try {
    await handle.write(bytes, 0, bytes.length, offsetBytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
}
