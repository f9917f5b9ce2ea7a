import type { Problem } from '../../errors.js';
import type { SeedFiles } from '../text/seed.js';
import type { Findings } from '../text/findings.js';
import { mergeFindings } from '../text/findings.js';
import { checkText, OTHER_LIMIT_BYTES, USER_DATA_LIMIT_BYTES } from '../text/text-file.js';
import type { UserWays } from '../login/login-warnings.js';
import { readTinySeed, type TinySeedFiles } from './tiny-seed.js';

/** What an image of a tiny system gets where nothing else is asked for: DHCP, and a shell at the console. */
export const TINY_DEFAULT_SEED: SeedFiles = {
  userData: { file: 'user-data', text: '#cloud-config\n' },
  metaData: { file: 'meta-data', text: 'instance-id: auto\n' },
};

export type TinySeedCheck = Findings & {
  /** How root can log in besides at the console; undefined where the seed is wrong. */
  readonly logins?: readonly UserWays[];
};

/**
 * Everything of a seed that a tiny system (BusyBox, no cloud-init) does not do. What passes is applied as a whole on
 * the device. Codes: those of readTinySeed; warnings `seed-crlf`, `tiny-seed-console-only`.
 *
 * @param hasSsh whether the system has an ssh server
 */
export function checkTinySeed(files: TinySeedFiles, hasSsh = true): TinySeedCheck {
  const { seed, problems } = readTinySeed(files);
  const texts = [files.userData, files.metaData, files.networkConfig].flatMap((file, index) =>
    file === undefined ? [] : [checkText(file, index === 0 ? USER_DATA_LIMIT_BYTES : OTHER_LIMIT_BYTES)],
  );
  const found = mergeFindings({ problems, warnings: [] }, ...texts.map(({ warnings }) => ({ problems: [], warnings })));
  if (problems.length > 0) return found;
  const hasKey = hasSsh && seed.userData.sshKeys.length > 0;
  const { userData } = files;
  const warnings = hasKey || userData === undefined ? [] : [consoleOnly(userData.file, hasSsh)];
  return {
    ...mergeFindings(found, { problems: [], warnings }),
    logins: [{ name: 'root', ways: hasKey ? ['ssh key'] : [] }],
  };
}

function consoleOnly(file: string, hasSsh: boolean): Problem {
  const message = hasSsh
    ? 'nobody can log in over the network: no ssh key is given; the console has a shell without a password'
    : 'nobody can log in over the network: this system has no ssh server; the console has a shell without a password';
  const hint = hasSsh ? 'Give a public key with --ssh-key ~/.ssh/id_ed25519.pub' : 'Build the system with ssh.';
  return { code: 'tiny-seed-console-only', message, hint, file, line: 1, column: 1 };
}
