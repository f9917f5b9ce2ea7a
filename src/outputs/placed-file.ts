import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pending } from '../pipeline/graph.js';
import type { Stage } from '../pipeline/stage.js';
import type { WrittenDisk } from './disk.js';

/** Takes a finished file to where the image is wanted. */
export type PlaceFile = (path: string) => Promise<void>;

type MadeFile = WrittenDisk & { readonly path: string };

/** An image that some stage has made as a whole. Its result is what was placed. */
export const placedFileStage: Stage<{ readonly made: Pending<MadeFile>; readonly place: PlaceFile }, WrittenDisk> = {
  name: 'image',
  version: 1,
  group: 'Image',
  key: ({ made: { key } }) => ({ made: key }),

  async run({ made, place }, out) {
    const { path, sizeBytes, sha256 } = await made.get();
    await place(path);
    await writeFile(join(out, 'image.json'), JSON.stringify({ sizeBytes, sha256 }));
  },

  open: async ({ path }) => JSON.parse(await readFile(join(path, 'image.json'), 'utf8')) as WrittenDisk,
};
