import { createInterface } from 'node:readline/promises';
import { UserError } from '../errors.js';
import { describeFix, type HostFix } from '../maintenance/doctor.js';

/** Shows what would be changed on this machine and asks. Throws UserError `confirmation-needed` without a terminal. */
export async function confirmFix(fix: HostFix): Promise<boolean> {
  process.stderr.write(
    `${fix.title}:\n${describeFix(fix)
      .map((line) => `  ${line}\n`)
      .join('')}`,
  );
  return askYesNo('Run this now?');
}

/** A question whose answer is no unless a person types yes. */
export async function askYesNo(question: string): Promise<boolean> {
  if (!process.stdin.isTTY) {
    throw new UserError('confirmation-needed', `"${question}" needs an answer, and there is no terminal to ask on`, {
      hints: ['--yes agrees beforehand.'],
    });
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `)).trim());
  } finally {
    terminal.close();
  }
}
