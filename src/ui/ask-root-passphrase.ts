import { UserError } from '../errors.js';
import { passphraseProblems } from '../build/read-root-key.js';
import { askSecret } from './ask-secret.js';

/** Asks twice, for nobody sees what is typed. Throws UserError `secret-needed`, `root-key-unfit`, `root-key-differs`. */
export async function askRootPassphrase(): Promise<string> {
  const passphrase = await askSecret('Passphrase of the root', '--root-key FILE');
  const problems = passphraseProblems(passphrase);
  if (problems.length > 0) throw UserError.fromProblems(problems);
  if ((await askSecret('Once more', '--root-key FILE')) === passphrase) return passphrase;
  throw new UserError('root-key-differs', 'These are two different passphrases', { hints: ['Start again.'] });
}
