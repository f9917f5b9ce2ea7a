import { relative } from 'node:path';
import type { Problem } from '../errors.js';

/** Paths below the working directory are shorter to read and as clickable. */
export function fromCwd(problem: Problem, cwd: string): Problem {
  if (problem.file === undefined) return problem;
  const shorter = relative(cwd, problem.file);
  return shorter.startsWith('..') ? problem : { ...problem, file: shorter };
}
