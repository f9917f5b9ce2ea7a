import { ReswarmError } from '../errors.js';
import { EXT } from './ext4/format.js';
import { FAT } from './fat/format.js';
import { ISO9660 } from './iso9660/format.js';
import { foreignFileSystem } from './foreign-file-systems.js';
import type { FileSystemFormat, UsedRanges } from './file-system/file-system.js';
import { DamagedFileSystem, SIGNATURE_BYTES, UnreadFileSystem } from './file-system/file-system.js';
import { FileSystemReader, exactly, named } from './file-system/file-system-reader.js';
import type { ReadAt } from '../model/read-at.js';

const FORMATS: readonly FileSystemFormat[] = [EXT, FAT, ISO9660];

/** What is in a partition. */
export type FoundFileSystem = {
  /** Its files; undefined when it has none that can be read here. */
  readonly reader?: FileSystemReader;
  /** Of what is not read: "btrfs", "ext4". undefined when nothing is known of it. */
  readonly other?: string;
  /** Why a partition of a known kind is not read: `file-system-not-read` or `file-system-corrupt`. */
  readonly error?: ReswarmError;
  /** A signature beside the one of the file system that is read; blkid may take it for that. */
  readonly signature?: string;
};

type Claim = { readonly kind: string; readonly format: FileSystemFormat };

/**
 * Opens what is in a partition. Never throws because of what it holds: that is in `error`.
 *
 * @param sizeBytes of the partition
 * @param name what to call it when something is wrong: "partition 2 of x.img"
 */
export async function openFileSystem(read: ReadAt, sizeBytes: number, name: string): Promise<FoundFileSystem> {
  const { claims, foreign } = await probe(read, sizeBytes);
  const [claim, ...others] = claims;
  if (claim === undefined) return foreign === undefined ? {} : { other: foreign, error: notRead(name, foreign) };
  if (others.length > 0) {
    const kinds = claims.map(({ kind }) => kind).join(' and ');
    return { other: kinds, error: notRead(name, `the signatures of ${kinds} at once`) };
  }
  try {
    const source = await claim.format.open(exactly(read, sizeBytes), sizeBytes);
    return {
      reader: new FileSystemReader(source, name),
      ...(foreign === undefined ? {} : { signature: foreign }),
    };
  } catch (error) {
    const failure = named(error, `The ${claim.kind} of ${name}`);
    if (!(failure instanceof ReswarmError)) throw failure;
    return { other: claim.kind, error: failure };
  }
}

/**
 * What of a partition has to be copied so that its file system is whole; undefined where that is all of it: an unknown
 * or ambiguous file system, or one whose bookkeeping cannot be trusted.
 */
export async function usedRanges(read: ReadAt, sizeBytes: number): Promise<UsedRanges | undefined> {
  const { claims, foreign } = await probe(read, sizeBytes);
  const [claim, ...others] = claims;
  if (claim === undefined || others.length > 0 || foreign !== undefined) return undefined;
  try {
    return await claim.format.usedRanges(exactly(read, sizeBytes), sizeBytes);
  } catch (error) {
    if (error instanceof DamagedFileSystem || error instanceof UnreadFileSystem) return undefined;
    throw error;
  }
}

async function probe(
  read: ReadAt,
  sizeBytes: number,
): Promise<{ readonly claims: readonly Claim[]; readonly foreign: string | undefined }> {
  const start = await read(0, Math.min(sizeBytes, SIGNATURE_BYTES));
  const claims = FORMATS.flatMap((format): Claim[] => {
    const kind = format.claims(start);
    return kind === undefined ? [] : [{ kind, format }];
  });
  return { claims, foreign: foreignFileSystem(start) };
}

function notRead(name: string, uses: string): ReswarmError {
  return new ReswarmError('file-system-not-read', `${capital(name)} is not read: uses ${uses}`);
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
