import { UserError } from '../errors.js';
import type { Command } from '../model/command.js';
import type { Json } from '../model/json.js';
import type { Sandbox } from '../model/sandbox.js';
import type { Host } from '../host/host.js';

/** A folder that is copied over a tree; everything in it belongs to root afterwards. */
export type CopiedFolder = {
  readonly path: string;
  /** What stands for its bytes in the key. */
  readonly digest: string;
  /** Files from a git checkout carry the umask of whoever cloned it; these get 0644 or 0755. */
  readonly normaliseModes: boolean;
  /** With it, these files get 0755 and all others 0644, whatever the checkout says. Relative paths. */
  readonly programs?: readonly string[];
  /** Stands for file capabilities in the key. */
  readonly attributes?: string | undefined;
};

/** What stands for a folder in the key of a tree. */
export function folderKey({ digest, normaliseModes, attributes }: CopiedFolder): Json {
  return { digest, normaliseModes, ...(attributes === undefined ? {} : { attributes }) };
}

/** Copies folders in order over the tree at /mnt of the sandbox. Throws UserError `overlay-type-differs`. */
export async function copyFolders(folders: readonly CopiedFolder[], sandbox: Sandbox, host: Host): Promise<void> {
  for (const [index, folder] of folders.entries()) {
    const inside = `/run/layer-${index}`;
    const mounts = [...(sandbox.mounts ?? []), { source: folder.path, target: inside }];
    await refuseOtherTypes(folder.path, inside, { ...sandbox, mounts }, host);
    await host.runIn({ ...sandbox, mounts }, copyCommand(`${inside}/`, folder));
    const programs = (folder.programs ?? []).map((path) => `/mnt/${path}`);
    if (programs.length > 0) await host.runIn(sandbox, { file: 'chmod', args: ['0755', '--', ...programs] });
  }
}

/** A folder where the tree has a file, or the other way round: rsync would stop without saying whose, or replace it. */
const OTHER_TYPES = `cd "$0"
find . -mindepth 1 -type d -exec sh -c 'for p; do [ ! -e "/mnt/$p" ] || [ -d "/mnt/$p" ] || echo "folder $p"; done' sh {} +
find . ! -type d -exec sh -c 'for p; do [ -L "/mnt/$p" ] || [ ! -d "/mnt/$p" ] || echo "file $p"; done' sh {} +`;

async function refuseOtherTypes(path: string, inside: string, sandbox: Sandbox, host: Host): Promise<void> {
  const { stdout } = await host.runIn(sandbox, { file: 'sh', args: ['-c', OTHER_TYPES, inside] });
  const [type, place] = /^(folder|file) \.\/(.*)$/m.exec(stdout)?.slice(1) ?? [];
  if (type === undefined) return;
  const other = type === 'file' ? 'folder' : 'file';
  throw new UserError(
    'overlay-type-differs',
    `The overlay ${path} has a ${type} ${place ?? ''}, the image a ${other}`,
    { hints: ['Take it out of the overlay, or give it another name.'] },
  );
}

/** Hard links stay links, and file capabilities are kept; no other attribute of the machine that the folder is on. */
const LINKS_AND_CAPABILITIES = ['--hard-links', '--xattrs', '--filter=+x security.capability', '--filter=-x *'];

/** -K: /lib is a link to /usr/lib and stays one. */
function copyCommand(from: string, { normaliseModes, programs }: CopiedFolder): Command {
  const kept = programs === undefined ? '--chmod=Du=rwx,Dgo=rx,Fu=rwX,Fgo=rX' : '--chmod=D755,F644';
  const options = normaliseModes ? [kept] : LINKS_AND_CAPABILITIES;
  return { file: 'rsync', args: ['-rlptDK', '--chown=0:0', ...options, from, '/mnt/'] };
}

/** Folders come from checkouts and unpacked packages: their times say when somebody cloned or built. */
export async function setTimes(sourceDateEpoch: number, sandbox: Sandbox, host: Host): Promise<void> {
  const date = `@${sourceDateEpoch}`;
  await host.runIn(sandbox, {
    file: 'find',
    args: ['/mnt', '-newermt', date, '-exec', 'touch', '--no-dereference', `--date=${date}`, '{}', '+'],
  });
}
