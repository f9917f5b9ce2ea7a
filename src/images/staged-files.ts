import type { FileHandle } from 'node:fs/promises';
import { rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { linkTarget, temporaryBeside, writeSynced } from '../host/replace-file.js';
import { guardSpace } from '../pipeline/disk-full.js';

export const MAKE_ROOM = 'Make room there, or choose another place with --output.';

/**
 * Files that belong together. Each is written beside its place; when all are whole they take their places, one right
 * after the other, in the order in which they were begun. Where a link leads to another place, the file takes that.
 */
export class StagedFiles {
  private readonly staged: { readonly path: string; readonly place: string; readonly temporary: string }[] = [];

  /** `write` gets an empty file that is open for reading and writing; what it wrote is on the disk when this returns. */
  async write<T>(
    path: string,
    mode: number,
    write: (target: FileHandle, temporaryPath: string) => Promise<T>,
  ): Promise<T> {
    const place = await linkTarget(path);
    const temporary = temporaryBeside(place);
    this.staged.push({ path, place, temporary });
    return guardSpace(dirname(place), MAKE_ROOM, () => writeSynced(temporary, mode, write));
  }

  async writeText(path: string, mode: number, text: string): Promise<void> {
    await this.write(path, mode, (target) => target.writeFile(text));
  }

  /** Where the bytes of a file lie now: beside its place, or in it where nobody has written it anew. */
  placeOf(path: string): string {
    return this.staged.find((one) => one.path === path)?.temporary ?? path;
  }

  /** As `stat` tells it, and will still tell when the file is in its place. */
  async fileTime(path: string): Promise<string> {
    return (await stat(this.placeOf(path))).mtime.toISOString();
  }

  get isEmpty(): boolean {
    return this.staged.length === 0;
  }

  async commit(): Promise<void> {
    for (const { place, temporary } of this.staged) await rename(temporary, place);
    this.staged.length = 0;
  }

  async discard(): Promise<void> {
    for (const { temporary } of this.staged) await rm(temporary, { force: true });
  }
}

/** `body` commits; whatever it did not commit is gone when it ends, however it ends. */
export async function withStagedFiles<T>(body: (staged: StagedFiles) => Promise<T>): Promise<T> {
  const staged = new StagedFiles();
  try {
    return await body(staged);
  } finally {
    await staged.discard();
  }
}
