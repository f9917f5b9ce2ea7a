import type { Problem } from '../../errors.js';

/** `problems` stop a build, `warnings` are shown. */
export type Findings = { readonly problems: readonly Problem[]; readonly warnings: readonly Problem[] };

export const NOTHING_FOUND: Findings = { problems: [], warnings: [] };

/** In the order of the text, so that a person can mend a file from top to bottom. */
export function mergeFindings(...all: readonly Findings[]): Findings {
  return {
    problems: all.flatMap(({ problems }) => problems).toSorted(byPlace),
    warnings: all.flatMap(({ warnings }) => warnings).toSorted(byPlace),
  };
}

function byPlace(a: Problem, b: Problem): number {
  if (a.file !== b.file) return 0;
  return (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0);
}
