import type { Position } from '../../config/yaml-source.js';
import type { Problem } from '../../errors.js';
import type { Findings } from '../text/findings.js';
import { userDataKind, type UserDataKind } from '../text/user-data-header.js';

/** One of the texts that a user-data is put together from. */
export type Part = {
  readonly text: string;
  /** Its content type, where one is given: "text/cloud-config". */
  readonly type?: string;
  /** Out of a cloud-config-archive. */
  readonly isOfArchive?: true;
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
export function partKind(part: Part, file: string): UserDataKind | Problem | undefined {
  if (part.isOfArchive === true) return kindInArchive(part, file);
  const { text, type } = part;
  if (type === undefined || UNTOLD.includes(type)) return userDataKind({ file, text });
  const kind = PART_TYPES[type];
  if (type !== 'text/x-shellscript') return kind;
  // A script that begins like something else is that.
  const byFirstLine = userDataKind({ file, text });
  return typeof byFirstLine === 'string' && byFirstLine !== 'empty' ? byFirstLine : kind;
}

/**
 * In an archive a type that is given counts, whatever the first line says; without one the first line counts, and a
 * cloud-config is what has neither. Addresses are not fetched, and archives in archives not opened: ignored.
 */
function kindInArchive({ text, type }: Part, file: string): UserDataKind | Problem | undefined {
  const told = type === undefined ? userDataKind({ file, text }) : PART_TYPES[type];
  if (told === 'include' || told === 'cloud-config-archive') {
    return ignoredPart(`it reads no ${told === 'include' ? '#include' : told} inside an archive`);
  }
  if (type !== undefined) return told;
  const isNone = told === 'empty' || (typeof told === 'object' && told.code === 'seed-ignored');
  if (isNone) return ignoredPart('it is neither configuration nor a script');
  // Its default (ARCHIVE_UNDEF_TYPE): a first line that tells nothing is a comment.
  return typeof told === 'string' && told !== 'mime' ? told : 'cloud-config';
}

/** The warning about a part that cloud-init passes over. */
export function ignoredPart(why: string): Problem {
  const message = `cloud-init would ignore this part: ${why}`;
  return {
    code: 'seed-part-ignored',
    message,
    hint: 'Begin a script with "#!/bin/sh", a configuration with "#cloud-config".',
  };
}

/** Problems of a part's text, placed in the file that holds the part. */
export function placed(problems: readonly Problem[], part: Part, file: string): Problem[] {
  return problems.map((problem) => {
    const { line, column = 1 } = problem;
    return { ...problem, file, ...part.place(line === undefined ? undefined : { line, column }) };
  });
}
