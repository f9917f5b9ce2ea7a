import { execFile } from 'node:child_process';
import { chmod, cp, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';

const run = promisify(execFile);
const PROGRAM = join(import.meta.dirname, '../helpers/make-volume.ts');
const OWN_FILES = join(import.meta.dirname, '../../layers/base/files');
const isRoot = process.getuid?.() === 0;

let folder: string;
let usual: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reswarm-odd-'));
  await chmod(folder, 0o755);
  usual = await makeVolume({});
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

type Surroundings = {
  readonly env?: Readonly<Record<string, string>>;
  /** What a shell does before it starts the program. */
  readonly before?: string;
  readonly wrapper?: readonly string[];
  readonly source?: string;
  readonly cacheDir?: string;
};

let count = 0;

async function makeVolume({ env, before = '', wrapper = [], source = OWN_FILES, cacheDir }: Surroundings) {
  const store = cacheDir ?? join(folder, `store-${(count += 1)}`);
  const node = [process.execPath, '--import', 'tsx', PROGRAM, inject('toolsTree'), store, source];
  const command = ['-c', `${before}\nexec "$@"`, 'bash', ...wrapper, ...node];
  const { stdout } = await run('/bin/bash', command, { env: { ...process.env, ...env } });
  return stdout.trim();
}

/** The project's own files as a checkout without modes has them. */
async function checkout(name: string, folders: number, files: number): Promise<string> {
  const copy = join(folder, name);
  await cp(OWN_FILES, copy, { recursive: true });
  for (const entry of await readdir(copy, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isDirectory()) await chmod(path, folders);
    else if (entry.isFile()) await chmod(path, files);
  }
  await chmod(copy, folders);
  return copy;
}

describe('a volume has the same bytes', () => {
  it('with a strict umask and a loose one', async () => {
    expect(usual).toMatch(/^[0-9a-f]{64}$/);
    expect(await makeVolume({ before: 'umask 077' })).toBe(usual);
    expect(await makeVolume({ before: 'umask 000' })).toBe(usual);
  });

  it('with another environment', async () => {
    const env = {
      TMPDIR: join(folder, 'none'),
      HOME: '',
      LANG: 'de_DE.ISO-8859-1',
      LC_ALL: 'tr_TR.UTF-8',
      TZ: 'Pacific/Kiritimati',
      LD_PRELOAD: '',
      MKE2FS_CONFIG: '/nowhere',
      RSYNC_PROTECT_ARGS: '1',
      POSIXLY_CORRECT: '1',
      SOURCE_DATE_EPOCH: '1',
    };
    expect(await makeVolume({ env })).toBe(usual);
  });

  it('with other programs first in PATH', async () => {
    const bin = join(folder, 'bin');
    await mkdir(bin);
    for (const name of ['bwrap', 'rsync', 'flock', 'mke2fs', 'unshare']) {
      await writeFile(join(bin, name), '#!/bin/sh\nexit 9\n', { mode: 0o755 });
    }
    expect(await makeVolume({ env: { PATH: `${bin}:.:${process.env.PATH ?? ''}` } })).toBe(usual);
    expect(await makeVolume({ env: { PATH: '' } })).toBe(usual);
  });

  it('with other limits', async () => {
    expect(await makeVolume({ before: 'ulimit -S -f 1024 -c unlimited -s 4096 -n 256' })).toBe(usual);
  });

  it.runIf(isRoot)('with another group, and in a folder that hands its group on', async () => {
    const cacheDir = join(folder, 'setgid/store');
    await mkdir(join(folder, 'setgid'));
    await run('chgrp', ['4321', join(folder, 'setgid')]);
    await chmod(join(folder, 'setgid'), 0o2775);
    const wrapper = ['setpriv', '--regid=4321', '--groups=4321,5'];
    expect(await makeVolume({ wrapper, cacheDir })).toBe(usual);
  });

  it('from a checkout with other modes', async () => {
    expect(await makeVolume({ source: await checkout('private', 0o700, 0o600) })).toBe(usual);
    expect(await makeVolume({ source: await checkout('without-modes', 0o777, 0o777) })).toBe(usual);
  });
});
