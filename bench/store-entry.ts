import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { readHostFacts } from '../src/host/read-facts.js';
import type { ImageDescription } from './image-description.js';

/** Folder of a stage's result that went into an image. Throws when the store has it no more. */
export async function storeEntry(description: ImageDescription, stage: string): Promise<string> {
  const key = description.build.stages.find((record) => record.stage === stage)?.key;
  const folder = join(readHostFacts(process.env).cacheDir, 'v1', stage, key ?? 'none', 'out');
  await access(folder);
  return folder;
}
