/** Longest model or serial that is shown; real ones end well before. */
const LONGEST = 64;

/** Controls, formatting (bidi, zero width, soft hyphen), separators of lines, private and broken characters. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cs}\p{Cn}]/gu;
/** Blanks that Unicode calls letters or symbols: Hangul fillers, the braille blank, the combining grapheme joiner. */
const BLANK = /\u{115f}|\u{1160}|\u{3164}|\u{ffa0}|\u{2800}|\u{34f}|[\u{fe00}-\u{fe0f}]/gu;

/**
 * Text that a drive says of itself (model, serial, label), safe to show where a person decides which drive to
 * overwrite: nothing in it can hide, reorder or colour what stands around it. Undefined when nothing is left.
 */
export function deviceText(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const seen = unescapeHex(text).replace(UNSEEN, ' ').replace(BLANK, ' ').replace(/\s+/gu, ' ').trim();
  const characters = Array.from(seen);
  const shown = characters.length > LONGEST ? `${characters.slice(0, LONGEST - 1).join('')}…` : seen;
  return shown === '' ? undefined : shown;
}

/** udev and lsblk write unusual bytes as "\x20". */
function unescapeHex(text: string): string {
  return text.replace(/(?:\\x[0-9a-fA-F]{2})+/g, (bytes) =>
    Buffer.from(bytes.replaceAll('\\x', ''), 'hex').toString('utf8'),
  );
}
