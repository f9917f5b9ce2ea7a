import * as z from 'zod';
import { ENCRYPTION_TIMES, ENCRYPTION_TYPES, UNLOCK_WAYS } from '../../model/root-encryption.js';
import { size } from '../size-schema.js';

/** Roots that a kernel does not find by itself. */
export const rootSchema = z.strictObject({
  encryption: z
    .strictObject({
      type: z.enum(ENCRYPTION_TYPES).default('luks2').describe('LUKS2, with AES-XTS and Argon2id.'),
      unlock: z
        .enum(UNLOCK_WAYS)
        .describe('passphrase: typed on the console at each start. keyfile: read from another file system.'),
      when: z
        .enum(ENCRYPTION_TIMES)
        .default('build')
        .describe(
          'build: the image is encrypted, with one volume key for all devices that get it. first-boot: each device encrypts itself and has a volume key of its own.',
        ),
      keyfile: z
        .string()
        .regex(/^(LABEL|UUID)=[A-Za-z0-9._-]+:\/[\x21-\x7e]+$/, {
          error: 'must be a file system and a path on it: LABEL=KEYS:/root.key',
        })
        .optional()
        .describe('Of keyfile: where the device finds it, such as a USB stick: LABEL=KEYS:/root.key.'),
      memory: size
        .optional()
        .describe(
          'What opening the root takes of memory (Argon2id). By default an eighth of what the smallest model of the board has, 128M at most.',
        ),
    })
    .optional()
    .describe('Encryption of the root partition.'),
});

export type RootDefinition = z.output<typeof rootSchema>;
