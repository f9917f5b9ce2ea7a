import type { Board } from './board.js';
import { leastMemory } from './board.js';
import { MiB } from './bytes.js';

export const ENCRYPTION_TYPES = ['luks2'] as const;

/** What opens an encrypted root: a passphrase that is typed on the console, or a file on another file system. */
export const UNLOCK_WAYS = ['passphrase', 'keyfile'] as const;
export type UnlockWay = (typeof UNLOCK_WAYS)[number];

/**
 * When it is encrypted: while the image is made, with one volume key for all devices that get this image, or by the
 * device itself on its first boot, with a volume key of its own.
 */
export const ENCRYPTION_TIMES = ['build', 'first-boot'] as const;
export type EncryptionTime = (typeof ENCRYPTION_TIMES)[number];

/** An encrypted root. */
export type RootEncryption = {
  readonly type: (typeof ENCRYPTION_TYPES)[number];
  readonly unlock: UnlockWay;
  readonly at: EncryptionTime;
  /** Of `keyfile`: the file system that has it, as LABEL= or UUID=, and its path there: "LABEL=KEYS:/root.key". */
  readonly keyFile?: string;
  /** What opening it takes of the device's memory (Argon2id); undefined: `unlockMemory` decides. */
  readonly memoryBytes?: number;
};

/** What LUKS takes of the partition: cryptsetup moves the first data there while it encrypts, and keeps half as header. */
export const LUKS_BYTES = 32 * MiB;

/** The opened root, as the device mapper calls it. */
export const OPENED_ROOT = 'root';

const MOST_BY_DEFAULT = 128 * MiB;

/** What opening a root takes of memory: never what the machine has that makes the image. */
export function unlockMemory(
  { memoryBytes }: Pick<RootEncryption, 'memoryBytes'>,
  board: Pick<Board, 'models'>,
): number {
  return memoryBytes ?? Math.min(MOST_BY_DEFAULT, leastMemory(board) / 8);
}
