import { open } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { CommandError, ReswarmError } from '../errors.js';
import type { FileEntry } from '../formats/file-system/file-entry.js';
import type { FileSystemFacts } from '../formats/file-system/file-system.js';
import { DamagedFileSystem } from '../formats/file-system/file-system.js';
import { FileSystemReader, PIECE_BYTES, exactly, named } from '../formats/file-system/file-system-reader.js';
import { treeFileSystem } from '../formats/file-system/tree-file-system.js';
import { endOfDefinitions, parsePseudoFile } from '../formats/squashfs/pseudo-file.js';
import { SUPERBLOCK_BYTES, readSuperblock } from '../formats/squashfs/superblock.js';
import type { Host } from '../host/host.js';
import { MiB } from '../model/bytes.js';
import type { Command } from '../model/command.js';
import type { ReadAt } from '../model/read-at.js';
import type { ScratchFiles } from './scratch-files.js';
import { writeFully } from './sparse-write.js';

/**
 * Opens a squashfs: its superblock is read here, and `unsquashfs` writes all that is in it into one scratch file, as a
 * list of names and their contents. Throws ReswarmError `file-system-corrupt`, `file-system-not-read` (where this machine
 * has no unsquashfs too), `disk-full`.
 *
 * @param name what to call it when something is wrong: "partition 2 of x.img"
 */
export async function openSquashfs(
  read: ReadAt,
  sizeBytes: number,
  name: string,
  scratch: ScratchFiles,
  host: Host,
): Promise<FileSystemReader> {
  return (await openSquashfsList(read, sizeBytes, name, scratch, host)).reader;
}

/** A squashfs, and the names of extended attributes in it. */
export type SquashfsList = {
  readonly reader: FileSystemReader;
  readonly attributes: readonly { readonly path: string; readonly name: string }[];
};

/** As `openSquashfs`. */
export async function openSquashfsList(
  read: ReadAt,
  sizeBytes: number,
  name: string,
  scratch: ScratchFiles,
  host: Host,
): Promise<SquashfsList> {
  try {
    const start = await read(0, Math.min(SUPERBLOCK_BYTES, sizeBytes));
    const { usedBytes, compressor } = readSuperblock(start, sizeBytes);
    const image = await scratch.newPath();
    await copyTo(image, exactly(read, sizeBytes), usedBytes, host);
    const list = await scratch.newPath();
    await unsquash(image, list, name, scratch, host);
    const unpacked = await scratch.reader(list);
    const { entries, offsets, attributes } = parsePseudoFile(await definitionsOf(unpacked));
    const facts: FileSystemFacts = {
      kind: 'squashfs',
      label: '',
      uuid: '',
      sizeBytes: usedBytes,
      freeBytes: 0,
      dirty: false,
      compression: compressor,
    };
    const content = (file: FileEntry) => pieces(unpacked.read, offsets.get(file.id) ?? 0, file.sizeBytes);
    return { reader: new FileSystemReader(treeFileSystem(facts, entries, content), name), attributes };
  } catch (error) {
    throw named(error, `The squashfs of ${name}`);
  }
}

async function copyTo(path: string, read: ReadAt, sizeBytes: number, host: Host): Promise<void> {
  const target = await open(path, 'wx', 0o600);
  try {
    for (let at = 0; at < sizeBytes; at += MiB) {
      host.signal.throwIfAborted();
      await writeFully(target, await read(at, Math.min(MiB, sizeBytes - at)), at);
    }
  } finally {
    await target.close();
  }
}

const INSIDE = '/mnt';
/** 2: something could not be written, as devices by an ordinary user; nothing is written but the list. */
const FINISHED = [0];
const TOO_OLD = /invalid option/;

async function unsquash(image: string, list: string, name: string, scratch: ScratchFiles, host: Host): Promise<void> {
  const tools = await scratch.tools();
  const args = (folder: string): readonly string[] => [
    ...['-quiet', '-no-progress', '-pf'],
    `${folder}/${basename(list)}`,
    `${folder}/${basename(image)}`,
  ];
  const command = (folder: string): Command => ({ file: 'unsquashfs', args: args(folder) });
  const folder = dirname(image);
  try {
    if (tools === undefined) await host.run(command(folder), { okExitCodes: FINISHED });
    else {
      const mounts = [{ source: folder, target: INSIDE, writable: true }];
      await host.runIn({ root: tools, mounts }, command(INSIDE), { okExitCodes: FINISHED });
    }
  } catch (error) {
    throw unsquashError(error, name);
  }
}

function unsquashError(error: unknown, name: string): unknown {
  if (!(error instanceof CommandError)) return error;
  const isMissing = error.code === 'command-not-found';
  if (isMissing || error.details.some((line) => TOO_OLD.test(line))) {
    const what = isMissing ? 'has none' : 'has an older one';
    return new ReswarmError(
      'file-system-not-read',
      `The squashfs of ${name} is not read: that takes unsquashfs 4.6 or later, and this machine ${what}`,
      { hints: ['Install it: apt install squashfs-tools'], cause: error },
    );
  }
  return new ReswarmError('file-system-corrupt', `The squashfs of ${name} is damaged: unsquashfs cannot read it`, {
    details: error.details,
    hints: ['Copy or build the image again.'],
    cause: error,
  });
}

async function definitionsOf({ read, sizeBytes }: { readonly read: ReadAt; readonly sizeBytes: number }) {
  for (let size = MiB; ; size *= 4) {
    const bytes = await read(0, Math.min(size, sizeBytes));
    const start = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (endOfDefinitions(start) !== undefined || start.length >= sizeBytes) return start;
  }
}

async function* pieces(read: ReadAt, offsetBytes: number, sizeBytes: number): AsyncIterable<Uint8Array> {
  for (let at = 0; at < sizeBytes; at += PIECE_BYTES) {
    const bytes = await read(offsetBytes + at, Math.min(PIECE_BYTES, sizeBytes - at));
    if (bytes.length === 0) throw new DamagedFileSystem('it ends inside of the file');
    yield bytes;
  }
}
