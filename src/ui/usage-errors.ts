import { stripVTControlCharacters } from 'node:util';
import { didYouMean } from '../config/wording.js';
import { UserError } from '../errors.js';

/**
 * The error for a command that does not exist.
 *
 * @param typed its words, joined by colons as oclif has them
 * @param ids all commands, in the same form
 */
export function unknownCommand(typed: string, ids: readonly string[], bin: string): UserError {
  const known: string[] = [];
  const words = typed.split(':');
  let next = wordsAfter(known, ids);
  for (const word of words) {
    if (!next.includes(word)) break;
    known.push(word);
    next = wordsAfter(known, ids);
  }
  const wrong = words[known.length] ?? '';
  const command = [...known, wrong].join(' ');
  const hint = didYouMean(wrong, next);
  return new UserError('unknown-command', `There is no command "${command}"`, {
    hints: [...(hint === undefined ? [] : [hint]), `All commands: ${[bin, ...known, '--help'].join(' ')}`],
  });
}

function wordsAfter(known: readonly string[], ids: readonly string[]): readonly string[] {
  const all = ids.map((id) => id.split(':')).filter((words) => known.every((word, at) => words[at] === word));
  return [...new Set(all.flatMap((words) => words.slice(known.length, known.length + 1)))];
}

/**
 * The error for flags that a command does not have.
 *
 * @param typed with their hyphens
 * @param names of the command's flags, without hyphens
 */
export function unknownFlags(typed: readonly string[], names: readonly string[], command: string): UserError {
  const known = names.map((name) => `--${name}`);
  const hints = typed.filter((flag) => flag.startsWith('--')).map((flag) => didYouMean(flag, known));
  const what = typed.length === 1 ? 'is no flag' : 'are no flags';
  return new UserError('unknown-flag', `${typed.join(', ')} ${what} of ${command}`, {
    hints: [...hints.filter((hint) => hint !== undefined), `All flags: ${command} --help`],
  });
}

/**
 * The error for a command line that oclif does not take: what is missing, or has a value that is not known.
 *
 * @param said oclif's message, of several lines
 */
export function wrongUsage(said: string, command: string): UserError {
  const lines = stripVTControlCharacters(said)
    .split('\n')
    .map((line) => line.trim().replaceAll(/\s+/g, ' '))
    .filter(
      (line) =>
        line !== '' && !/^(See more help with|The following errors? occurred|Note: |Alternatively, )/.test(line),
    );
  return new UserError('usage-invalid', lines.join(' '), { hints: [`How it is used: ${command} --help`] });
}
