import { chmod, copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FileList } from '../../../../src/formats/file-list.js';
import { parseFileList } from '../../../../src/formats/file-list.js';
import { readElfDynamic } from '../../../../src/formats/elf-dynamic.js';
import type { Workload } from '../../../../src/model/workload.js';
import { commandProblems } from '../../../../src/sources/workload/check-command.js';
import { elfClosure } from '../../../../src/sources/workload/elf-closure.js';
import type { TreeFile } from '../../../../src/sources/workload/full-tree.js';
import { FullTree } from '../../../../src/sources/workload/full-tree.js';
import { selectFiles } from '../../../../src/sources/workload/select-files.js';
import { elfFile } from '../../../helpers/elf-file.js';

let folder: string;
const AMD64 = 'amd64';
const LIBRARIES = '/usr/lib/x86_64-linux-gnu';

const WORKLOAD: Workload = {
  id: 'web',
  description: 'Answers.',
  packages: [],
  packageFiles: [],
  repositories: [],
  files: [],
  programs: [],
  command: ['/usr/bin/web'],
  env: {},
  user: 65_534,
  workingFolder: '/',
  ports: [],
  check: undefined,
  exercise: [],
  restart: 'always',
  writable: [],
  list: undefined,
  include: [],
  exclude: [],
  locales: undefined,
  at: { command: { file: 'web.yaml', line: 4, column: 1 }, check: {}, list: {}, packages: {}, user: {}, locales: {} },
};

const at = (path: string, type: TreeFile['type'], more: Partial<TreeFile> = {}): TreeFile => {
  return { path, type, mode: type === 'file' ? 0o644 : 0o755, sizeBytes: 1, ...more };
};
const link = (path: string, target: string): TreeFile => at(path, 'link', { target });

/** A tree with merged /usr, a program, a script, libraries behind links, one that only another architecture could run. */
let tree: FullTree;

async function program(name: string, bytes: Buffer | string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, bytes);
  return path;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reswarm-selection-'));
  const web = await program('web', elfFile({ needed: ['liba.so.1'], interpreter: '/lib64/ld.so.2' }));
  const liba = await program('liba', elfFile({ needed: ['libb.so.2'], runPath: '$ORIGIN/private' }));
  const plugin = await program('plugin', elfFile({ needed: ['libnowhere.so'] }));
  const broken = await program('broken', elfFile({ needed: ['libplugin.so'], runPath: '/usr/lib/web' }));
  const libb = await program('libb', elfFile({ needed: [] }));
  const foreign = await program('foreign', elfFile({ machine: 183 }));
  const script = await program('script', '#!/usr/bin/env -S web --flag\n');
  const data = await program('data', 'text');
  tree = new FullTree([
    ...[
      '/usr',
      '/usr/bin',
      '/usr/lib',
      '/usr/lib/web',
      '/usr/lib64',
      LIBRARIES,
      `${LIBRARIES}/private`,
      '/usr/share',
      '/usr/share/web',
    ].map((path) => at(path, 'folder')),
    link('/lib', 'usr/lib'),
    link('/lib64', 'usr/lib64'),
    link('/bin', 'usr/bin'),
    at('/usr/bin/web', 'file', { source: web, mode: 0o755 }),
    link('/usr/bin/www', 'web'),
    at('/usr/bin/foreign', 'file', { source: foreign, mode: 0o755 }),
    at('/usr/bin/script', 'file', { source: script, mode: 0o755 }),
    at('/usr/bin/plain', 'file', { source: data, mode: 0o755 }),
    at('/usr/bin/broken', 'file', { source: broken, mode: 0o755 }),
    at('/usr/lib/web/libplugin.so', 'file', { source: plugin }),
    at('/usr/lib64/ld.so.2', 'file', { source: libb, mode: 0o755 }),
    link(`${LIBRARIES}/liba.so.1`, 'liba.so.1.2'),
    at(`${LIBRARIES}/liba.so.1.2`, 'file', { source: liba }),
    at(`${LIBRARIES}/private/libb.so.2`, 'file', { source: libb }),
    at('/usr/share/web/a.txt', 'file', { source: data }),
    at('/usr/share/web/b.txt', 'file', { source: data }),
  ]);
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

function listOf(text: string): { list: FileList; file: string } {
  return { list: parseFileList(text, 'web.list').list, file: 'web.list' };
}

