import { copyFile, mkdir, readdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Host } from '../../host/host.js';
import type { FirstDifference } from '../../inspect/first-difference.js';
import { firstDifference } from '../../inspect/first-difference.js';
import { archiveAsOf } from '../../pipeline/archive-date.js';
import type { Reporter } from '../../pipeline/reporter.js';
import { Store } from '../../pipeline/store.js';
import { buildImage } from '../build-image.js';
import type { BuildOptions } from '../build-options.js';

/** What must not change the bytes of an image, and is another in the second build. */
export type Conditions = {
  readonly timeZone: string;
  readonly locale: string;
  readonly umask: number;
  readonly jobs: number;
  /** Name of the folder that store and image are in. */
  readonly folder: string;
};

export type VerifyOptions = BuildOptions & {
  /** Stages whose results are taken from the user's store instead of being made twice. */
  readonly keptStages: readonly string[];
};

export type Verification = {
  readonly board: string;
  readonly system: string;
  readonly same: boolean;
  readonly builds: readonly { readonly conditions: Conditions; readonly sha256: string; readonly durationMs: number }[];
  /** Stages that were made in neither build. */
  readonly kept: readonly string[];
  readonly difference?: FirstDifference;
};

/** Answers of the archive, which changes by the hour, and downloads, which are held to their digests anyway. */
const INPUTS = ['package-lock', 'source-packages'];

/**
 * Builds twice, each in a store of its own and under other conditions, and compares the images. Nothing of it stays.
 *
 * @param under makes this process one of those conditions until the body ends
 * Throws what `buildImage` throws.
 */
export async function verifyBuild(
  options: VerifyOptions,
  under: <T>(conditions: Conditions, body: () => Promise<T>) => Promise<T>,
  host: Host,
  reporter: Reporter,
): Promise<Verification> {
  const store = new Store(host.facts.cacheDir, host);
  await store.prepare();
  await archiveAsOf(store, options.refresh);
  return store.withScratch(async (scratch) => {
    const builds = [];
    const images: string[] = [];
    const made = new Set<string>();
    let names = { board: '', system: '' };
    for (const conditions of conditionsOf(options.jobs)) {
      const folder = join(scratch, conditions.folder);
      await freshStore(store.root, folder, options.keptStages, host);
      const image = join(folder, 'image.img');
      reporter.emit({ type: 'notice', text: `Build ${builds.length + 1} of 2: ${describe(conditions)}` });
      const own = { ...options, output: image, jobs: conditions.jobs, refresh: false };
      const built = await under(conditions, () => buildImage(own, withCache(host, folder), quiet(reporter)));
      for (const { stage, cached } of built.stages) if (!cached) made.add(stage);
      builds.push({ conditions, sha256: built.sha256, durationMs: built.durationMs });
      images.push(image);
      names = { board: built.board, system: built.system };
    }
    const [first = '', second = ''] = images;
    const difference = await firstDifference(first, second, host);
    const kept = [...new Set([...INPUTS, ...options.keptStages])].filter((name) => !made.has(name));
    const same = difference === undefined;
    return { ...names, same, builds, kept, ...(same ? {} : { difference }) };
  });
}

function conditionsOf(jobs: number): readonly Conditions[] {
  return [
    { timeZone: 'UTC', locale: 'C', umask: 0o022, jobs, folder: 'a' },
    { timeZone: 'Pacific/Kiritimati', locale: 'tr_TR.UTF-8', umask: 0o077, jobs: jobs + 1, folder: 'another folder' },
  ];
}

function describe({ timeZone, locale, umask, jobs, folder }: Conditions): string {
  return `time zone ${timeZone}, locale ${locale}, umask ${umask.toString(8).padStart(3, '0')}, ${jobs} jobs, folder "${folder}"`;
}

/** A store with nothing but the inputs of a build, and the results that are to be kept. */
async function freshStore(theirs: string, folder: string, keep: readonly string[], host: Host): Promise<void> {
  const { root } = new Store(join(folder, 'reswarm-os'), host);
  await mkdir(root, { recursive: true });
  await mkdir(join(theirs, 'downloads'), { recursive: true });
  await symlink(join(theirs, 'downloads'), join(root, 'downloads'));
  for (const stage of new Set([...INPUTS, ...keep])) {
    // Entry by entry: what is missing is made in the fresh store, and not in the user's under these conditions.
    const entries = await readdir(join(theirs, stage)).catch(() => []);
    await mkdir(join(root, stage), { recursive: true });
    for (const entry of entries) await symlink(join(theirs, stage, entry), join(root, stage, entry));
  }
  await copyFile(join(theirs, 'archive-as-of'), join(root, 'archive-as-of'));
}

/** The same host with another store. */
function withCache(host: Host, folder: string): Host {
  return new Proxy(host, {
    get(target, name) {
      if (name === 'facts') return { ...target.facts, cacheDir: join(folder, 'reswarm-os') };
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

/** A list of stages is for one build: of two only what was made is told, line by line. */
function quiet(reporter: Reporter): Reporter {
  return {
    emit(event) {
      if (event.type === 'warning' || event.type === 'notice') reporter.emit(event);
      if (event.type !== 'stage-finished' || event.cached) return;
      reporter.emit({ type: 'notice', text: `${event.stage}: done in ${Math.round(event.durationMs / 1000)} s` });
    },
  };
}
