import type { Problem } from '../errors.js';

/** A line that a person wrote: a path or glob that goes in or stays out, with the comments above it. */
export type HandLine = {
  readonly sign: '+' | '-';
  readonly glob: string;
  readonly line: number;
  readonly comments: readonly string[];
};

/** The files of a workload, as a committed text file lists them. */
export type FileList = {
  /** Absolute paths, sorted; a folder that is there for its own sake ends in `/`. */
  readonly paths: readonly { readonly path: string; readonly line: number }[];
  readonly byHand: readonly HandLine[];
  /** Comments at the head. */
  readonly header: readonly string[];
};

/**
 * Reads a list: a path a line, `# comments`, and lines of people, `+ GLOB` and `- GLOB`. Codes: `file-list-line`,
 * `file-list-twice`.
 */
export function parseFileList(text: string, file: string): { readonly list: FileList; readonly problems: Problem[] } {
  const problems: Problem[] = [];
  const paths = new Map<string, number>();
  const byHand: HandLine[] = [];
  const header: string[] = [];
  let comments: string[] = [];
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const line = index + 1;
    const found = raw.trimEnd();
    if (found.startsWith('#')) {
      if (paths.size === 0 && byHand.length === 0) header.push(found);
      comments.push(found);
      continue;
    }
    const [, sign, glob] = /^([+-])\s*(\/.*)$/.exec(found) ?? [];
    if (sign !== undefined && glob !== undefined) {
      byHand.push({ sign: sign as '+' | '-', glob, line, comments: comments.filter((one) => !header.includes(one)) });
    } else if (found.startsWith('/')) {
      const before = paths.get(found);
      if (before !== undefined) {
        const message = `${found} stands in line ${before} already`;
        problems.push({ code: 'file-list-twice', message, hint: 'Remove one of the two.', file, line, column: 1 });
      } else paths.set(found, line);
    } else if (found !== '') {
      const message = `"${found}" is neither a path nor a comment`;
      const hint = 'A line is an absolute path, "+ PATH", "- PATH" or "# text".';
      problems.push({ code: 'file-list-line', message, hint, file, line, column: 1 });
    }
    comments = [];
  }
  return { list: { paths: [...paths].map(([path, line]) => ({ path, line })), byHand, header }, problems };
}

/** The text of a list. Lines of people come last, each below its comments. */
export function formatFileList(
  header: readonly string[],
  paths: readonly string[],
  byHand: readonly Pick<HandLine, 'sign' | 'glob' | 'comments'>[],
): string {
  const sorted = [...new Set(paths)].sort();
  const hand = byHand.flatMap(({ sign, glob, comments }) => [...comments, `${sign} ${glob}`]);
  return [...header, ...sorted, ...(hand.length === 0 ? [] : ['', ...hand]), ''].join('\n');
}
