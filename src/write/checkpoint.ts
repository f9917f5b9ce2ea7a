import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BlockDevice } from '../host/drives/block-device.js';
import type { WritePlan } from './write-plan.js';
import type { Host } from '../host/host.js';
import { BlockState } from './block-state.js';

/** Blocks that were on a card when a run was cut off: what it says is looked at before it is believed. */
export type Checkpoint = {
  load(): Promise<readonly number[]>;
  /** @param states of the blocks, as BlockState */
  save(states: Uint8Array): Promise<void>;
  remove(): Promise<void>;
};

type CheckpointFile = { readonly version: 1; readonly plan: string; readonly done: readonly [number, number][] };

const VERSION = 1;
/** Who starts again later than this writes the card in full. */
const KEPT_MS = 30 * 24 * 60 * 60 * 1000;

/**
 * The checkpoint of one card: a file that only we may read, in the cache folder. A card with another identity, or an
 * image with other ranges, has none.
 */
export function openCheckpoint(device: BlockDevice, plan: WritePlan, head: Uint8Array, host: Host): Checkpoint {
  const folder = join(host.facts.cacheDir, 'flash');
  const { path, majorMinor, sizeBytes, model, serial, cid, wwn, backingFile } = device;
  const identity = serial ?? cid ?? wwn ?? backingFile ?? `${path} ${majorMinor}`;
  const name = digest([identity, model ?? '', String(sizeBytes)]);
  const file = join(folder, `${name}.json`);
  const planDigest = digest([
    String(plan.imageSizeBytes),
    Buffer.from(head).toString('hex'),
    ...plan.blocks.map((block) => `${block.offsetBytes}+${block.sizeBytes}`),
  ]);
  let isTidy = false;
  return {
    async load() {
      try {
        const saved = JSON.parse(await readFile(file, 'utf8')) as CheckpointFile;
        if ((saved.version as number) !== VERSION || saved.plan !== planDigest) return [];
        return saved.done
          .flatMap(([from, until]) => Array.from({ length: until - from }, (_, index) => from + index))
          .filter((block) => block < plan.blocks.length);
      } catch {
        // None, or one that a full disk cut off: everything is written.
        return [];
      }
    },
    async save(states) {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      if (!isTidy) await removeOldCheckpoints(folder);
      isTidy = true;
      const content: CheckpointFile = { version: VERSION, plan: planDigest, done: runsOf(states) };
      await writeFile(`${file}.part`, JSON.stringify(content), { mode: 0o600 });
      await rename(`${file}.part`, file);
    },
    remove: () => rm(file, { force: true }),
  };
}

/** Of cards that were never finished. */
async function removeOldCheckpoints(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    const status = await stat(path).catch(() => undefined);
    if (status !== undefined && Date.now() - status.mtimeMs > KEPT_MS) await rm(path, { force: true });
  }
}

function runsOf(states: Uint8Array): [number, number][] {
  const runs: [number, number][] = [];
  for (const [block, state] of states.entries()) {
    if (state !== BlockState.written && state !== BlockState.verified) continue;
    const last = runs.at(-1);
    if (last?.[1] === block) last[1] = block + 1;
    else runs.push([block, block + 1]);
  }
  return runs;
}

function digest(parts: readonly string[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(`${part}\n`);
  return hash.digest('hex');
}
