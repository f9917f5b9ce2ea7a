import type { Position } from '../../config/yaml-source.js';
import type { Problem } from '../../errors.js';
import type { Findings } from '../text/findings.js';
import { userDataKind, type UserDataKind } from '../text/user-data-header.js';

/** One of the texts that a user-data is put together from. */
export type Part = {
  readonly text: string;
  /** Its content type, where one is given: "text/cloud-config". */
  readonly type?: string;
  /** What a part is that has neither a type nor a first line that tells. */
  readonly otherwise?: UserDataKind;
  /** Where a place of `text` stands in the file; without one, where the part begins. */
  readonly place: (inner?: Position) => Position;
};

export type Parts = { readonly parts: readonly Part[]; readonly findings: Findings };

/** The content types that cloud-init has a handler for (INCLUSION_TYPES_MAP and the handlers, 25.1). */
export const PART_TYPES: Readonly<Record<string, UserDataKind>> = {
  'text/cloud-config': 'cloud-config',
  'text/cloud-config-archive': 'cloud-config-archive',
  'text/cloud-config-jsonp': 'jsonp',
  'text/cloud-boothook': 'boothook',
  'text/jinja2': 'jinja',
  'text/part-handler': 'part-handler',
  'text/x-include-url': 'include',
  'text/x-include-once-url': 'include',
  'text/x-shellscript': 'script',
  'text/x-shellscript-per-boot': 'script',
  'text/x-shellscript-per-instance': 'script',
  'text/x-shellscript-per-once': 'script',
};

/** Types that say nothing: the first line of the part does. */
const UNTOLD = ['text/plain', 'text/x-not-multipart', 'application/octet-stream'];

/** What a part is; undefined where cloud-init has no handler for its type; a problem where its first line tells nothing. */
export function partKind({ text, type, otherwise }: Part, file: string): UserDataKind | Problem | undefined {
  if (type === undefined || UNTOLD.includes(type)) {
    const told = userDataKind({ file, text });
    // Prose is no configuration, whatever its type would be.
    return typeof told === 'string' || told.code === 'seed-ignored' ? told : (otherwise ?? told);
  }
  const kind = PART_TYPES[type];
  if (type !== 'text/x-shellscript') return kind;
  // A script that begins like something else is that.
  const byFirstLine = userDataKind({ file, text });
  return typeof byFirstLine === 'string' && byFirstLine !== 'empty' ? byFirstLine : kind;
}

/** Problems of a part's text, placed in the file that holds the part. */
export function placed(problems: readonly Problem[], part: Part, file: string): Problem[] {
  return problems.map((problem) => {
    const { line, column = 1 } = problem;
    return { ...problem, file, ...part.place(line === undefined ? undefined : { line, column }) };
  });
}
