import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { schemaValidator } from '../../../src/seeds/schemas/schema-validator.js';
import { openBootPartition } from '../../../src/images/edit-boot-files.js';
import type { SeedCheck } from '../../../src/provision/check-seed-files.js';
import { checkSeedFiles } from '../../../src/provision/check-seed-files.js';
import { createFakeHost } from '../../helpers/fake-host.js';
import { fat32Disk } from '../../helpers/fat32-disk.js';

const schemas = { cloudConfig: schemaValidator({}), networkV1: schemaValidator({}) };
const USER_DATA = '#cloud-config\nssh_pwauth: true\npassword: $6$a$b\n';
const META_DATA = 'instance-id: x\n';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'seed-check-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

type Files = Readonly<Record<string, string>>;

async function write(files: Files): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
}

function check(paths: readonly string[], more = {}): Promise<SeedCheck> {
  const options = {
    workingFolder: folder,
    paths,
    named: {},
    strict: false,
    schemas,
    defaultsFolder: 'cloud-init',
    ...more,
  };
  return checkSeedFiles(options, createFakeHost());
}

/** "severity code file:line" of each finding. */
function found({ findings }: SeedCheck): string[] {
  return findings.map(({ severity, code, file, line }) => `${severity} ${code} ${file ?? ''}:${line ?? ''}`);
}

describe('files of a seed', () => {
  it('are known by their names or by what they hold', async () => {
    await write({
      'my-user-data.yaml': USER_DATA,
      kiosk: USER_DATA,
      id: META_DATA,
      lan: 'version: 2\nethernets: {}\n',
    });
    const { files, valid } = await check(['my-user-data.yaml', 'kiosk', 'id', 'lan']);
    expect(files.map(({ kind }) => kind)).toEqual(['userData', 'userData', 'metaData', 'networkConfig']);
    expect(valid).toBe(true);
  });

  it('that nothing tells the kind of are named, and are errors where there is nothing else to check', async () => {
    await write({ notes: '- a\n', 'user-data': `${USER_DATA}hostname: a\n` });
    expect(found(await check(['notes', 'user-data']))).toEqual(['warning seed-kind-unknown notes:1']);
    expect((await check(['notes', 'user-data'], { strict: true })).valid).toBe(false);
    expect(found(await check(['notes']))).toEqual(['error seed-kind-unknown notes:1']);
    expect((await check([], { named: { userData: 'notes' } })).valid).toBe(true);
  });

  it('are held against each other', async () => {
    await write({ 'user-data': `${USER_DATA}hostname: a\n`, 'meta-data': `${META_DATA}local-hostname: b\n` });
    expect(found(await check(['user-data', 'meta-data']))).toEqual(['warning seed-two-hostnames user-data:4']);
  });

  it('say how each user logs in', async () => {
    await write({ 'user-data': USER_DATA, script: '#!/bin/sh\n' });
    expect((await check(['user-data'])).logins).toEqual([{ name: 'debian', ways: ['ssh password', 'screen'] }]);
    expect((await check(['script'])).logins).toBeUndefined();
    await write({ other: '#cloud-config\nusers: []\n' });
    expect(found(await check(['other']))).toEqual(['warning seed-no-login other:2']);
    expect((await check(['other'])).logins).toEqual([]);
  });

  it('that name a device are checked with the seed that they make', async () => {
    await write({ 'device.ini': '[user]\nUSERNAME = "ada"\nPASSWD = "geheim12"\n', 'x.flock': '{' });
    expect(found(await check(['device.ini']))).toEqual(['warning seed-login-screen-only device.ini:']);
    expect(found(await check(['x.flock']))).toEqual(['error flock-syntax x.flock:1']);
  });

  it('that are not there are errors', async () => {
    expect(found(await check(['user-data']))).toEqual(['error file-missing user-data:']);
    await expect(check([])).rejects.toMatchObject({ code: 'seed-nothing-to-check' });
  });
});

describe('a folder', () => {
  it('is checked file by file', async () => {
    await write({ 'gate-7/user-data': 'hostname: a\n', 'gate-7/meta-data': META_DATA, 'gate-7/notes.txt': 'x' });
    expect(found(await check(['gate-7']))).toEqual(['error seed-no-header gate-7/user-data:1']);
  });

  it.each<[string, Files, string[]]>([
    ['without a meta-data', { 's/user-data': USER_DATA }, ['warning seed-file-missing s:']],
    [
      'with a suffix that no device looks for',
      { 's/user-data.txt': USER_DATA, 's/meta-data': META_DATA },
      ['warning seed-file-name s/user-data.txt:'],
    ],
    [
      'with a copy beside the file',
      { 's/user-data': USER_DATA, 's/user-data.bak': USER_DATA, 's/meta-data': META_DATA },
      [],
    ],
  ])('%s', async (_, files, expected) => {
    await write(files);
    expect(found(await check(['s']))).toEqual(expected);
  });
});

describe('an image', () => {
  async function image(files: Files): Promise<string> {
    const disk = fat32Disk();
    const view = await openBootPartition(disk.read, disk.sizeBytes);
    const edit = await view.edit({ files: new Map(Object.entries(files)), sourceDateEpoch: 1_790_000_000 });
    for (const { offsetBytes, bytes } of edit.steps.flat()) disk.write(offsetBytes, bytes);
    await writeFile(join(folder, 'card.img'), await disk.read(0, disk.sizeBytes));
    return 'card.img';
  }

  it.each<[string, Files, string[]]>([
    ['with a seed that is well', { 'user-data': USER_DATA, 'meta-data': META_DATA }, []],
    [
      'whose user-data has a suffix',
      { 'user-data.txt': USER_DATA, 'meta-data': META_DATA },
      ['error seed-file-missing card.img:', 'warning seed-file-name card.img:user-data.txt:'],
    ],
    [
      'whose command line names another instance',
      { 'user-data': USER_DATA, 'meta-data': META_DATA, 'cmdline.txt': 'root=x ds=nocloud;i=rpi-imager-1\n' },
      ['warning seed-two-instance-ids card.img:cmdline.txt:1'],
    ],
    [
      'whose seed is sought elsewhere',
      { 'user-data': USER_DATA, 'meta-data': `${META_DATA}seedfrom: http://192.0.2.1/\n` },
      ['warning seed-read-elsewhere card.img:meta-data:2'],
    ],
  ])('%s', async (_, files, expected) => {
    expect(found(await check([], { image: await image(files) })).toSorted()).toEqual(expected.toSorted());
  });
});
