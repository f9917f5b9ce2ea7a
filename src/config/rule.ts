import type { Path } from './yaml-source.js';

/** A problem that no single key shows; the path says which place in the file it is about. */
export type RuleProblem = {
  readonly path: Path;
  readonly code: string;
  readonly message: string;
  readonly hint: string;
};
