import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import { elfArchitecture } from './elf.js';

/** What the dynamic loader is told by a program or library (64 bits, little-endian). */
export type ElfDynamic = {
  /** Debian's name of its architecture. */
  readonly architecture: string;
  /** Path of the loader; undefined in libraries and static programs. */
  readonly interpreter?: string;
  /** Names of the libraries that it needs. */
  readonly needed: readonly string[];
  /** Folders where those are looked for first, `$ORIGIN` as it stands; of an older kind if `inherited`. */
  readonly runPath: readonly string[];
  /** DT_RPATH: the libraries that it loads look there too. */
  readonly inherited: boolean;
};

const HEADER_BYTES = 64;
const PROGRAM_HEADER_BYTES = 56;
const DYNAMIC_ENTRY_BYTES = 16;
const CLASS_64 = 2;
const LITTLE_ENDIAN = 1;
const PT = { load: 1, dynamic: 2, interpreter: 3 };
const DT = { end: 0, needed: 1, stringTable: 5, stringTableSize: 10, rpath: 15, runpath: 29 };

type Segment = { readonly type: number; readonly offset: number; readonly address: number; readonly size: number };

/** Reads it; undefined: the file is no such ELF file, or is cut short. */
export async function readElfDynamic(path: string): Promise<ElfDynamic | undefined> {
  const file = await open(path);
  try {
    const header = await bytesAt(file, 0, HEADER_BYTES);
    const architecture = header === undefined ? undefined : elfArchitecture(header);
    if (header === undefined || architecture === undefined) return undefined;
    if (header[4] !== CLASS_64 || header[5] !== LITTLE_ENDIAN) return { architecture, ...NOTHING };
    const segments = await readSegments(file, header);
    const interpreter = segments.find(({ type }) => type === PT.interpreter);
    const loader = interpreter && (await bytesAt(file, interpreter.offset, interpreter.size));
    return {
      architecture,
      ...(loader === undefined ? {} : { interpreter: textAt(loader, 0) }),
      ...(await readDynamic(file, segments)),
    };
  } finally {
    await file.close();
  }
}

const NOTHING = { needed: [], runPath: [], inherited: false } as const;

async function readSegments(file: FileHandle, header: Buffer): Promise<readonly Segment[]> {
  const count = header.readUInt16LE(56);
  const table = await bytesAt(file, Number(header.readBigUInt64LE(32)), count * PROGRAM_HEADER_BYTES);
  if (table === undefined) return [];
  return Array.from({ length: count }, (_, index) => {
    const at = index * PROGRAM_HEADER_BYTES;
    const number = (offset: number): number => Number(table.readBigUInt64LE(at + offset));
    return { type: table.readUInt32LE(at), offset: number(8), address: number(16), size: number(32) };
  });
}

async function readDynamic(
  file: FileHandle,
  segments: readonly Segment[],
): Promise<Pick<ElfDynamic, 'needed' | 'runPath' | 'inherited'>> {
  const dynamic = segments.find(({ type }) => type === PT.dynamic);
  const table = dynamic && (await bytesAt(file, dynamic.offset, dynamic.size));
  if (table === undefined) return NOTHING;
  const entries = entriesOf(table);
  const value = (tag: number): number => entries.find((entry) => entry.tag === tag)?.value ?? 0;
  const at = offsetOf(value(DT.stringTable), segments);
  const strings = at === undefined ? undefined : await bytesAt(file, at, value(DT.stringTableSize));
  if (strings === undefined) return NOTHING;
  const texts = (tag: number): string[] =>
    entries.filter((entry) => entry.tag === tag).map((entry) => textAt(strings, entry.value));
  const folders = (tag: number): string[] => texts(tag).flatMap((text) => text.split(':').filter((one) => one !== ''));
  const runPath = folders(DT.runpath);
  // Beside the newer kind, the older one does not count (ld.so(8)).
  if (runPath.length > 0) return { needed: texts(DT.needed), runPath, inherited: false };
  const rpath = folders(DT.rpath);
  return { needed: texts(DT.needed), runPath: rpath, inherited: rpath.length > 0 };
}

function entriesOf(table: Buffer): readonly { readonly tag: number; readonly value: number }[] {
  const entries = Array.from({ length: Math.floor(table.length / DYNAMIC_ENTRY_BYTES) }, (_, index) => ({
    tag: Number(table.readBigInt64LE(index * DYNAMIC_ENTRY_BYTES)),
    value: Number(table.readBigUInt64LE(index * DYNAMIC_ENTRY_BYTES + 8)),
  }));
  const end = entries.findIndex(({ tag }) => tag === DT.end);
  return end < 0 ? entries : entries.slice(0, end);
}

/** Where in the file lies what is loaded at an address. */
function offsetOf(address: number, segments: readonly Segment[]): number | undefined {
  const found = segments.find(
    ({ type, address: start, size }) => type === PT.load && address >= start && address < start + size,
  );
  return found && found.offset + address - found.address;
}

async function bytesAt(file: FileHandle, offset: number, length: number): Promise<Buffer | undefined> {
  const { size } = await file.stat();
  if (length === 0 || offset + length > size) return undefined;
  const { buffer } = await file.read(Buffer.alloc(length), 0, length, offset);
  return buffer;
}

function textAt(bytes: Buffer, start: number): string {
  const end = bytes.indexOf(0, start);
  return bytes.toString('utf8', start, end < 0 ? bytes.length : end);
}
