import { relative } from 'node:path';
import type { Problem } from '../errors.js';

/** Paths below the working directory are shorter to read and as clickable. */
export function fromFolder(problem: Problem, folder: string): Problem {
  if (problem.file === undefined) return problem;
  const shorter = relative(folder, problem.file);
  return shorter === '' || shorter.startsWith('..') ? problem : { ...problem, file: shorter };
}

/**
 * What is said of many devices in the same words is said once: a thousand devices share one user-data and its mistake.
 * The first device is named, and how many others there are.
 */
export class GroupedFindings {
  private readonly groups = new Map<string, { first: Problem; count: number }>();

  /** @param name of the device, with which `problem.message` may begin */
  add(problem: Problem, name: string, anywhere = false): void {
    const words = problem.message.replace(new RegExp(`^${name}( \\(row \\d+\\))?: `), '');
    const place = anywhere ? [] : [problem.file, problem.line, problem.column];
    const key = JSON.stringify([problem.code, words, ...place]);
    const group = this.groups.get(key);
    if (group === undefined) this.groups.set(key, { first: problem, count: 1 });
    else group.count += 1;
  }

  list(): readonly Problem[] {
    return [...this.groups.values()].map(({ first, count }) =>
      count === 1
        ? first
        : { ...first, message: `${first.message} — and ${count - 1} more ${count === 2 ? 'device' : 'devices'}` },
    );
  }
}
