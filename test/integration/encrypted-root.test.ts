import { mkdir, mkdtemp, open, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { CRYPTSETUP_PACKAGES, CRYPTSETUP_PROGRAM } from '../../src/build/encrypted-root.js';
import type { LuksInput, RootKey } from '../../src/filesystems/luks.js';
import { luksStage } from '../../src/filesystems/luks.js';
import { programEnvironment } from '../../src/host/caller-environment.js';
import { readHostFacts } from '../../src/host/read-facts.js';
import { RealHost } from '../../src/host/real-host.js';
import { MiB } from '../../src/model/bytes.js';
import { LUKS_BYTES } from '../../src/model/root-encryption.js';
import { stageReporter } from '../../src/pipeline/reporter.js';
import { libraryFolders } from '../../src/sources/workload/elf-closure.js';
import { unpackPackages } from '../helpers/unpacked-packages.js';

const PLAIN = 'a text that nobody may find in the image';
const UUID = '11111111-2222-4333-8444-555555555555';
const SIZE = 24 * MiB;

const facts = readHostFacts(process.env);
const host = new RealHost({
  facts,
  signal: new AbortController().signal,
  environment: programEnvironment(process.env),
  offline: false,
});
let folder = '';
let libraries = '';
let count = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reswarm-luks-'));
  libraries = join('.', libraryFolders(facts.architecture)[1] ?? '');
  await unpackPackages(host, inject('toolsTree'), folder, CRYPTSETUP_PACKAGES);
  await mkdir(join(folder, 'tree'));
  await writeFile(join(folder, 'tree/secret'), PLAIN.repeat(1000));
  await writeFile(join(folder, 'key'), Buffer.from([0, 10, 13, 255, 0, 10]), { mode: 0o600 });
  const args = ['-q', '-t', 'ext4', '-b', '4096', '-d', '/mnt/tree', '/mnt/plain.ext4', '24M'];
  await tools({ file: 'mke2fs', args });
}, 120_000);

afterAll(async () => {
  await rm(folder, { recursive: true });
});

async function tools(command: { file: string; args: readonly string[]; stdin?: string }, okExitCodes = [0]) {
  const mounts = [
    { source: folder, target: '/mnt', writable: true },
    { source: join(folder, 'unpacked'), target: '/srv' },
  ];
  const env = { LD_LIBRARY_PATH: join('/srv', libraries) };
  return host.runIn({ root: inject('toolsTree'), mounts }, { ...command, env }, { okExitCodes });
}

const cryptsetup = (args: readonly string[], stdin = '') =>
  tools({ file: `/srv${CRYPTSETUP_PROGRAM}`, args, stdin }, [0, 1, 2]);

async function encrypt(rootKey: RootKey): Promise<string> {
  count += 1;
  const [out, work] = [join(folder, `out-${count}`), join(folder, `work-${count}`)];
  await mkdir(out);
  await mkdir(work);
  const input: LuksInput = {
    tools: { root: inject('toolsTree'), versions: {} },
    cryptsetup: { key: 'x', root: join(folder, 'unpacked'), libraries },
    volume: { key: 'x', path: join(folder, 'plain.ext4'), sizeBytes: SIZE, content: { bytes: 0, files: 0 } },
    rootKey,
    nonce: count.toString(),
    uuid: UUID,
    label: 'root',
    memoryBytes: 32 * MiB,
  };
  const report = stageReporter({ emit: () => undefined }, 'luks');
  const shared = { downloads: folder, ccache: folder, kernelBuilds: folder };
  await luksStage.run(input, out, { host, report, work, shared, jobs: 1, offline: false });
  return `/mnt/out-${count}/root.luks`;
}

async function holds(path: string, text: string): Promise<boolean> {
  const file = await open(join(folder, path.slice('/mnt/'.length)));
  try {
    return (await file.readFile()).includes(text);
  } finally {
    await file.close();
  }
}

describe('a root that is encrypted in its file', () => {
  it('opens with its passphrase and no other, and has nothing of the plain text left', async () => {
    const image = await encrypt({ passphrase: 'open sesame' });
    const status = await stat(join(folder, image.slice('/mnt/'.length)));
    expect(status.size).toBe(SIZE + LUKS_BYTES);
    expect(await holds('/mnt/plain.ext4', PLAIN)).toBe(true);
    expect(await holds(image, PLAIN)).toBe(false);
    const test = ['open', '--test-passphrase', '--key-file', '-', image];
    expect((await cryptsetup(test, 'open sesame')).exitCode).toBe(0);
    expect((await cryptsetup(test, 'open sesame\n')).exitCode).not.toBe(0);
    expect((await cryptsetup(test, 'open barley')).exitCode).not.toBe(0);
  }, 120_000);

  it('takes the memory that it was told, on whatever machine it is made', async () => {
    const image = await encrypt({ passphrase: 'open sesame' });
    const { stdout } = await cryptsetup(['luksDump', image]);
    expect(stdout).toMatch(new RegExp(`UUID:\\s+${UUID}`));
    expect(stdout).toMatch(/PBKDF:\s+argon2id\s+Time cost:\s+4\s+Memory:\s+32768\s/);
    expect(stdout).toMatch(/sector: 4096/);
    // Done, not waiting for a device to go on with it.
    expect(stdout).not.toMatch(/reencrypt/);
  }, 120_000);

  it('has another volume key in each image, and opens with the bytes of a key file', async () => {
    const [first, second] = [
      await encrypt({ file: join(folder, 'key') }),
      await encrypt({ file: join(folder, 'key') }),
    ];
    const keyOf = async (image: string): Promise<string> => {
      const args = ['luksDump', '--dump-volume-key', '--batch-mode', '--key-file', '/mnt/key', image];
      const { stdout, exitCode } = await cryptsetup(args);
      expect(exitCode).toBe(0);
      return /MK dump:\s*([0-9a-f\s]+)/.exec(stdout)?.[1]?.replaceAll(/\s/g, '') ?? '';
    };
    const keys = [await keyOf(first), await keyOf(second)];
    expect(keys[0]).toMatch(/^[0-9a-f]{128}$/);
    expect(keys[1]).not.toBe(keys[0]);
  }, 120_000);
});