async function select(text: string, more: Partial<Parameters<typeof selectFiles>[0]> = {}) {
  return selectFiles({ tree, workload: WORKLOAD, architecture: AMD64, given: [], list: listOf(text), ...more });
}

const paths = (files: readonly TreeFile[]): string[] =>
  files.filter(({ type }) => type !== 'folder').map((f) => f.path);

describe('a tree', () => {
  it('follows links as the kernel does', () => {
    expect(tree.follow('/lib/x86_64-linux-gnu/liba.so.1')).toMatchObject({
      links: ['/lib', `${LIBRARIES}/liba.so.1`],
      end: { path: `${LIBRARIES}/liba.so.1.2` },
    });
    expect(tree.follow('/bin/../bin/./www').end?.path).toBe('/usr/bin/web');
    expect(tree.follow('/nowhere/at/all').end).toBeUndefined();
  });

  it('does not follow a circle for ever', () => {
    const circle = new FullTree([link('/a', 'b'), link('/b', 'a')]);
    expect(circle.follow('/a').end).toBeUndefined();
  });
});

describe('the ELF closure', () => {
  it('finds the loader, libraries behind links and run paths, and names what is nowhere', async () => {
    const closure = await elfClosure(tree, ['/usr/bin/web'], { architecture: AMD64, env: {} });
    expect([...closure.paths].sort()).toEqual(
      [
        '/lib',
        '/lib64',
        `${LIBRARIES}/liba.so.1`,
        `${LIBRARIES}/liba.so.1.2`,
        `${LIBRARIES}/private/libb.so.2`,
        '/usr/lib64/ld.so.2',
      ].sort(),
    );
    expect(closure.missing).toEqual([]);
    const ofPlugin = await elfClosure(tree, ['/usr/lib/web/libplugin.so'], { architecture: AMD64, env: {} });
    expect(ofPlugin.missing).toEqual([{ name: 'libnowhere.so', needed: '/usr/lib/web/libplugin.so' }]);
  });

  it('finds the interpreter of a script, also behind env', async () => {
    const closure = await elfClosure(tree, ['/usr/bin/script'], { architecture: AMD64, env: {} });
    expect(closure.paths.has('/usr/bin/web')).toBe(true);
    expect(closure.missing).toContainEqual({ name: '/usr/bin/env', needed: '/usr/bin/script' });
  });

  it('reads a real program as the system does', async () => {
    const elf = await readElfDynamic(process.execPath);
    expect(elf).toMatchObject({ architecture: process.arch === 'arm64' ? 'arm64' : 'amd64' });
    expect(elf?.needed).toContain('libc.so.6');
    expect(elf?.interpreter).toMatch(/^\/lib.*\/ld-linux/);
  });
});

describe('the selection', () => {
  it('is the list, what its programs need, links that lead to it, and the folders of all', async () => {
    const { files, onlyNeeded, problems } = await select('/usr/bin/web\n');
    expect(problems).toEqual([]);
    expect(paths(files)).toEqual(
      [
        '/bin',
        '/lib',
        '/lib64',
        '/usr/bin/web',
        '/usr/bin/www',
        `${LIBRARIES}/liba.so.1`,
        `${LIBRARIES}/liba.so.1.2`,
        `${LIBRARIES}/private/libb.so.2`,
        '/usr/lib64/ld.so.2',
      ].sort(),
    );
    expect(onlyNeeded).toContain(`${LIBRARIES}/private/libb.so.2`);
    expect(files.map(({ path }) => path)).toContain('/usr/lib');
  });

  it('has what people add and lacks what they take away; the command line has the last word', async () => {
    const list = '/usr/bin/web\n/usr/share/web/a.txt\n+ /usr/share/web/b.txt\n- /usr/share/web/a.txt\n';
    expect(paths((await select(list)).files)).toContain('/usr/share/web/b.txt');
    expect(paths((await select(list)).files)).not.toContain('/usr/share/web/a.txt');
    expect(paths((await select(list, { keep: ['/usr/share/web/a.txt'] })).files)).toContain('/usr/share/web/a.txt');
    expect(paths((await select(list, { drop: ['/usr/share'] })).files)).not.toContain('/usr/share/web/b.txt');
  });

  it('leaves out what is dropped though a program needs it', async () => {
    const { files } = await select('/usr/bin/web\n', { drop: [`${LIBRARIES}/private`] });
    expect(paths(files)).not.toContain(`${LIBRARIES}/private/libb.so.2`);
  });

  it('names a file that no package has any more, its line, and the nearest', async () => {
    const { problems } = await select(`/usr/bin/web\n${LIBRARIES}/liba.so.1.1\n`);
    expect(problems).toEqual([expect.objectContaining({ code: 'file-list-stale', file: 'web.list', line: 2 })]);
    expect(problems[0]?.message).toContain('liba.so.1.1');
    expect(problems[0]?.hint).toContain(`${LIBRARIES}/liba.so.1`);
  });

  it('finds a file of the same name in another folder', async () => {
    const { problems } = await select('/usr/bin/web\n/usr/lib/web/b.txt\n');
    expect(problems[0]?.hint).toContain('/usr/share/web/b.txt');
  });

  it.each([
    { more: { keep: ['/usr/share/wbe'] }, text: '/usr/bin/web\n' },
    { more: { drop: ['/opt/**'] }, text: '/usr/bin/web\n' },
    { more: {}, text: '/usr/bin/web\n+ /usr/share/none/*\n' },
  ])('refuses a glob that means nothing: $more $text', async ({ more, text }) => {
    const { problems } = await select(text, more);
    expect(problems.map(({ code }) => code)).toEqual(['workload-glob-unmatched']);
  });
});

