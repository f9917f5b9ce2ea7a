import type { Problem } from '../../errors.js';

/** `problems` stop a build, `warnings` are shown. */
export type Findings = { readonly problems: readonly Problem[]; readonly warnings: readonly Problem[] };

export const NOTHING_FOUND: Findings = { problems: [], warnings: [] };

/** One of them on its own, as `seed check` lists them. */
export type Finding = Problem & { readonly severity: 'error' | 'warning' };

/** All in one list: file by file, from top to bottom. */
export function withSeverity({ problems, warnings }: Findings): readonly Finding[] {
  const all = [
    ...problems.map((problem): Finding => ({ ...problem, severity: 'error' })),
    ...warnings.map((warning): Finding => ({ ...warning, severity: 'warning' })),
  ];
  const files = [...new Set(all.map(({ file }) => file))];
  return files.flatMap((file) => all.filter((finding) => finding.file === file).toSorted(byPlace));
}

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
