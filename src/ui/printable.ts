/** Text out of an image on a terminal: what a terminal would act on, and what breaks a line, is shown as an escape. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (character) => {
    const point = character.codePointAt(0) ?? 0;
    // A byte of a name that is no UTF-8 (formats/file-name.ts).
    const code = point >= 0xdc80 && point <= 0xdcff ? point - 0xdc00 : point;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
  });
}
