/** Where cloud-init fills something in. */
const TAG = /\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}/s;

/** A template without its first line; an empty line takes its place, so that all others keep their numbers. */
export function templateBody(text: string): string {
  const start = text.length - text.trimStart().length;
  const end = text.indexOf('\n', start);
  return end < 0 ? '' : `${'\n'.repeat(text.slice(0, end).split('\n').length)}${text.slice(end + 1)}`;
}

/** Whether something would be filled in at all. */
export function hasTags(text: string): boolean {
  return TAG.test(text);
}

/** Whether lines come and go: then the text as it stands here is none that a device gets. */
export function hasStatements(text: string): boolean {
  return /\{%/.test(text);
}

/** A word in the place of each value that is not known. */
export function withPlaceholders(text: string): string {
  return text.replaceAll(/\{#.*?#\}/gs, '').replaceAll(/\{\{.*?\}\}/gs, 'jinja');
}
