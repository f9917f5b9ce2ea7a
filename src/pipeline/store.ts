import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Json } from '../model/json.js';
import { canonicalJson } from '../model/json.js';
import { tryFileLock, withFileLock } from '../host/file-lock.js';
import type { Host } from '../host/host.js';
import { guardSpace } from './disk-full.js';
import { makeStoreFolders } from './store-folder.js';
import { removeAbandonedScratch, withScratchIn } from './scratch.js';
import type { SharedFolders } from './stage.js';

/** What the store knows of one finished stage. */
export type StoreEntry = {
  readonly stage: string;
  /** sha256 (hex) of the canonical JSON of what went in. */
  readonly key: string;
  /** `out` of the stage. */
  readonly path: string;
  readonly madeAt: string;
  readonly durationMs: number;
};

const MAKE_ROOM = 'Make room (`reswarm-os cache prune`), or set XDG_CACHE_HOME to a folder on a larger disk.';

/**
 * Content-addressed results: `<cacheDir>/v1/<stage>/<key>/{out/,key.json,stage.json}`.
 * An entry appears by one rename, so it is whole or not there; two builds that want the same one take turns.
 */
export class Store {
  readonly root: string;
  readonly shared: SharedFolders;
  private cleaning: Promise<void> | undefined;

  constructor(
    cacheDir: string,
    private readonly host: Host,
  ) {
    this.root = join(cacheDir, 'v1');
    this.shared = {
      downloads: join(this.root, 'downloads'),
      ccache: join(this.root, 'ccache'),
      kernelBuilds: join(this.root, 'kernel-builds'),
    };
  }

  /** Throws UserError `store-not-writable`, ReswarmError `disk-full`. */
  async prepare(): Promise<void> {
    await this.guardSpace(() => makeStoreFolders(this.root));
  }

  async find(stage: string, key: string): Promise<StoreEntry | undefined> {
    const folder = join(this.root, stage, key);
    try {
      const entry = JSON.parse(await readFile(join(folder, 'stage.json'), 'utf8')) as {
        madeAt: string;
        durationMs: number;
      };
      // The folder's own time is when it was last used; `cache prune` goes by it. What root made is found all the same.
      const now = new Date();
      await utimes(join(folder, 'stage.json'), now, now).catch(() => undefined);
      return { stage, key, path: join(folder, 'out'), ...entry };
    } catch {
      return undefined;
    }
  }

  /** The stage's entry that was made last, for whoever can use any; undefined when it never ran. */
  async newestEntry(stage: string): Promise<StoreEntry | undefined> {
    const [key] = await this.newestFirst(stage);
    return key === undefined ? undefined : this.find(stage, key);
  }

  /** The stage's newest entry other than `key`, to explain what changed; undefined when it never ran. */
  async newestKeyDocument(stage: string, key: string): Promise<Json | undefined> {
    const newest = (await this.newestFirst(stage)).find((other) => other !== key);
    if (newest === undefined) return undefined;
    return JSON.parse(await readFile(join(this.root, stage, newest, 'key.json'), 'utf8')) as Json;
  }

  /** Keys of a stage's entries. `key.json` is written once, so its time is when the entry was made. */
  private async newestFirst(stage: string): Promise<readonly string[]> {
    const folder = join(this.root, stage);
    const names = await readdir(folder).catch(() => []);
    const dated = await Promise.all(
      names.map(async (key) => {
        const time = await stat(join(folder, key, 'key.json')).then(
          (status) => status.mtimeMs,
          () => 0,
        );
        return { key, time };
      }),
    );
    return dated
      .filter(({ time }) => time > 0)
      .sort((a, b) => b.time - a.time)
      .map(({ key }) => key);
  }

  /**
   * Runs `make(out, work)` with two empty folders and keeps `out` under the key, or returns what is there.
   * `onWait` is called once when another process makes the same entry right now.
   */
  async obtain(
    stage: string,
    document: Json,
    make: (out: string, work: string) => Promise<void>,
    onWait: () => void,
  ): Promise<StoreEntry & { readonly cached: boolean }> {
    const key = keyOf(document);
    const present = await this.find(stage, key);
    if (present !== undefined) return { ...present, cached: true };
    return this.withLock(`${stage}-${key}`, onWait, async () => {
      const madeMeanwhile = await this.find(stage, key);
      if (madeMeanwhile !== undefined) return { ...madeMeanwhile, cached: true };
      return { ...(await this.make(stage, key, document, make)), cached: false };
    });
  }

  /** Only one process at a time is inside `body` for the same name. */
  async withLock<T>(name: string, onWait: () => void, body: () => Promise<T>): Promise<T> {
    const { signal } = this.host;
    return this.guardSpace(() => withFileLock(join(this.root, 'locks', name), { signal, onWait }, body));
  }

  /** Whether any process, in whatever container, makes the entry or holds the name right now. */
  async isLocked(name: string): Promise<boolean> {
    const lock = await tryFileLock(join(this.root, 'locks', name));
    await lock?.release();
    return lock === undefined;
  }

  /** Removes the scratch of processes that were killed, once a process. Only for what makes something anyway. */
  async removeAbandoned(): Promise<void> {
    this.cleaning ??= removeAbandonedScratch(join(this.root, 'tmp'), (path) => this.removeTree(path));
    await this.cleaning;
  }

  /** An empty folder on the store's file system, gone when `body` ends, however it ends. */
  async withScratch<T>(body: (folder: string) => Promise<T>): Promise<T> {
    const parent = join(this.root, 'tmp');
    return this.guardSpace(() => withScratchIn(parent, (path) => this.removeTree(path), this.host.signal, body));
  }

  /** Also trees whose files belong to subordinate ids, which only root of the user namespace may remove. */
  async removeTree(path: string): Promise<void> {
    try {
      // A program that was killed this moment may still add a file.
      await rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    } catch (error) {
      if (this.host.facts.privilege === 'root') throw error;
      await this.host.run({
        file: 'unshare',
        args: ['--user', '--map-auto', '--map-root-user', '--', 'rm', '-rf', '--one-file-system', path],
      });
    }
  }

  private async guardSpace<T>(body: () => Promise<T>): Promise<T> {
    return guardSpace(this.root, MAKE_ROOM, body);
  }

  private async make(
    stage: string,
    key: string,
    document: Json,
    make: (out: string, work: string) => Promise<void>,
  ): Promise<StoreEntry> {
    await this.removeAbandoned();
    return this.withScratch(async (scratch) => {
      const entry = join(scratch, 'entry');
      const out = join(entry, 'out');
      const work = join(scratch, 'work');
      await mkdir(out, { recursive: true });
      await mkdir(work);
      const started = performance.now();
      await make(out, work);
      const description = { madeAt: new Date().toISOString(), durationMs: Math.round(performance.now() - started) };
      await writeFile(join(entry, 'key.json'), canonicalJson(document));
      await writeFile(join(entry, 'stage.json'), JSON.stringify(description));
      // The bytes must be on the disk before the name is: after a power cut an entry is whole or absent.
      await this.host.run({ file: 'sync', args: ['--file-system', entry] });
      const final = join(this.root, stage, key);
      await mkdir(join(this.root, stage), { recursive: true });
      await rename(entry, final);
      return { stage, key, path: join(final, 'out'), ...description };
    });
  }
}

export function keyOf(document: Json): string {
  return createHash('sha256').update(canonicalJson(document)).digest('hex');
}
