/**
 * Names on a disk are bytes, most of them UTF-8 and some not (Latin-1 of an old system). As text, a byte that is no
 * UTF-8 becomes one lone surrogate, U+DC80 for 0x80 to U+DCFF for 0xFF, which no UTF-8 can hold: nothing is lost, and
 * no two names become one (Python calls it surrogateescape, PEP 383).
 */
const ESCAPE = 0xdc00;
const LONGEST_SEQUENCE = 4;
const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function nameOfBytes(bytes: Uint8Array): string {
  return decode(bytes) ?? nameOfMixedBytes(bytes);
}

/** The bytes that a name, or a path of such names, has on a disk. */
export function bytesOfName(name: string): Buffer {
  const parts = name.split(/([\udc80-\udcff])/u);
  return Buffer.concat(
    parts.map((part, index) => (index % 2 === 0 ? Buffer.from(part) : Buffer.of(part.charCodeAt(0) - ESCAPE))),
  );
}

function nameOfMixedBytes(bytes: Uint8Array): string {
  let name = '';
  for (let at = 0; at < bytes.length;) {
    const character = characterAt(bytes, at);
    name += character?.text ?? String.fromCharCode(ESCAPE + (bytes[at] ?? 0));
    at += character?.length ?? 1;
  }
  return name;
}

function characterAt(bytes: Uint8Array, at: number): { readonly text: string; readonly length: number } | undefined {
  for (let length = 1; length <= LONGEST_SEQUENCE && at + length <= bytes.length; length += 1) {
    const text = decode(bytes.subarray(at, at + length));
    if (text !== undefined) return { text, length };
  }
  return undefined;
}

function decode(bytes: Uint8Array): string | undefined {
  try {
    return strict.decode(bytes);
  } catch {
    return undefined;
  }
}
