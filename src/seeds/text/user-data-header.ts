import type { Problem } from '../../errors.js';
import { nearestWord } from '../../config/wording.js';
import type { SeedFile } from './seed.js';

export type UserDataKind =
  | 'cloud-config'
  | 'cloud-config-archive'
  | 'script'
  | 'boothook'
  | 'include'
  | 'part-handler'
  | 'jinja'
  | 'jsonp'
  | 'mime'
  | 'empty';

/** Longest first, as cloud-init tries them (INCLUSION_TYPES_MAP in cloudinit/handlers/__init__.py, 25.1). */
const HEADERS: readonly (readonly [string, UserDataKind])[] = [
  ['#cloud-config-archive', 'cloud-config-archive'],
  ['#cloud-config-jsonp', 'jsonp'],
  ['#cloud-config', 'cloud-config'],
  ['#cloud-boothook', 'boothook'],
  ['#part-handler', 'part-handler'],
  ['#include-once', 'include'],
  ['#include', 'include'],
  ['## template: jinja', 'jinja'],
  ['#!', 'script'],
];

/** A key at the left margin, or JSON: somebody means it. Anything else is prose, such as a note. */
function looksLikeConfig(text: string): boolean {
  return /^["']?[A-Za-z_][\w-]*["']?:(\s|$)/m.test(text) || /^\s*(\{|---)/.test(text);
}

/** What a user-data is, from its first line; a problem when cloud-init would not know either and ignore it whole. */
export function userDataKind({ text, file }: SeedFile): UserDataKind | Problem {
  // cloud-init lower-cases the text and strips white space from its left before it looks.
  const start = text.trimStart().toLowerCase();
  if (start === '') return 'empty';
  const known = HEADERS.find(([header]) => start.startsWith(header));
  if (known !== undefined) return known[1];
  if (/^(content-type:\s*multipart|mime-version:)/.test(start)) return 'mime';
  const lines = text.split(/\r?\n/);
  const first = lines.findIndex((line) => line.trim() !== '');
  const later = lines.findIndex((line) => line.trimEnd().toLowerCase() === '#cloud-config');
  const line = (lines[first] ?? '').trim();
  const at = { file, line: first + 1, column: 1 };
  const ignored = 'cloud-init would ignore the whole file';
  if (line === '---' && later >= 0) {
    return {
      code: 'seed-marker-first',
      message: `"---" stands before "#cloud-config": ${ignored}`,
      hint: 'Make "#cloud-config" the first line and remove the "---".',
      ...at,
    };
  }
  if (later >= 0) {
    return {
      code: 'seed-no-header',
      message: `"#cloud-config" must be the first line, but it stands in line ${later + 1}: ${ignored}`,
      hint: 'Move it to the very top, above all comments.',
      ...at,
    };
  }
  const meant = line.startsWith('#')
    ? nearestWord(
        line.replace(/^#\s*/, '#'),
        HEADERS.map(([header]) => header),
      )
    : undefined;
  if (meant === undefined && !looksLikeConfig(text)) {
    const message = `cloud-init would ignore this text as a whole: it is neither configuration nor a script`;
    return { code: 'seed-ignored', message, hint: 'Begin a script with "#!/bin/sh".', ...at };
  }
  return {
    code: 'seed-no-header',
    message: `the first line does not say what this is: ${ignored}`,
    hint:
      meant === undefined
        ? 'Begin with a line "#cloud-config" (or "#!/bin/sh" for a script).'
        : `Did you mean "${meant}"? It must be written exactly like that.`,
    ...at,
  };
}
