import { describe, expect, it } from 'vitest';
import { checkRoot, checkRootMemory, rootEncryption } from '../../../../src/config/image/root-rules.js';
import { rootSchema } from '../../../../src/config/schemas/root-schema.js';
import { MiB } from '../../../../src/model/bytes.js';
import { unlockMemory } from '../../../../src/model/root-encryption.js';

const said = (encryption: object) => ({
  value: rootSchema.parse({ encryption }),
  at: { file: 'system.yaml', line: 3, column: 1 },
});
const codes = (encryption: object) => checkRoot(said(encryption)).map(({ code, line }) => [code, line]);

describe('checkRoot', () => {
  it('lets a root without encryption, a passphrase and a key file through', () => {
    expect(checkRoot(undefined)).toEqual([]);
    expect(codes({ unlock: 'passphrase' })).toEqual([]);
    expect(codes({ unlock: 'keyfile', keyfile: 'LABEL=KEYS:/root.key' })).toEqual([]);
  });

  it('refuses a key file that is nowhere, and one beside a passphrase', () => {
    expect(codes({ unlock: 'keyfile' })).toEqual([['root-keyfile-missing', 3]]);
    expect(codes({ unlock: 'passphrase', keyfile: 'LABEL=KEYS:/root.key' })).toEqual([['root-keyfile-unused', 3]]);
  });

  it('refuses a memory that Argon2id or cryptsetup cannot take', () => {
    expect(codes({ unlock: 'passphrase', memory: '512K' })).toEqual([['root-memory-unfit', 3]]);
    expect(codes({ unlock: 'passphrase', memory: '5G' })).toEqual([['root-memory-unfit', 3]]);
    expect(codes({ unlock: 'passphrase', memory: '4G' })).toEqual([]);
  });

  it.each(['/root.key', 'KEYS:/root.key', 'LABEL=KEYS:root.key', 'LABEL=A B:/root.key', 'LABEL=KEYS:/a b'])(
    'refuses the place %s',
    (keyfile) => {
      expect(rootSchema.safeParse({ encryption: { unlock: 'keyfile', keyfile } }).success).toBe(false);
    },
  );

  it('has no key for a passphrase', () => {
    expect(rootSchema.safeParse({ encryption: { unlock: 'passphrase', passphrase: 'secret words' } }).success).toBe(
      false,
    );
  });
});

describe('memory that opening the root takes', () => {
  const zero = { id: 'rpizero2w', models: ['Raspberry Pi Zero 2 W'] };
  const four = { id: 'rpi4', models: ['Raspberry Pi 4 Model B'] };

  it('comes from the smallest model of the board', () => {
    expect(unlockMemory({}, zero)).toBe(64 * MiB);
    expect(unlockMemory({}, four)).toBe(128 * MiB);
    expect(unlockMemory({ memoryBytes: 32 * MiB }, four)).toBe(32 * MiB);
  });

  it('leaves half of the memory to the system', () => {
    const root = said({ unlock: 'passphrase', memory: '300M' });
    expect(checkRootMemory(root, zero).map(({ code }) => code)).toEqual(['root-memory-unfit']);
    expect(checkRootMemory(root, four)).toEqual([]);
  });

  it('is encrypted by the build where nothing else is said', () => {
    expect(rootEncryption(rootSchema.parse({ encryption: { unlock: 'passphrase' } }))).toEqual({
      type: 'luks2',
      unlock: 'passphrase',
      at: 'build',
    });
  });
});
