import * as z from 'zod';
import type { Problem } from '../errors.js';
import type { FileChain } from './file-chain.js';
import type { YamlSource } from './yaml-source.js';
import { problemsFromZod } from './zod-problems.js';

/** Each issue is shown in the file that it comes from: a family's mistake is not the board's. */
export function chainProblems(error: z.ZodError, chain: FileChain, schema: z.core.$ZodType): Problem[] {
  const issues = error.issues.flatMap((issue): z.core.$ZodIssue[] =>
    issue.code === 'unrecognized_keys' ? issue.keys.map((key) => ({ ...issue, keys: [key] })) : [issue],
  );
  const bySource = new Map<YamlSource, z.core.$ZodIssue[]>();
  for (const issue of issues) {
    const path = issue.code === 'unrecognized_keys' ? [...issue.path, ...issue.keys] : issue.path;
    const source = chain.sourceOf(path.filter((part) => typeof part !== 'symbol'));
    bySource.set(source, [...(bySource.get(source) ?? []), issue]);
  }
  return [...bySource].flatMap(([source, own]) =>
    problemsFromZod(new z.ZodError(own), source, source.file, { schema }),
  );
}

/** As a person works through the files. */
export function byPlace(a: Problem, b: Problem): number {
  if (a.file !== b.file) return (a.file ?? '') < (b.file ?? '') ? -1 : 1;
  return (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0);
}
