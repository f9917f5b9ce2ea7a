import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { readHostFacts } from '../../src/host/read-facts.js';

const { cacheDir } = readHostFacts(process.env);
const AS_OF = 'archive-as-of';
/** What each store has to itself: ccache writes into its files, a build of a kernel takes its folder along, locks and scratch belong to one test. */
const OWN = ['tmp', 'locks', 'ccache', 'kernel-builds', AS_OF];

export type PrivateStore = {
  /** On the same file system as the user's store; holds everything that the test makes. */
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  /** `…/v1` */
  readonly root: string;
  /** For images; empty. */
  readonly images: string;
};

/**
 * A store of its own with all that the user's store holds, except the results of some stages. Those make their results
 * anew, and nothing that happens to them harms the user's.
 */
export async function withoutStages(stages: readonly string[]): Promise<PrivateStore> {
  const theirs = join(cacheDir, 'v1');
  const store = await emptyStore();
  for (const name of await readdir(theirs)) {
    if (OWN.includes(name) || stages.includes(name)) continue;
    await symlink(join(theirs, name), join(store.root, name));
  }
  await copyFile(join(theirs, AS_OF), join(store.root, AS_OF));
  return store;
}

export async function emptyStore(): Promise<PrivateStore> {
  const folder = await mkdtemp(join(dirname(cacheDir), 'reswarm-e2e-'));
  const root = join(folder, 'reswarm-os/v1');
  const images = join(folder, 'images');
  await mkdir(root, { recursive: true });
  await mkdir(images);
  return { folder, env: { XDG_CACHE_HOME: folder }, root, images };
}

export async function removeStore({ folder }: PrivateStore): Promise<void> {
  await rm(folder, { recursive: true });
}

/** Command lines of processes that name the folder: ours, whoever their parent is by now. */
export async function processesOf(folder: string): Promise<readonly string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(pids.map((pid) => readFile(join('/proc', pid, 'cmdline'), 'utf8').catch(() => '')));
  return lines.filter((line) => line.includes(folder)).map((line) => line.replaceAll('\0', ' '));
}
