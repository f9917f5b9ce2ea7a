import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { UserError } from '../errors.js';

/**
 * Asks for a secret on the terminal without showing it. Throws UserError `secret-needed` where there is none.
 *
 * @param flag how to give it without a terminal, as in "--password-file FILE"
 */
export async function askSecret(question: string, flag: string): Promise<string> {
  if (!process.stdin.isTTY) {
    throw new UserError('secret-needed', `${question} is needed, and there is no terminal to ask on`, {
      hints: [`Give it with ${flag}; "-" reads it from stdin.`],
    });
  }
  process.stderr.write(`${question}: `);
  const silent = new Writable({
    write: (_chunk, _encoding, done) => {
      done();
    },
  });
  const terminal = createInterface({ input: process.stdin, output: silent, terminal: true });
  try {
    return await terminal.question('');
  } finally {
    terminal.close();
    process.stderr.write('\n');
  }
}

/** A new secret, typed twice. Throws UserError `secret-needed`, `secret-empty`, `secret-differs`. */
export async function askNewSecret(question: string, flag: string): Promise<string> {
  const first = await askSecret(question, flag);
  if (first === '') throw new UserError('secret-empty', `${question}: nothing was typed`);
  if (first === (await askSecret(`${question}, again`, flag))) return first;
  throw new UserError('secret-differs', 'The two were not the same', { hints: ['Run the command again.'] });
}
