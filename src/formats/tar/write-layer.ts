import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { MiB } from '../../model/bytes.js';
import type { PlacedEntry } from './tar-tree.js';

const RECORD = 512;
/** How an overlay says that a path below it is gone: a character device with the numbers 0 and 0. */
const CHARACTER_DEVICE = '3';

/**
 * Writes some entries of an archive to another one, as they are, and whiteouts for paths that are gone.
 *
 * @param removed paths, one character for each byte
 * @param time of the whiteouts, seconds since 1970
 */
export async function writeLayer(
  from: string,
  entries: readonly PlacedEntry[],
  removed: readonly string[],
  time: number,
  to: string,
): Promise<void> {
  const source = await open(from);
  const target = await open(to, 'w');
  try {
    for (const { range } of joined(entries)) await copyRange(source, range, target);
    for (const path of removed) await target.write(whiteout(path, time));
    await target.write(Buffer.alloc(2 * RECORD));
  } finally {
    await source.close();
    await target.close();
  }
}

/** Neighbours are copied at once. */
function joined(entries: readonly PlacedEntry[]): readonly { readonly range: readonly [number, number] }[] {
  const ranges: { range: [number, number] }[] = [];
  for (const { range } of entries) {
    const last = ranges.at(-1);
    if (last?.range[1] === range[0]) last.range[1] = range[1];
    else ranges.push({ range: [...range] });
  }
  return ranges;
}

async function copyRange(source: FileHandle, [from, to]: readonly [number, number], target: FileHandle): Promise<void> {
  const buffer = Buffer.alloc(Math.min(4 * MiB, to - from));
  for (let at = from; at < to;) {
    const { bytesRead } = await source.read(buffer, 0, Math.min(buffer.length, to - at), at);
    if (bytesRead === 0) throw new TypeError('the archive is shorter than what was read of it');
    for (let written = 0; written < bytesRead;) {
      written += (await target.write(buffer, written, bytesRead - written)).bytesWritten;
    }
    at += bytesRead;
  }
}

function whiteout(path: string, time: number): Buffer {
  const name = `./${path}`;
  const isLong = name.length > 100;
  const header = tarHeader(isLong ? './whiteout' : name, CHARACTER_DEVICE, 0, time);
  if (!isLong) return header;
  const pax = paxRecord('path', name);
  const padding = Buffer.alloc((RECORD - (pax.length % RECORD)) % RECORD);
  return Buffer.concat([tarHeader('./PaxHeaders/whiteout', 'x', pax.length, time), pax, padding, header]);
}

function paxRecord(key: string, value: string): Buffer {
  const rest = ` ${key}=${value}\n`;
  let length = rest.length + 1;
  while (length !== rest.length + length.toString().length) length = rest.length + length.toString().length;
  return Buffer.from(`${length}${rest}`, 'latin1');
}

function tarHeader(name: string, type: string, sizeBytes: number, time: number): Buffer {
  const header = Buffer.alloc(RECORD);
  const field = (text: string, offset: number): void => {
    header.write(text, offset, 'latin1');
  };
  const digits = (value: number, offset: number, bytes: number): void => {
    field(`${value.toString(8).padStart(bytes - 1, '0')}\0`, offset);
  };
  field(name, 0);
  for (const offset of [100, 108, 116]) digits(0, offset, 8);
  digits(sizeBytes, 124, 12);
  digits(time, 136, 12);
  header.fill(0x20, 148, 156);
  field(type, 156);
  field('ustar\0' + '00', 257);
  for (const offset of [329, 337]) digits(0, offset, 8);
  const sum = header.reduce((total, byte) => total + byte, 0);
  field(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return header;
}
