/** One entry of an archive that is written here; belongs to root. */
export type NewEntry = {
  /** Relative, without "./": "boot/user-data". Its folders come before it. */
  readonly name: string;
  /** Permission bits: 0o600. */
  readonly mode: number;
  /** A folder has none. */
  readonly content?: Uint8Array;
};

const FILE = 0o100_000;
const FOLDER = 0o040_000;
const TRAILER = 'TRAILER!!!';
/** As cpio(1) ends an archive; also keeps whatever follows at a multiple of 4, where the kernel looks for the next one. */
const BLOCK_BYTES = 512;

/**
 * An archive in the kernel's own format, not compressed (linux/Documentation/driver-api/early-userspace/buffer-format.rst,
 * "newc"). The same entries give the same bytes; the length is a multiple of 512.
 *
 * @param time of every entry, seconds since 1970
 */
export function cpioArchive(entries: readonly NewEntry[], time: number): Buffer {
  const parts = entries.map((entry, index) => record(entry, index + 1, time));
  const archive = Buffer.concat([...parts, record({ name: TRAILER, mode: 0, content: new Uint8Array() }, 0, 0)]);
  return Buffer.concat([archive, padding(archive.length, BLOCK_BYTES)]);
}

function record({ name, mode, content }: NewEntry, inode: number, time: number): Buffer {
  const bytes = content ?? new Uint8Array();
  const isTrailer = inode === 0;
  const type = isTrailer ? 0 : content === undefined ? FOLDER : FILE;
  const links = content === undefined ? 2 : 1;
  const nameBytes = Buffer.from(`${name}\0`);
  // Inode, mode, owner, group, links, time, size, device (2), special device (2), length of the name, checksum.
  const fields = [inode, type | mode, 0, 0, links, time, bytes.length, 0, 0, 0, 0, nameBytes.length, 0];
  const header = Buffer.from(`070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`);
  const head = Buffer.concat([header, nameBytes]);
  return Buffer.concat([head, padding(head.length, 4), bytes, padding(bytes.length, 4)]);
}

function padding(length: number, unit: number): Buffer {
  return Buffer.alloc((unit - (length % unit)) % unit);
}