describe('what may be a mistake', () => {
  it('warns of globs that leave nothing out, with their place', async () => {
    const workload = { ...WORKLOAD, exclude: ['/usr/share/doc/**'] };
    const { problems, warnings } = await select('/usr/bin/web\n- /usr/share/wbe/a.txt\n', { workload });
    expect(problems).toEqual([]);
    expect(warnings).toMatchObject([
      { code: 'workload-glob-unmatched', message: expect.stringContaining('exclude /usr/share/doc/**') as string },
      { code: 'workload-glob-unmatched', file: 'web.list', line: 2 },
    ]);
  });

  it('warns of a library that is nowhere, and refuses one without which the command does not start', async () => {
    const ofPlugin = await select('/usr/bin/web\n/usr/lib/web/libplugin.so\n');
    expect(ofPlugin.problems).toEqual([]);
    expect(ofPlugin.warnings.map(({ code }) => code)).toEqual(['workload-library-missing']);
    const ofCommand = await select('/usr/bin/broken\n', { workload: { ...WORKLOAD, command: ['/usr/bin/broken'] } });
    expect(ofCommand.problems).toMatchObject([
      { code: 'workload-library-missing', message: expect.stringContaining('libnowhere.so') as string },
    ]);
  });
});

describe('the command', () => {
  it.each([
    { program: '/usr/bin/wb', code: 'workload-command-missing' },
    { program: '/usr/share/web/a.txt', code: 'workload-command-not-executable' },
    { program: '/usr/bin/foreign', code: 'workload-command-architecture' },
    { program: '/usr/bin/plain', code: 'workload-command-format' },
    { program: '/usr/bin/script', code: 'workload-interpreter-missing' },
  ])('$program: $code', async ({ program: path, code }) => {
    const problems = await commandProblems({ ...WORKLOAD, command: [path] }, tree, AMD64);
    expect(problems).toEqual([expect.objectContaining({ code, file: 'web.yaml', line: 4 })]);
  });

  it('must be in the list', async () => {
    const problems = await commandProblems(WORKLOAD, tree, AMD64, new Set(['/usr/share/web/a.txt']));
    expect(problems.map(({ code }) => code)).toEqual(['workload-command-not-listed']);
    expect(await commandProblems(WORKLOAD, tree, AMD64, new Set(['/usr/bin/web']))).toEqual([]);
  });

  it('may come by a link', async () => {
    expect(await commandProblems({ ...WORKLOAD, command: ['/bin/www'] }, tree, AMD64)).toEqual([]);
  });
});

it('copies of real programs need what the system says', async () => {
  const copy = join(folder, 'node');
  await copyFile(process.execPath, copy);
  await chmod(copy, 0o755);
  const real = new FullTree([at('/node', 'file', { source: copy, mode: 0o755 })]);
  const closure = await elfClosure(real, ['/node'], { architecture: AMD64, env: {} });
  expect(closure.missing.map(({ name }) => name)).toContain('libc.so.6');
});
