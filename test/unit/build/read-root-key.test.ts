import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readRootKey } from '../../../src/build/read-root-key.js';
import type { PartitionRoot } from '../../../src/model/image-spec.js';

const plain: PartitionRoot = { kind: 'partition', partition: 'root' };
const byPassphrase: PartitionRoot = { ...plain, encryption: { type: 'luks2', unlock: 'passphrase', at: 'build' } };
const byFile: PartitionRoot = {
  ...plain,
  encryption: { type: 'luks2', unlock: 'keyfile', at: 'build', keyFile: 'LABEL=KEYS:/root.key' },
};
const byDevice: PartitionRoot = { ...plain, encryption: { type: 'luks2', unlock: 'passphrase', at: 'first-boot' } };

let workingFolder = '';
beforeEach(async () => {
  workingFolder = await mkdtemp(join(tmpdir(), 'root-key-'));
});
afterEach(async () => {
  await rm(workingFolder, { recursive: true });
});

async function read(root: PartitionRoot, content: string | Buffer, mode = 0o600) {
  await writeFile(join(workingFolder, 'key'), content);
  await chmod(join(workingFolder, 'key'), mode);
  const { key, problems } = await readRootKey(root, { rootKey: 'key', workingFolder });
  return { key, codes: problems.map(({ code }) => code) };
}

describe('readRootKey', () => {
  it('takes the first line of a file as the passphrase, and all bytes of a key file', async () => {
    expect(await read(byPassphrase, 'open sesame\n')).toEqual({ key: { passphrase: 'open sesame' }, codes: [] });
    expect(await read(byFile, Buffer.from([0, 10, 255]))).toEqual({
      key: { file: join(workingFolder, 'key') },
      codes: [],
    });
  });

  it.each([0o644, 0o640, 0o602])('refuses a file with mode %o', async (mode) => {
    expect((await read(byPassphrase, 'open sesame\n', mode)).codes).toEqual(['root-key-readable']);
  });

  it('refuses passphrases that could not be typed, and empty keys', async () => {
    expect((await read(byPassphrase, 'short\n')).codes).toEqual(['root-key-unfit']);
    expect((await read(byPassphrase, 'Öffne dich doch\n')).codes).toEqual(['root-key-unfit']);
    expect((await read(byFile, '')).codes).toEqual(['root-key-unfit']);
  });

  it('refuses a key for a root that the build does not encrypt', async () => {
    expect((await read(plain, 'open sesame\n')).codes).toEqual(['root-key-unused']);
    expect((await read(byDevice, 'open sesame\n')).codes).toEqual(['root-key-unused']);
  });

  it('asks where it may, and says what is missing where it may not', async () => {
    const askRootPassphrase = () => Promise.resolve('open sesame');
    expect(await readRootKey(byPassphrase, { workingFolder, askRootPassphrase })).toEqual({
      key: { passphrase: 'open sesame' },
      problems: [],
    });
    for (const root of [byPassphrase, byFile]) {
      const { problems } = await readRootKey(root, { workingFolder });
      expect(problems.map(({ code }) => code)).toEqual(['root-key-missing']);
    }
    const { problems } = await readRootKey(byFile, { workingFolder, rootKey: 'nowhere' });
    expect(problems.map(({ code }) => code)).toEqual(['root-key-missing']);
  });
});
