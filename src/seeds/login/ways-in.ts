import { IMAGE_SHELLS } from '../image/accounts.js';
import { accountsOf, type Account } from './accounts.js';
import { isTrue, listOf, type Mapping } from './plain-values.js';

/** How a user gets in: `screen` is a password at the screen, a keyboard or the serial console. */
export type WayIn = 'ssh key' | 'ssh password' | 'screen';

export type Login = { readonly account: Account; readonly ways: readonly WayIn[]; readonly why: string };

/**
 * For each account of a seed how it can be used, and where it cannot, why. The image itself takes ssh keys only; root
 * never logs in by a password over ssh (Debian's sshd).
 */
export function loginsOf(config: Mapping, publicKeys: readonly string[]): readonly Login[] {
  const takesPasswords = isTrue(config['ssh_pwauth']);
  return accountsOf(config, publicKeys).map((account) => {
    const ways = hasShell(account, config) ? waysOf(account, takesPasswords) : [];
    return { account, ways, why: ways.length > 0 ? '' : whyNot(account, config) };
  });
}

function waysOf({ name, keys, password }: Account, takesPasswords: boolean): WayIn[] {
  const ways: WayIn[] = keys.length > 0 ? ['ssh key'] : [];
  if (password === 'set' && takesPasswords && name !== 'root') ways.push('ssh password');
  if (password === 'set' || password === 'empty') ways.push('screen');
  return ways;
}

/** A shell that is not there ends every login; one that a package brings is there after the first boot. */
export function hasShell({ settings }: Pick<Account, 'settings'>, config: Mapping): boolean {
  const { shell } = settings;
  if (typeof shell !== 'string' || shell === '' || IMAGE_SHELLS.has(shell)) return true;
  const name = shell.split('/').at(-1) ?? '';
  return listOf(config['packages']).some((item) => JSON.stringify(item).includes(`"${name}"`));
}

function whyNot(account: Account, config: Mapping): string {
  const { settings, password } = account;
  if (!hasShell(account, config)) return `its shell ${String(settings['shell'])} is not in the image`;
  if (password === 'locked') return 'its password is locked, because "lock_passwd" is true unless it is given as false';
  if ('ssh_import_id' in settings) return 'the image has no ssh-import-id, which would fetch its keys';
  return 'it has neither an ssh key nor a password';
}
