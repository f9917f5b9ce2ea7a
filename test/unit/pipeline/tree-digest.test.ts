import { chmod, mkdir, mkdtemp, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { scriptsIn, treeDigest } from '../../../src/pipeline/tree-digest.js';

/** With the names, types, links and contents below. */
const GOLDEN = 'dc1a55a0fec2521c227887f3d272a3cb7cea5512e5e141d526519362b1032797';

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
    ['a file that becomes a script', () => writeFile(join(folder, 'etc/motd'), '#!/bin/sh')],
    [
      'a link target',
      async () => {
        await rm(join(folder, 'etc/issue'));
        await symlink('other', join(folder, 'etc/issue'));
      },
    ],
  ];

  it.each(changes)('changes with %s', async (_, change) => {
    const before = await treeDigest(folder, 'scripts');
    await change();
    expect(await treeDigest(folder, 'scripts')).not.toBe(before);
  });

  it('heeds other permission bits only when asked to', async () => {
    const all = await treeDigest(folder, 'all');
    const scripts = await treeDigest(folder, 'scripts');
    await chmod(join(folder, 'etc/motd'), 0o711);
    expect(await treeDigest(folder, 'all')).not.toBe(all);
    expect(await treeDigest(folder, 'scripts')).toBe(scripts);
  });

  it('is that of the bytes of names, which need not be UTF-8', async () => {
    const names = [Buffer.from('caf\xe9', 'latin1'), Buffer.from('caf\xe8', 'latin1')];
    const digests: string[] = [];
    for (const name of names) {
      const path = Buffer.concat([Buffer.from(`${folder}/`), name]);
      await writeFile(path, 'x');
      digests.push(await treeDigest(folder, 'all'));
      await rm(path);
    }
    expect(new Set([...digests, await treeDigest(folder, 'all')]).size).toBe(3);
  });

  it('has not changed since images were first made with it', async () => {
    await mkdir(join(folder, 'etc/ssh'));
    await writeFile(join(folder, 'etc-ä'), '#!/bin/sh\n');
    expect(await treeDigest(folder, 'scripts')).toBe(GOLDEN);
  });
});

describe('the scripts of a tree', () => {
  it('are what begins with #!, whatever the checkout says', async () => {
    await mkdir(join(folder, 'usr/lib'), { recursive: true });
    await writeFile(join(folder, 'usr/lib/grow-root'), '#!/bin/bash\n', { mode: 0o600 });
    await writeFile(join(folder, 'etc/b'), '#', { mode: 0o755 });
    await writeFile(join(folder, 'etc/empty'), '', { mode: 0o755 });
    await symlink('../usr/lib/grow-root', join(folder, 'etc/link'));
    expect(await scriptsIn(folder)).toEqual(['usr/lib/grow-root']);
  });
});
