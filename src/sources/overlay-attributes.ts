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
 * `overlay-acl` and `overlay-capability-foreign`.
 */
export async function readFolderAttributes(folder: string, toolsRoot: string, host: Host): Promise<FolderAttributes> {
  const sandbox: Sandbox = { root: toolsRoot, mounts: [{ source: folder, target: '/mnt' }], cwd: '/mnt' };
  const args = ['-R', '-P', '-h', '-d', '-m', '^(security\\.capability|system\\.posix_acl_)', '-e', 'hex', '.'];
  const { stdout, stderr } = await host.runIn(sandbox, { file: 'getfattr', args }, { okExitCodes: [0, 1] });
  const files = stdout.split('\n\n').filter((block) => block.trim() !== '');
  const foreign = /^getfattr: (?<path>.*?): security\.capability: /m.exec(stderr) ?? FOREIGN.exec(stdout);
  if (foreign !== null) throw foreignCapability(folder, foreign.groups?.['path'] ?? '');
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

/**
 * Revision 3 (0x03 in the fourth byte) holds for one user namespace only: the kernel shows it to others as it is, or not
 * at all (EOVERFLOW).
 */
const FOREIGN = /^# file: (?<path>.*)\n(?:.+\n)*?security\.capability=0x0[01]000003/m;

function foreignCapability(folder: string, path: string): UserError {
  const message = `the file capability of ${path} in the overlay ${folder} holds for another user namespace only`;
  return new UserError('overlay-capability-foreign', message, {
    hints: [
      'It was set in a container or by a build without root. Take it off (setcap -r), and say it in the board or the system, under "capabilities".',
    ],
  });
}
