import { describeProblem } from '../errors.js';
import type { SeedCheck } from '../provision/check-seed-files.js';

export function describeSeedCheck({ files, findings, errors, warnings }: SeedCheck): string[] {
  const lines = findings.flatMap(({ severity, hint, ...problem }) => [
    describeProblem({ ...problem, message: `${severity}: ${problem.message} [${problem.code}]` }),
    ...(hint === undefined ? [] : [`    ${hint}`]),
  ]);
  const count = (number: number, word: string): string => `${number} ${word}${number === 1 ? '' : 's'}`;
  const summary = `${count(files.length, 'file')}: ${count(errors, 'error')}, ${count(warnings, 'warning')}`;
  return [...lines, ...(lines.length === 0 ? [] : ['']), summary];
}
