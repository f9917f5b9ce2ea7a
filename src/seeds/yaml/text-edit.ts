/** Puts `replacement` in place of the text from `start` up to `end` (offsets); an insertion where both are equal. */
export type TextEdit = { readonly start: number; readonly end: number; readonly replacement: string };

/** All edits at once; their offsets are those of the text before any of them. They must not overlap. */
export function applyEdits(text: string, edits: readonly TextEdit[]): string {
  let result = text;
  for (const { start, end, replacement } of edits.toSorted((a, b) => b.start - a.start)) {
    result = result.slice(0, start) + replacement + result.slice(end);
  }
  return result;
}
