import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newWorkload } from '../../../../src/config/listing/new-workload.js';
import { findWorkload, listWorkloads } from '../../../../src/config/listing/workloads.js';
import { configPlaces } from '../../../../src/config/places.js';
import { readWorkload } from '../../../../src/config/workloads/load-workload.js';
import { listPath } from '../../../../src/model/workload.js';

const projectDir = fileURLToPath(new URL('../../../..', import.meta.url));
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reswarm-workload-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

const places = () => configPlaces(projectDir, folder);

async function write(name: string, text: string): Promise<string> {
  const file = join(folder, name);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
  return file;
}

const HEAD = 'id: web\ndescription: Answers.\n';
const COMMAND = 'command: [/usr/bin/node, /srv/server.mjs]\n';

/** `code line:column` of each problem of a file. */
async function placed(text: string): Promise<string[]> {
  const file = await write('web.yaml', text);
  const { problems } = await readWorkload(file, places().workloadsDir);
  expect(problems.map((problem) => problem.file)).toEqual(problems.map(() => file));
  return problems.map(({ code, line, column }) => `${code} ${line ?? '-'}:${column ?? '-'}`);
}

describe('the shipped workloads', () => {
  it('are valid, are named as their files, and are checked', async () => {
    const found = await listWorkloads(places());
    expect(found.map(({ workload }) => workload.id)).toEqual(['nginx', 'node', 'python', 'static-c']);
    expect(found.filter(({ workload }) => workload.check === undefined)).toEqual([]);
  });

  it('have a list for each architecture where they take files from packages', async () => {
    const found = await listWorkloads(places());
    for (const { workload } of found.filter((one) => one.workload.packages.length > 0)) {
      const text = await readFile(listPath(workload.list ?? '', 'amd64'), 'utf8');
      expect(text).toContain(workload.command[0]);
    }
  });
});

describe('a workload file', () => {
  it('has defaults, and paths that begin at the file', async () => {
    await write('server.mjs', '');
    const file = await write(
      'web.yaml',
      `${HEAD}${COMMAND}files: { ./server.mjs: /srv/server.mjs }\nports: [80]\ncheck: { http: ':80/x?y=1', expect: hi }\nlist: ./web.{architecture}.list\n`,
    );
    const { workload } = await findWorkload(file, places());
    expect(workload).toMatchObject({
      user: 65_534,
      workingFolder: '/',
      restart: 'always',
      files: [{ source: join(folder, 'server.mjs'), target: '/srv/server.mjs' }],
      check: { http: { port: 80, path: '/x?y=1', status: 200, expect: 'hi' } },
    });
    expect(listPath(workload.list ?? '', 'arm64')).toBe(join(folder, 'web.arm64.list'));
  });

  it('extends another one: maps are merged, paths stay with the file that wrote them', async () => {
    await write('mine.mjs', '');
    const file = await write(
      'web.yaml',
      'extends: node\nid: web\nfiles: { ./mine.mjs: /srv/mine.mjs }\nenv: { TZ: UTC }\n',
    );
    const { workload } = await findWorkload(file, places());
    expect(workload.files.map(({ source }) => source)).toEqual([
      join(projectDir, 'workloads/node/server.mjs'),
      join(folder, 'mine.mjs'),
    ]);
    expect(workload.env).toEqual({ NODE_ENV: 'production', TZ: 'UTC' });
    expect(workload.list).toBe(join(projectDir, 'workloads/node/{architecture}.list'));
  });

  it.each([
    [HEAD, 'missing-key 1:1'],
    [`${HEAD}${COMMAND}prots: [80]\n`, 'unknown-key 4:1'],
    [`${HEAD}command: [node, x]\n`, 'invalid-value 3:11'],
    [`${HEAD}command: node\n`, 'wrong-type 3:10'],
    [`${HEAD}${COMMAND}env: { A: "x\\ny" }\n`, 'invalid-value 4:11'],
    [`${HEAD}${COMMAND}packages: [Node]\n`, 'package-name-invalid 4:12'],
    [`${HEAD}${COMMAND}packages: [./none.deb]\n`, 'package-file-not-found 4:12'],
    [`${HEAD}${COMMAND}files: { ./none.mjs: /srv/none.mjs }\n`, 'workload-file-not-found 4:22'],
    [`${HEAD}${COMMAND}files: { ./web.yaml: /srv/../etc }\n`, 'invalid-value 4:22'],
    [`${HEAD}${COMMAND}files: { ./web.yaml: /init }\n`, 'workload-target-reserved 4:22'],
    [`${HEAD}${COMMAND}files: { ./web.yaml: /etc/reswarm/x }\n`, 'workload-target-reserved 4:22'],
    [`${HEAD}${COMMAND}compile: { ./web.yaml: /srv/x }\n`, 'workload-source-not-c 4:24'],
    [`${HEAD}${COMMAND}check: { http: ':80/' }\n`, 'workload-port-unlisted 4:16'],
    [`${HEAD}${COMMAND}ports: [80]\nexercise: [{ http: ':81/' }]\n`, 'workload-port-unlisted 5:20'],
    [`${HEAD}${COMMAND}exercise: [{ script: ./none.sh }]\n`, 'workload-file-not-found 4:22'],
    [`${HEAD}${COMMAND}check: { http: localhost }\n`, 'invalid-value 4:16'],
    [`${HEAD}${COMMAND}user: Me\n`, 'invalid-value 4:7'],
    [`${HEAD}${COMMAND}include: [usr/share]\n`, 'invalid-value 4:11'],
    [`${HEAD}command: [/usr/bin/web${', a'.repeat(255)}]\n`, 'workload-settings-too-large 3:10'],
    [
      `${HEAD}${COMMAND}ports: [${Array.from({ length: 256 }, (_, port) => port + 1).join(', ')}]\n`,
      'workload-settings-too-large 4:8',
    ],
    [`${HEAD}${COMMAND}env: { LONG: ${'x'.repeat(61_440)} }\n`, 'workload-settings-too-large 4:6'],
    ['extends: nowhere\n', 'workload-extends-not-found 1:10'],
    ['extends: node\n', 'workload-id-inherited 1:1'],
    ['', 'workload-empty -:-'],
  ])('is refused with its place: %j', async (text, expected) => {
    expect(await placed(text)).toEqual([expected]);
  });

  it('cannot put two files into one place', async () => {
    await write('a', '');
    await write('b', '');
    expect(await placed(`${HEAD}${COMMAND}files: { ./a: /srv/x, ./b: /srv/x }\n`)).toEqual([
      'workload-target-twice 4:28',
    ]);
  });
});

describe('workload new', () => {
  it('writes a file that is valid as it is', async () => {
    const made = await newWorkload('web', { from: 'python', schema: '/x/workload.schema.json' }, places());
    const { workload } = await findWorkload(made.file, places());
    expect(workload).toMatchObject({ id: 'web', packages: ['python3'] });
  });

  it.each([
    ['Web', 'workload-id-invalid'],
    ['node', 'workload-exists'],
  ])('refuses the id %s', async (id, code) => {
    await expect(newWorkload(id, { from: 'node', schema: 'x' }, places())).rejects.toMatchObject({ code });
  });

  it('does not overwrite, and knows where it comes from', async () => {
    await write('web.yaml', 'mine');
    await expect(newWorkload('web', { from: 'node', schema: 'x' }, places())).rejects.toMatchObject({
      code: 'workload-exists',
    });
    await expect(newWorkload('api', { from: 'nodes', schema: 'x' }, places())).rejects.toMatchObject({
      code: 'unknown-workload',
    });
  });
});
