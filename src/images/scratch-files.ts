import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { fileReadInto } from '../host/file-reader.js';
import type { Host } from '../host/host.js';
import { readAtOf, type ReadAt } from '../model/read-at.js';
import { Store } from '../pipeline/store.js';
import { findTools } from '../tools/find-tools.js';

/** What is unpacked while an image is looked at; a folder for it comes into being when it is first asked for. */
export type ScratchFiles = {
  /** Path of a file that is not there yet, in a folder that only we may read. */
  newPath(): Promise<string>;
  /** What was written there, open until all is over. */
  reader(path: string): Promise<{ readonly read: ReadAt; readonly sizeBytes: number }>;
  /** Root of a tools tree whose programs unpack; undefined: this machine's own do. */
  tools(): Promise<string | undefined>;
};

/** Lends scratch that is gone afterwards, however `use` ends. Nothing is written as long as nothing is unpacked. */
export async function withScratchFiles<Result>(
  host: Host,
  knownTools: string | undefined,
  use: (scratch: ScratchFiles) => Promise<Result>,
): Promise<Result> {
  const handles: FileHandle[] = [];
  let count = 0;
  let folder: Promise<string> | undefined;
  let tools: Promise<string | undefined> | undefined;
  let end = (): void => undefined;
  let lent: Promise<void> = Promise.resolve();
  const lend = (): Promise<string> =>
    new Promise((resolve, reject) => {
      const ended = new Promise<void>((done) => {
        end = done;
      });
      const store = new Store(host.facts.cacheDir, host);
      lent = store.prepare().then(() =>
        store.withScratch(async (path) => {
          resolve(path);
          await ended;
        }),
      );
      lent.catch(reject);
    });
  try {
    return await use({
      async newPath() {
        folder ??= lend();
        count += 1;
        return join(await folder, `unpacked-${count}`);
      },
      async reader(path) {
        const file = await open(path, 'r');
        handles.push(file);
        return { read: readAtOf(fileReadInto(file)), sizeBytes: (await file.stat()).size };
      },
      tools: () => (tools ??= knownTools === undefined ? findTools(host) : Promise.resolve(knownTools)),
    });
  } finally {
    for (const file of handles) await file.close();
    end();
    await lent;
  }
}
