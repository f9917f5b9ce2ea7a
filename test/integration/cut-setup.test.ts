import { execFile } from 'node:child_process';
import { access, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeEach, expect, inject, it } from 'vitest';
import { sandboxed } from '../../src/model/sandbox.js';
import { readHostFacts } from '../../src/host/read-facts.js';

const run = promisify(execFile);
const { privilege } = readHostFacts(process.env);
const SCRIPTS = join(import.meta.dirname, '../../layers/base/files/usr/lib/reswarm');
/** What `cloud-init clean` does to its folder; the whole of it is the business of the power-cut test. */
const CLEAN = '#!/bin/sh\n[ "$*" = clean ] && rm -r /var/lib/cloud/*\n';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reswarm-cut-'));
  await mkdir(join(folder, 'bin'));
  await writeFile(join(folder, 'bin/cloud-init'), CLEAN, { mode: 0o755 });
  await mkdir(join(folder, 'lib'));
  return () => rm(folder, { recursive: true });
});

/** Runs a script of the device, with the folder's `lib` as /var/lib; gives what it said. */
async function device(script: string): Promise<string> {
  const mounts = [
    { source: SCRIPTS, target: '/srv' },
    { source: join(folder, 'bin'), target: '/mnt' },
    { source: join(folder, 'lib'), target: '/var/lib', writable: true },
  ];
  const command = { file: 'sh', args: ['-c', `PATH=/mnt:$PATH exec /srv/${script}`] };
  const { file, args } = sandboxed({ root: inject('toolsTree'), mounts }, command, privilege);
  return (await run(file, args)).stdout;
}

/** cloud-init has begun with an instance. */
async function begin(instance: string): Promise<void> {
  await mkdir(join(folder, 'lib/cloud/instances', instance, 'sem'), { recursive: true });
  await rm(join(folder, 'lib/cloud/instance'), { force: true });
  await symlink(`/var/lib/cloud/instances/${instance}`, join(folder, 'lib/cloud/instance'));
}

const instances = () => readdir(join(folder, 'lib/cloud/instances')).catch(() => []);
const CUT = /The first boot was cut off/;

it('a device that cloud-init has not seen yet has nothing to forget', async () => {
  expect(await device('forget-cut-setup')).toBe('');
});

it('an instance that is not known to be on the card is forgotten; one that is stays', async () => {
  await begin('gate-1');
  expect(await device('forget-cut-setup')).toMatch(CUT);
  expect(await instances()).toEqual([]);
  await begin('gate-1');
  await device('note-setup-on-card');
  expect(await device('forget-cut-setup')).toBe('');
  expect(await instances()).toEqual(['gate-1']);
});

it('a new identity that was cut is forgotten after an old one that was not', async () => {
  await begin('gate-1');
  await device('note-setup-on-card');
  await begin('gate-2');
  expect(await device('forget-cut-setup')).toMatch(CUT);
});

it('parts that a cut left behind are forgotten too', async () => {
  await begin('gate-1');
  await rm(join(folder, 'lib/cloud/instance'));
  expect(await device('forget-cut-setup')).toMatch(CUT);
});

it('a user-data that resets the machine is done three times again and no more, and counted anew when it came to its end', async () => {
  for (const again of [true, true, true, false, false]) {
    await begin('gate-1');
    expect(CUT.test(await device('forget-cut-setup'))).toBe(again);
  }
  await device('note-setup-on-card');
  await expect(access(join(folder, 'lib/reswarm-cut-setups'))).rejects.toMatchObject({ code: 'ENOENT' });
  await begin('gate-2');
  expect(await device('forget-cut-setup')).toMatch(CUT);
});
