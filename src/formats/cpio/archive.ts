import type { ReadAt } from '../../model/read-at.js';
import { nameOfBytes } from '../file-system/file-name.js';
import { DamagedFileSystem, UnreadFileSystem } from '../file-system/file-system.js';
import { MOST_NAMES } from '../file-system/tree-file-system.js';

/** One entry of a "newc" archive (linux/Documentation/driver-api/early-userspace/buffer-format.rst). */
export type CpioEntry = {
  /** As it is written: ".", "./etc/fstab", "etc/fstab". */
  readonly name: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly links: number;
  readonly modifiedSeconds: number;
  /** Names of one file share it; in one archive only. */
  readonly inode: string;
  readonly sizeBytes: number;
  readonly offsetBytes: number;
};

const HEADER_BYTES = 110;
const MAGICS = ['070701', '070702'];
const OLD_MAGIC = '070707';
const TRAILER = 'TRAILER!!!';
/** PATH_MAX: the kernel passes over what is longer. */
const LONGEST_NAME_BYTES = 4096;

/** Whether bytes begin as an archive that the kernel reads. */
export function isCpio(bytes: Uint8Array): boolean {
  return MAGICS.includes(magicOf(bytes));
}

/** Whether bytes begin as one of the older kinds of cpio, which the kernel refuses. */
export function isOldCpio(bytes: Uint8Array): boolean {
  return magicOf(bytes) === OLD_MAGIC || (bytes[0] === 0xc7 && bytes[1] === 0x71);
}

function magicOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.subarray(0, 6)).toString('latin1');
}

/**
 * The entries of one archive, and where it ends. Throws DamagedFileSystem, UnreadFileSystem for an older format.
 *
 * @param startBytes where it begins in what is read
 */
export async function readCpio(
  read: ReadAt,
  startBytes: number,
  sizeBytes: number,
): Promise<{ readonly entries: readonly CpioEntry[]; readonly endBytes: number }> {
  const entries: CpioEntry[] = [];
  for (let at = startBytes; ;) {
    const header = await exactly(read, at, HEADER_BYTES, sizeBytes);
    const entry = await readEntry(read, header, at, sizeBytes);
    at = aligned(entry.offsetBytes + entry.sizeBytes);
    if (entry.name === TRAILER) return { entries, endBytes: Math.min(at, sizeBytes) };
    entries.push(entry);
    if (entries.length > MOST_NAMES) throw new UnreadFileSystem(`more than ${MOST_NAMES} names`);
  }
}

async function readEntry(read: ReadAt, header: Buffer, at: number, sizeBytes: number): Promise<CpioEntry> {
  if (isOldCpio(header)) throw new UnreadFileSystem('an old format of cpio, which the kernel does not read either');
  if (!isCpio(header)) throw new DamagedFileSystem(`there is no header of an entry at byte ${at}`);
  const [inode, mode, uid, gid, links, modifiedSeconds, fileBytes, major, minor, , , nameBytes] = fieldsOf(header, at);
  if (nameBytes === 0 || nameBytes > LONGEST_NAME_BYTES) {
    throw new DamagedFileSystem(`the entry at byte ${at} has a name of ${nameBytes} bytes`);
  }
  const name = await exactly(read, at + HEADER_BYTES, nameBytes, sizeBytes);
  const end = name.indexOf(0);
  if (end < 0) throw new DamagedFileSystem(`the entry at byte ${at} has a name without an end`);
  const offsetBytes = aligned(at + HEADER_BYTES + nameBytes);
  const text = nameOfBytes(name.subarray(0, end));
  if (offsetBytes + fileBytes > sizeBytes) {
    throw new DamagedFileSystem(
      `it ends inside of ${text}: ${fileBytes} bytes at ${offsetBytes}, and it has ${sizeBytes}`,
    );
  }
  return {
    name: text,
    mode,
    uid,
    gid,
    links,
    modifiedSeconds,
    inode: `${major} ${minor} ${inode}`,
    sizeBytes: fileBytes,
    offsetBytes,
  };
}

type Fields = [
  inode: number,
  mode: number,
  uid: number,
  gid: number,
  links: number,
  modified: number,
  fileBytes: number,
  major: number,
  minor: number,
  rmajor: number,
  rminor: number,
  nameBytes: number,
];

function fieldsOf(header: Buffer, at: number): Fields {
  const text = header.toString('latin1', 6);
  if (!/^[0-9a-fA-F]{104}$/.test(text)) throw new DamagedFileSystem(`the header at byte ${at} has no numbers`);
  return Array.from({ length: 12 }, (_, index) => Number.parseInt(text.slice(index * 8, index * 8 + 8), 16)) as Fields;
}

/** Names and contents begin at multiples of four from the archive's beginning. */
function aligned(offsetBytes: number): number {
  return Math.ceil(offsetBytes / 4) * 4;
}

async function exactly(read: ReadAt, at: number, count: number, sizeBytes: number): Promise<Buffer> {
  const bytes = at + count > sizeBytes ? undefined : await read(at, count);
  if (bytes?.length !== count) {
    throw new DamagedFileSystem(`it ends at byte ${sizeBytes}, before its trailer`);
  }
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
