import { printable } from '../printable.js';

/** HTML that is safe to put into a page as it is. */
export type Markup = { readonly source: string };

type Value = string | number | Markup | readonly Markup[];

/** A piece of a page: whatever is put in is text and gets escaped, unless it is a piece itself. */
export function markup(strings: TemplateStringsArray, ...values: readonly Value[]): Markup {
  const parts = strings.flatMap((text, index) => (index === 0 ? [text] : [written(values[index - 1] ?? ''), text]));
  return { source: parts.join('') };
}

function written(value: Value): string {
  if (typeof value === 'number') return value.toString();
  if (typeof value === 'string') return escapeHtml(value);
  return 'source' in value ? value.source : value.map(({ source }) => source).join('');
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** For text and for attributes in quotes. */
export function escapeHtml(text: string): string {
  return printable(text).replace(/[&<>"']/g, (character) => ESCAPES[character] ?? character);
}
