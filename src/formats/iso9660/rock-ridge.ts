import type { ReadAt } from '../../model/read-at.js';
import { nameOfBytes } from '../file-system/file-name.js';
import { DamagedFileSystem } from '../file-system/file-system.js';

/** What Rock Ridge (IEEE P1282) says of one directory record: the Unix side of it. */
export type RockRidge = {
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly links?: number;
  readonly name?: string;
  readonly target?: string;
  readonly modifiedSeconds?: number;
  /** Block of the folder that stands here and lies elsewhere, because ISO 9660 allows eight levels. */
  readonly childAt?: number;
  /** It was moved away from where it belongs, and is shown there. */
  readonly isMoved: boolean;
  /** Its content is compressed by mkzftree. */
  readonly isCompressed: boolean;
  /** How many bytes of the system use area belong to somebody else; of the root's first record only. */
  readonly skipBytes?: number;
};

type Field = { readonly signature: string; readonly data: Buffer };

const MOST_CONTINUATIONS = 64;

/**
 * @param area the system use area of a directory record
 * @param readBlocks `blockBytes` each, for what has no room in the record
 */
export async function readRockRidge(area: Buffer, read: ReadAt, blockBytes: number): Promise<RockRidge> {
  const fields: Field[] = [];
  let rest: Buffer | undefined = area;
  for (let count = 0; rest !== undefined; count += 1) {
    if (count > MOST_CONTINUATIONS) throw new DamagedFileSystem('a Rock Ridge entry has no end');
    const here: readonly Field[] = [...fieldsIn(rest)];
    fields.push(...here);
    const next = here.find(({ signature }) => signature === 'CE')?.data;
    rest = next && (await continuation(next, read, blockBytes));
  }
  return described(fields);
}

async function continuation(data: Buffer, read: ReadAt, blockBytes: number): Promise<Buffer> {
  if (data.length < 24) throw new DamagedFileSystem('a Rock Ridge entry is too short');
  const bytes = await read(data.readUInt32LE(0) * blockBytes + data.readUInt32LE(8), data.readUInt32LE(16));
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function* fieldsIn(area: Buffer): Iterable<Field> {
  for (let at = 0; at + 4 <= area.length;) {
    const length = area[at + 2] ?? 0;
    if (length < 4 || at + length > area.length) return;
    yield { signature: area.toString('latin1', at, at + 2), data: area.subarray(at + 4, at + length) };
    at += length;
  }
}

function described(fields: readonly Field[]): RockRidge {
  const first = (signature: string, bytes: number): Buffer | undefined =>
    fields.find((field) => field.signature === signature && field.data.length >= bytes)?.data;
  const all = (signature: string): readonly Buffer[] =>
    fields.filter((field) => field.signature === signature && field.data.length > 0).map(({ data }) => data);
  const [px, cl, sp, tf] = [first('PX', 32), first('CL', 8), first('SP', 3), first('TF', 1)];
  const name = nameIn(all('NM'));
  const target = targetIn(all('SL'));
  const modifiedSeconds = tf && modifiedIn(tf);
  return {
    ...(px === undefined
      ? {}
      : {
          mode: px.readUInt32LE(0),
          links: px.readUInt32LE(8),
          uid: px.readUInt32LE(16),
          gid: px.readUInt32LE(24),
        }),
    ...(name === undefined ? {} : { name }),
    ...(target === undefined ? {} : { target }),
    ...(modifiedSeconds === undefined ? {} : { modifiedSeconds }),
    ...(cl === undefined ? {} : { childAt: cl.readUInt32LE(0) }),
    ...(sp?.[0] === 0xbe && sp[1] === 0xef ? { skipBytes: sp[2] ?? 0 } : {}),
    isMoved: fields.some(({ signature }) => signature === 'RE'),
    isCompressed: fields.some(({ signature }) => signature === 'ZF'),
  };
}

/** A long name stands in several; flags 2 and 4 are "." and "..". */
function nameIn(parts: readonly Buffer[]): string | undefined {
  const named = parts.filter((part) => ((part[0] ?? 0) & 6) === 0);
  return named.length === 0 ? undefined : nameOfBytes(Buffer.concat(named.map((part) => part.subarray(1))));
}

const CONTINUES = 1;
const CURRENT = 2;
const PARENT = 4;
const ROOT = 8;

/** A link's target in components, each of which may go on in the next one. */
function targetIn(parts: readonly Buffer[]): string | undefined {
  if (parts.length === 0) return undefined;
  const words: string[] = [];
  let isAbsolute = false;
  let open: Buffer | undefined;
  for (const part of parts) {
    for (let at = 1; at + 2 <= part.length;) {
      const [flags = 0, length = 0] = part.subarray(at, at + 2);
      const text = part.subarray(at + 2, at + 2 + length);
      at += 2 + length;
      if ((flags & ROOT) !== 0) isAbsolute = true;
      else if ((flags & CURRENT) !== 0) words.push('.');
      else if ((flags & PARENT) !== 0) words.push('..');
      else {
        open = open === undefined ? text : Buffer.concat([open, text]);
        if ((flags & CONTINUES) !== 0) continue;
        words.push(nameOfBytes(open));
        open = undefined;
      }
    }
  }
  return `${isAbsolute ? '/' : ''}${words.join('/')}`;
}

const LONG_FORM = 0x80;

/** Times in the order of their flags: created, modified, …; long ones are text. */
function modifiedIn(data: Buffer): number | undefined {
  const flags = data[0] ?? 0;
  if ((flags & 2) === 0) return undefined;
  const size = (flags & LONG_FORM) === 0 ? 7 : 17;
  const at = 1 + ((flags & 1) === 0 ? 0 : size);
  if (at + size > data.length) return undefined;
  return size === 7 ? shortTime(data.subarray(at, at + 7)) : longTime(data.subarray(at, at + 17));
}

/** Years from 1900, then month, day, hour, minute, second, and the zone in quarters of an hour. Seconds since 1970. */
export function shortTime(bytes: Buffer): number {
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = bytes;
  return Date.UTC(1900 + year, month - 1, day, hour, minute, second) / 1000 - bytes.readInt8(6) * 900;
}

function longTime(bytes: Buffer): number | undefined {
  const [, year, month, day, hour, minute, second] =
    /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)/.exec(bytes.toString('latin1', 0, 16)) ?? [];
  if (year === undefined) return undefined;
  const time = Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second));
  return time / 1000 - bytes.readInt8(16) * 900;
}
