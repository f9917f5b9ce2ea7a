import { isIP, isIPv4 } from 'node:net';

/** An address with its prefix length. `bytes`: 4 or 16, in network order. */
export type InterfaceAddress = { readonly bytes: readonly number[]; readonly prefixLength: number };

export function isIpAddress(text: string): boolean {
  return isIP(text) !== 0;
}

/** `192.168.1.10/24`, `fd00::10/64`; undefined for anything else. */
export function parseInterfaceAddress(text: string): InterfaceAddress | undefined {
  const [address = '', prefix = '', ...rest] = text.split('/');
  if (rest.length > 0 || !/^\d{1,3}$/.test(prefix) || !isIpAddress(address) || address.includes('%')) return undefined;
  const bytes = addressBytes(address);
  const prefixLength = Number(prefix);
  return prefixLength > bytes.length * 8 ? undefined : { bytes, prefixLength };
}

/** The same for every way to write an address: `fd00::1`, `FD00:0::1`. The text must be one. */
export function addressKey(address: string): string {
  return Buffer.from(addressBytes(address)).toString('hex');
}

/** Whether a host can reach the other one without a gateway. Of two kinds: never. */
export function isInNetwork(other: string, { bytes, prefixLength }: InterfaceAddress): boolean {
  const otherBytes = addressBytes(other);
  return (
    otherBytes.length === bytes.length &&
    bytes.every((byte, index) => {
      const bits = Math.min(8, Math.max(0, prefixLength - index * 8));
      const mask = (0xff << (8 - bits)) & 0xff;
      return (byte & mask) === ((otherBytes[index] ?? 0) & mask);
    })
  );
}

/** The first or last address of an IPv4 network names the network or all hosts of it, never one of them. */
export function isNetworkOrBroadcast({ bytes, prefixLength }: InterfaceAddress): boolean {
  if (bytes.length !== 4 || prefixLength > 30) return false;
  const hostBits = 32 - prefixLength;
  const number = bytes.reduce((sum, byte) => sum * 256 + byte, 0);
  const host = number % 2 ** hostBits;
  return host === 0 || host === 2 ** hostBits - 1;
}

function addressBytes(address: string): number[] {
  if (isIPv4(address)) return address.split('.').map(Number);
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(address);
  const [a = 0, b = 0, c = 0, d = 0] = dotted?.[2]?.split('.').map(Number) ?? [];
  const plain =
    dotted === null ? address : `${dotted[1] ?? ''}${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
  const [head = '', tail] = plain.split('::');
  const words = (text: string): number[] =>
    text === '' ? [] : text.split(':').map((word) => Number.parseInt(word, 16));
  const before = words(head);
  const after = tail === undefined ? [] : words(tail);
  const gap = Array.from({ length: 8 - before.length - after.length }, () => 0);
  return [...before, ...gap, ...after].flatMap((word) => [word >> 8, word & 0xff]);
}
