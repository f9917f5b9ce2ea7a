import { join } from 'node:path';
import type { Host } from '../host/host.js';
import type { Command } from '../model/command.js';
import type { RootFile } from '../model/initramfs.js';
import { GiB } from '../model/bytes.js';
import type { Sandbox } from '../model/sandbox.js';
import { UserError } from '../errors.js';
import { TREE_INSIDE } from './file-system.js';

/** Eight hex digits hold a size in "newc", the only format that the kernel reads. */
const LARGEST_FILE_BYTES = 4 * GiB - 1;

/** Paths from the root, without a slash at the front: "." is the root itself. */
const NAMES = { file: 'find', args: ['.', '(', '-path', '.', '-printf', '.\\0', ')', '-o', '-printf', '%P\\0'] };
const LISTING = { file: 'find', args: ['.', '-type', 'f', '-printf', '%i %s %P\\0'] };

/**
 * The archive as the kernel unpacks it: numbers of inodes and devices are counted from one and links of folders left
 * out, because they are those of the machine. The root itself is the first entry: the kernel would give it mode 1777.
 */
export function cpioCommand(archive: string): Command {
  return {
    file: 'cpio',
    args: ['--create', '--format=newc', '--null', '--reproducible', '--quiet', `--file=${archive}`],
    cwd: TREE_INSIDE,
  };
}

/**
 * Writes the tree at TREE_INSIDE as a cpio archive, names sorted by their bytes, owners, modes and hard links as they
 * are. Throws UserError `initramfs-file-too-large`.
 *
 * @param archive a path inside the sandbox
 * @param scratch a folder of the host and where the sandbox has it, for the list of names
 */
export async function makeCpio(
  archive: string,
  scratch: { readonly path: string; readonly inside: string },
  sandbox: Sandbox,
  host: Host,
): Promise<void> {
  const at = { ...sandbox, cwd: TREE_INSIDE };
  const unsorted = 'names.unsorted';
  await host.runIn(at, NAMES, { stdoutFile: join(scratch.path, unsorted) });
  await host.runIn(at, { file: 'sort', args: sortArgs(`${scratch.inside}/names`, `${scratch.inside}/${unsorted}`) });
  await host.runIn(at, cpioCommand(archive), { stdinFile: join(scratch.path, 'names') });
}

function sortArgs(to: string, from: string): readonly string[] {
  return ['--zero-terminated', `--output=${to}`, from];
}

/** Ordinary files of the tree at TREE_INSIDE, by their names. Throws UserError `initramfs-file-too-large`. */
export async function listRootFiles(sandbox: Sandbox, host: Host): Promise<readonly RootFile[]> {
  const { stdout } = await host.runIn({ ...sandbox, cwd: TREE_INSIDE }, LISTING);
  const listed = stdout
    .split('\0')
    .slice(0, -1)
    .map((line) => {
      const [, inode = '', size = '', path = ''] = /^(\d+) (\d+) (.*)$/s.exec(line) ?? [];
      return { inode, sizeBytes: Number(size), path: `/${path}` };
    })
    .sort((a, b) => (a.path < b.path ? -1 : 1));
  const seen = new Set<string>();
  return listed.map(({ inode, sizeBytes, path }) => {
    if (sizeBytes > LARGEST_FILE_BYTES) throw tooLarge(path, sizeBytes);
    const isFurtherName = seen.has(inode);
    seen.add(inode);
    return { path, sizeBytes: isFurtherName ? 0 : sizeBytes };
  });
}

function tooLarge(path: string, sizeBytes: number): UserError {
  return new UserError(
    'initramfs-file-too-large',
    `${path} has ${sizeBytes} bytes; an initramfs holds files below 4 GiB only`,
    { hints: ['Leave it out, or put it on a data partition.'] },
  );
}
