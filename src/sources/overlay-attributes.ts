import { UserError } from '../errors.js';
import type { Host } from '../host/host.js';
import type { Sandbox } from '../model/sandbox.js';
import { sha256 } from '../model/sha256.js';

/** What the extended attributes of a folder's files come to. */
export type FolderAttributes = {
  /** Stands for the file capabilities in a key; undefined: there are none. */
  readonly digest?: string;
};

/**
 * Reads the extended attributes below a folder of the user's. File capabilities are kept when it is copied. Labels of
 * security modules and notes of desktop programs belong to the machine that the folder is on. Throws UserError
 * `overlay-acl` and `overlay-capability-unreadable`.
 */
export async function readFolderAttributes(folder: string, toolsRoot: string, host: Host): Promise<FolderAttributes> {
  const sandbox: Sandbox = { root: toolsRoot, mounts: [{ source: folder, target: '/mnt' }], cwd: '/mnt' };
  const args = ['-R', '-P', '-h', '-d', '-m', '^(security\\.capability|system\\.posix_acl_)', '-e', 'hex', '.'];
  const { stdout, stderr } = await host.runIn(sandbox, { file: 'getfattr', args }, { okExitCodes: [0, 1] });
  const unreadable = /^getfattr: (?<path>.*?): security\.capability: (?<why>.*)$/m.exec(stderr)?.groups;
  if (unreadable !== undefined) throw unreadableCapability(folder, unreadable['path'] ?? '', unreadable['why'] ?? '');
  const files = stdout.split('\n\n').filter((block) => block.trim() !== '');
  const withAcl = files.find((block) => block.includes('\nsystem.posix_acl_'));
  if (withAcl !== undefined) {
    const path = /^# file: (.*)$/m.exec(withAcl)?.[1] ?? '';
    const message = `the overlay ${folder} has an access control list on ${path}, which would not reach the image`;
    throw new UserError('overlay-acl', message, {
      hints: [`Take it away: setfacl -R -b ${folder}. Everything in an overlay belongs to root in the image.`],
    });
  }
  return files.length === 0
    ? {}
    : {
        digest: sha256(
          files
            .map((block) => block.trim())
            .sort()
            .join('\n\n'),
        ),
      };
}

/** In a user namespace the kernel does not tell what real root wrote. */
function unreadableCapability(folder: string, path: string, why: string): UserError {
  const message = `the file capability of ${path} in the overlay ${folder} cannot be read without root: ${why}`;
  return new UserError('overlay-capability-unreadable', message, {
    hints: ['Say it in the board or the system instead, under "capabilities", and take it off the file: setcap -r.'],
  });
}
