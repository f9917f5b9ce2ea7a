/** What follows a backslash in wpa_supplicant's printf_decode. */
const ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\',
  '"': '"',
  n: '\n',
  r: '\r',
  t: '\t',
  e: '\x1b',
};

/** netplan writes these as \b, \f and \v, of which wpa_supplicant takes the letter. */
const LETTERS: Readonly<Record<string, string>> = { '\b': 'b', '\f': 'f', '\v': 'v' };

/**
 * The name that wpa_supplicant looks for when a network-config holds `ssid`: netplan writes P"…" with quotes and
 * control characters escaped, but not backslashes (g_strescape with exceptions, src/networkd.c of 1.1), and
 * wpa_supplicant decodes it (printf_decode, src/utils/common.c of 2.10).
 *
 * @returns one character a byte (latin1)
 */
export function ssidOnDevice(ssid: string): string {
  const bytes = Buffer.from(ssid).toString('latin1');
  return bytes
    .replace(/\\(?:x[0-9a-fA-F]{0,2}|[0-7]{1,3}|[^]|$)/g, decoded)
    .replace(/[\b\f\v]/g, (control) => LETTERS[control] ?? control);
}

function decoded(escape: string): string {
  const rest = escape.slice(1);
  if (/^x./.test(rest)) return String.fromCharCode(Number.parseInt(rest.slice(1), 16));
  if (/^[0-7]/.test(rest)) return String.fromCharCode(Number.parseInt(rest, 8) & 0xff);
  return rest === 'x' ? '' : (ESCAPES[rest] ?? rest);
}

/** An SSID as it must stand in a network-config for wpa_supplicant to look for it. */
export function ssidForNetplan(ssid: string): string {
  return ssid.replaceAll('\\', '\\\\');
}
