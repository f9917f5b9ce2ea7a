import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { identify } from '../../../../src/disk/identity.js';
import { UserError } from '../../../../src/errors.js';
import { configPlaces } from '../../../../src/config/places.js';
import { findBoard, listBoards, validateBoards } from '../../../../src/config/listing/boards.js';

const projectDir = fileURLToPath(new URL('../../../..', import.meta.url));
const boardsDir = join(projectDir, 'boards');
let cwd: string;

beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'reswarm-boards-'));
});

afterEach(async () => {
  await rm(cwd, { recursive: true });
});

async function userError(promise: Promise<unknown>): Promise<UserError> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof UserError)) throw new Error('no UserError', { cause: error });
  return error;
}

describe('the shipped boards', () => {
  it('are valid and named as their files', async () => {
    const boards = await listBoards({ boardsDir, cwd });
    expect(boards.map(({ board }) => board.id)).toEqual([
      'cm3',
      'cm4',
      'cm5',
      'pc-amd64',
      'rpi',
      'rpi3',
      'rpi4',
      'rpi5',
      'rpizero2w',
      'virt-arm64',
    ]);
  });

  it('share one kernel build, all Raspberry Pis before the 5 and the virtual arm64 machine', async () => {
    const boards = (await listBoards({ boardsDir, cwd })).map(({ board }) => board);
    const others612 = boards.filter(({ soc, architecture }) => soc !== 'BCM2712' && architecture === 'arm64');
    const [first, ...others] = others612.map(({ kernel }) => kernel);
    expect(others).toHaveLength(6);
    for (const kernel of others) expect(kernel).toEqual(first);
    const [rpi5, cm5, ...more] = boards.filter(({ soc }) => soc === 'BCM2712').map(({ kernel }) => kernel);
    expect(cm5).toEqual(rpi5);
    expect(more).toEqual([]);
  });

  it('have disk ids of their own and one level of families', async () => {
    const boards = await listBoards({ boardsDir, cwd });
    expect(new Set(boards.map(({ board }) => identify(board.id, 'mbr', []).diskId)).size).toBe(boards.length);
    for (const { files } of boards) expect(files.length).toBeLessThanOrEqual(2);
  });
});

describe('findBoard', () => {
  it('finds a shipped board by its id', async () => {
    expect((await findBoard('rpi4', { boardsDir, cwd })).board.soc).toBe('BCM2711');
  });

  it.each(['./mine.yaml', 'mine.yaml'])('finds a file by its path: %s', async (path) => {
    await writeFile(join(cwd, 'mine.yaml'), 'extends: rpi3\nid: mine\n');
    expect((await findBoard(path, { boardsDir, cwd })).board.id).toBe('mine');
  });

  it('says which boards there are, and which one was probably meant', async () => {
    const error = await userError(findBoard('rpi-4', { boardsDir, cwd }));
    expect(error.code).toBe('unknown-board');
    expect(error.hints[0]).toContain('"rpi4"');
    expect(error.hints[1]).toContain('rpi3, rpi4');
  });

  it('throws all problems at once, with paths from the working directory', async () => {
    await writeFile(join(cwd, 'mine.yaml'), 'extends: rpi3\nid: MINE\nsocc: x\n');
    const { problems } = await userError(findBoard('./mine.yaml', { boardsDir, cwd }));
    expect(problems.map(({ file, line }) => [file, line])).toEqual([
      ['mine.yaml', 2],
      ['mine.yaml', 3],
    ]);
  });
});

describe('validateBoards', () => {
  it('checks all shipped boards when none is named', async () => {
    expect(await validateBoards([], configPlaces(projectDir, cwd))).toHaveLength(10);
  });

  it('tells a problem of a shared family once', async () => {
    const own = join(cwd, 'boards');
    await cp(boardsDir, own, { recursive: true });
    await writeFile(join(own, 'families', 'rpi-64bit.yaml'), 'hostname: "-"\n');
    const { problems } = await userError(validateBoards([], { ...configPlaces(projectDir, cwd), boardsDir: own }));
    expect(problems.filter(({ code }) => code === 'invalid-value')).toHaveLength(1);
  });

  it('goes on to the next file after a broken one', async () => {
    await writeFile(join(cwd, 'a.yaml'), 'extends: rpi3\nid: A\n');
    await writeFile(join(cwd, 'b.yaml'), 'extends: rpi3\nid: B\n');
    const { problems } = await userError(
      validateBoards(['./a.yaml', './b.yaml', 'rpi4'], configPlaces(projectDir, cwd)),
    );
    expect(problems.map(({ file }) => file)).toEqual(['a.yaml', 'b.yaml']);
  });
});
