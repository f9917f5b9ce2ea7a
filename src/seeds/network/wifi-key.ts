import { pbkdf2Sync } from 'node:crypto';

const known = new Map<string, string>();

/**
 * The key that WPA makes of a passphrase and a network's name (IEEE 802.11i, H.4), as 64 hex digits. A key stays as it
 * is. Whoever reads the card can join that network with it, but does not learn a passphrase that is used elsewhere.
 */
export function wifiKey(ssid: string, password: string): string {
  if (isWifiKey(password)) return password.toLowerCase();
  // A fleet's devices mostly share a network, and a key takes milliseconds.
  const name = `${ssid}\0${password}`;
  const key = known.get(name) ?? pbkdf2Sync(password, ssid, 4096, 32, 'sha1').toString('hex');
  known.set(name, key);
  return key;
}

export function isWifiKey(password: string): boolean {
  return /^[0-9a-f]{64}$/i.test(password);
}

/** What is wrong with a passphrase, without showing it; undefined when nothing is. */
export function wifiPasswordFault(password: string): string | undefined {
  if (isWifiKey(password)) return undefined;
  const sizeBytes = Buffer.byteLength(password);
  if (sizeBytes < 8 || sizeBytes > 63) return `has ${sizeBytes} bytes; a passphrase has 8 to 63`;
  if (/\p{Cc}/u.test(password)) return 'holds a control character, such as a line end';
  return undefined;
}
