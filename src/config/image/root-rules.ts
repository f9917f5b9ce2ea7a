import type { Problem } from '../../errors.js';
import type { Board } from '../../model/board.js';
import { leastMemory } from '../../model/board.js';
import { formatSize, MiB } from '../../model/bytes.js';
import type { RootEncryption } from '../../model/root-encryption.js';
import type { RootDefinition } from '../schemas/root-schema.js';
import type { Said } from '../said.js';
import { sizeBytes } from '../size-schema.js';

/** The layer that a device with an encrypted root needs. */
export const ENCRYPTION_LAYER = 'encrypted-root';

/** What holds between the keys of `root`. Codes: `root-keyfile-missing`, `root-keyfile-unused`, `root-memory-unfit`. */
export function checkRoot(root: Said<RootDefinition> | undefined): readonly Problem[] {
  const encryption = root?.value.encryption;
  if (root === undefined || encryption === undefined) return [];
  const { unlock, keyfile, memory } = encryption;
  const problems: Problem[] = [];
  if (unlock === 'keyfile' && keyfile === undefined) {
    problems.push({
      code: 'root-keyfile-missing',
      message: 'unlock: keyfile does not say where the device finds its key',
      hint: 'Name a file system and a path on it: keyfile: LABEL=KEYS:/root.key',
      ...root.at,
    });
  }
  if (unlock === 'passphrase' && keyfile !== undefined) {
    problems.push({
      code: 'root-keyfile-unused',
      message: `keyfile: ${keyfile} has no meaning beside unlock: passphrase`,
      hint: 'Remove it, or write unlock: keyfile.',
      ...root.at,
    });
  }
  if (memory !== undefined && (sizeBytes(memory) < LEAST_MEMORY || sizeBytes(memory) > MOST_MEMORY)) {
    problems.push({
      code: 'root-memory-unfit',
      message: `opening the root cannot take ${memory} of memory`,
      hint: 'Argon2id takes 1M at least; cryptsetup allows 4G at most. The device must have it free at each start.',
      ...root.at,
    });
  }
  return problems;
}

/** Less is no protection that deserves the name; more than 4 GiB cryptsetup refuses. */
const LEAST_MEMORY = MiB;
const MOST_MEMORY = 4096 * MiB;

/** An Argon2id that the smallest model of the board has no memory for. Code: `root-memory-unfit`. */
export function checkRootMemory(
  root: Said<RootDefinition> | undefined,
  board: Pick<Board, 'id' | 'models'>,
): readonly Problem[] {
  const memory = root?.value.encryption?.memory;
  if (root === undefined || memory === undefined) return [];
  const most = leastMemory(board) / 2;
  if (sizeBytes(memory) <= most) return [];
  return [
    {
      code: 'root-memory-unfit',
      message: `opening the root takes ${memory} of memory, and the smallest model of ${board.id} has ${formatSize(most * 2)}`,
      hint: `Take ${formatSize(most)} at most, or leave memory out.`,
      ...root.at,
    },
  ];
}

export function rootEncryption({ encryption }: RootDefinition): RootEncryption | undefined {
  if (encryption === undefined) return undefined;
  const { type, unlock, when, keyfile, memory } = encryption;
  return {
    type,
    unlock,
    at: when,
    ...(keyfile === undefined ? {} : { keyFile: keyfile }),
    ...(memory === undefined ? {} : { memoryBytes: sizeBytes(memory) }),
  };
}
