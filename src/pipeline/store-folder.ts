import { constants } from 'node:fs';
import { access, chmod, chown, mkdir, readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { UserError } from '../errors.js';

/** What the store has besides the entries of stages. */
const OWN_FOLDERS = ['tmp', 'locks', 'downloads', 'ccache', 'kernel-builds'];
/** A seed's password hashes and a fleet's addresses are for the user only. */
const PRIVATE = 0o700;
const SHARED = 0o755;
/** setuid, setgid, sticky */
const SPECIAL_BITS = 0o7000;

/**
 * Makes the store's folders. Their modes are said, not inherited: a setgid folder above would hand its group on to all
 * that an image is made of. Throws UserError `store-not-writable`.
 *
 * @param root `<cacheDir>/v1`
 */
export async function makeStoreFolders(root: string): Promise<void> {
  try {
    await makeAsOwnerAbove(dirname(dirname(root)));
    for (const [path, mode] of foldersOf(root)) {
      await mkdir(path, { recursive: true, mode });
      if (((await stat(path)).mode & SPECIAL_BITS) !== 0) await chmod(path, mode);
    }
    for (const path of [root, ...(await foldersIn(root))]) {
      await access(path, constants.R_OK | constants.W_OK | constants.X_OK);
    }
  } catch (error) {
    const { code = '', path = root } = error as NodeJS.ErrnoException;
    throw FORBIDDEN.has(code) ? await notWritable(root, path, error) : error;
  }
}

const FORBIDDEN = new Set(['EACCES', 'EPERM', 'EROFS', 'EEXIST', 'ENOTDIR', 'ENOENT']);

/** Of stages too: root may have made some of them. */
async function foldersIn(root: string): Promise<readonly string[]> {
  const entries = await readdir(root, { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(root, name));
}

function foldersOf(root: string): readonly (readonly [path: string, mode: number])[] {
  return [[dirname(root), PRIVATE], [root, PRIVATE], ...OWN_FOLDERS.map((name) => [join(root, name), SHARED] as const)];
}

/** `~/.cache` that root makes in the home of a user (`sudo -E`) belongs to the user: other programs need it too. */
async function makeAsOwnerAbove(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true });
  if (first === undefined || process.getuid?.() !== 0) return;
  const { uid, gid } = await stat(dirname(first));
  for (let path = folder; path.length >= first.length; path = dirname(path)) await chown(path, uid, gid);
}

async function notWritable(root: string, path: string, cause: unknown): Promise<UserError> {
  const { code } = cause as NodeJS.ErrnoException;
  const owner = await ownerOf(path);
  const isForeign = owner !== undefined && owner.uid !== process.getuid?.();
  const elsewhere = 'Or set XDG_CACHE_HOME to a folder that you may write to.';
  return new UserError(
    'store-not-writable',
    `The store ${dirname(root)} cannot be used: ${path} (${code ?? 'unknown'})`,
    {
      details: isForeign ? [`${owner.path} belongs to ${owner.uid === 0 ? 'root' : `user ${owner.uid}`}`] : [],
      hints: isForeign
        ? [`If it is yours: sudo chown -R "$(id -u):$(id -g)" ${owner.path}`, elsewhere]
        : ['Set XDG_CACHE_HOME to a folder that you may write to.'],
      cause,
    },
  );
}

/** Of the path, or of the folder that it would be in. */
async function ownerOf(path: string): Promise<{ readonly path: string; readonly uid: number } | undefined> {
  for (let existing = path; existing !== dirname(existing); existing = dirname(existing)) {
    const status = await stat(existing).catch(() => undefined);
    if (status !== undefined) return { path: existing, uid: status.uid };
  }
  return undefined;
}
