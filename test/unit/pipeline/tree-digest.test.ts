import { chmod, mkdir, mkdtemp, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { treeDigest } from '../../../src/pipeline/tree-digest.js';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reswarm-tree-'));
  await mkdir(join(folder, 'etc'));
  await writeFile(join(folder, 'etc/motd'), 'hello');
  await symlink('motd', join(folder, 'etc/issue'));
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

describe('the digest of a tree', () => {
  it('stays the same when only times change', async () => {
    const before = await treeDigest(folder, 'all');
    await utimes(join(folder, 'etc/motd'), 1, 1);
    expect(await treeDigest(folder, 'all')).toBe(before);
  });

  const changes: [string, () => Promise<void>][] = [
    ['the content of a file', () => writeFile(join(folder, 'etc/motd'), 'HELLO')],
    ['a new empty folder', () => mkdir(join(folder, 'srv')).then(() => undefined)],
    ['the executable bit', () => chmod(join(folder, 'etc/motd'), 0o755)],
    [
      'a link target',
      async () => {
        await rm(join(folder, 'etc/issue'));
        await symlink('other', join(folder, 'etc/issue'));
      },
    ],
  ];

  it.each(changes)('changes with %s', async (_, change) => {
    const before = await treeDigest(folder, 'executable');
    await change();
    expect(await treeDigest(folder, 'executable')).not.toBe(before);
  });

  it('heeds other permission bits only when asked to', async () => {
    const all = await treeDigest(folder, 'all');
    const executable = await treeDigest(folder, 'executable');
    await chmod(join(folder, 'etc/motd'), 0o600);
    expect(await treeDigest(folder, 'all')).not.toBe(all);
    expect(await treeDigest(folder, 'executable')).toBe(executable);
  });
});
