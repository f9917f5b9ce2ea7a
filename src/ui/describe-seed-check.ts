import { describeProblem } from '../errors.js';
import type { SeedCheck } from '../provision/check-seed-files.js';

const WAYS = {
  'ssh key': 'ssh with a key',
  'ssh password': 'ssh with a password',
  screen: 'password at the screen or the serial console',
} as const;

export function describeSeedCheck({ files, findings, errors, warnings, logins = [] }: SeedCheck): string[] {
  const lines = findings.flatMap(({ severity, hint, ...problem }) => [
    describeProblem({ ...problem, message: `${severity}: ${problem.message} [${problem.code}]` }),
    ...(hint === undefined ? [] : [`    ${hint}`]),
  ]);
  const count = (number: number, word: string): string => `${number} ${word}${number === 1 ? '' : 's'}`;
  const summary = `${count(files.length, 'file')}: ${count(errors, 'error')}, ${count(warnings, 'warning')}`;
  const ways = logins
    .filter((one) => one.ways.length > 0)
    .map(({ name, ways }) => `${name} logs in by ${ways.map((way) => WAYS[way]).join(', ')}`);
  return [...lines, ...(lines.length === 0 ? [] : ['']), ...ways, summary];
}
