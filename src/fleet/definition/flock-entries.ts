import { readdir } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import type { Problem } from '../../errors.js';
import { readFlock } from '../../seeds/device/flock.js';
import { OTHER_LIMIT_BYTES, readSeedFile } from '../../seeds/text/text-file.js';
import type { DeviceEntries, DeviceEntry } from './device-entry.js';

/**
 * The devices of a folder: one for each .flock file, and for each .reswarm file without a .flock of the same name
 * (FlockFlasher writes both). Codes: those of readSeedFile and readFlock, `fleet-empty`.
 */
export async function readFlockEntries(folder: string): Promise<DeviceEntries> {
  const names = (await readdir(folder)).toSorted();
  const stems = new Set(names.filter((name) => name.endsWith('.flock')).map((name) => basename(name, '.flock')));
  const chosen = names.filter(
    (name) => name.endsWith('.flock') || (name.endsWith('.reswarm') && !stems.has(basename(name, '.reswarm'))),
  );
  if (chosen.length === 0) {
    const message = 'there is no .flock file in this folder';
    return { entries: [], problems: [{ code: 'fleet-empty', message, file: folder }] };
  }
  const entries: DeviceEntry[] = [];
  const problems: Problem[] = [];
  for (const name of chosen) {
    const file = join(folder, name);
    const read = await readSeedFile(file, OTHER_LIMIT_BYTES);
    if ('problem' in read) {
      problems.push(read.problem);
      continue;
    }
    const { identity, problems: found } = readFlock(read.file);
    problems.push(...found);
    if (found.length > 0) continue;
    const value = { name: identity.hostname ?? basename(name, extname(name)), flock: file };
    const locate = () => ({ line: 1, column: 1 });
    entries.push({ value, source: { file, text: '', value, root: undefined, locate, problems: [] } });
  }
  return { entries, problems };
}
