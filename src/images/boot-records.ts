import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BootRecord } from '../model/boot-record.js';
import type { Host } from '../host/host.js';
import { replaceFile } from '../host/replace-file.js';

const FOLDER = 'boot-checks';

/** Keeps how a check of the image with this sha256 went, the last one only. A record that cannot be kept stops nothing. */
export async function keepBootRecord(sha256: string, record: BootRecord, host: Host): Promise<void> {
  const folder = join(host.facts.cacheDir, FOLDER);
  const path = join(folder, `${sha256}.json`);
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await replaceFile(path, 0o600, (target) => target.writeFile(`${JSON.stringify(record, undefined, 1)}\n`));
  } catch {
    // Without it inspect shows no timeline; the check itself is done.
  }
}

export async function findBootRecord(sha256: string, host: Host): Promise<BootRecord | undefined> {
  try {
    return JSON.parse(await readFile(join(host.facts.cacheDir, FOLDER, `${sha256}.json`), 'utf8')) as BootRecord;
  } catch {
    return undefined;
  }
}
