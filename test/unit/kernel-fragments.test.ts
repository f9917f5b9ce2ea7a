import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { load } from 'js-yaml';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Board } from '../../src/domain/board.js';
import { mergeFragments } from '../../src/domain/kernel-config.js';
import { listBoards } from '../../src/services/boards.js';
import { readFragments } from '../../src/services/kernel-request.js';

type Requirements = {
  readonly source: string;
  /** Holds for boards with this fragment; for all where it is left out. */
  readonly when?: string;
  readonly on?: readonly (readonly string[])[];
  readonly builtIn?: readonly (readonly string[])[];
  readonly off?: readonly string[];
  readonly except?: Readonly<Record<string, string>>;
};

const boardsDir = fileURLToPath(new URL('../../boards/', import.meta.url));
const folder = new URL('../../boards/kernel/', import.meta.url);
const fixture = new URL('../fixtures/kernel-requirements.yaml', import.meta.url);
const files = readdirSync(folder).filter((name) => name.endsWith('.config'));
const lists = load(readFileSync(fixture, 'utf8')) as readonly Requirements[];

let boards: readonly { board: Board; asked: ReadonlyMap<string, string>; problems: readonly unknown[] }[];

beforeAll(async () => {
  const found = await listBoards({ boardsDir, cwd: boardsDir });
  boards = await Promise.all(
    found.map(async ({ board }) => {
      const { requests, problems } = mergeFragments(await readFragments(board));
      const asked = new Map(requests.map(({ name, value }) => [name.replace(/^CONFIG_/, ''), value]));
      return { board, asked, problems };
    }),
  );
});

describe('kernel fragments', () => {
  it('of every board are free of malformed lines and of contradictions', () => {
    expect(boards.flatMap(({ problems }) => problems)).toEqual([]);
  });

  it('start with a comment that says what they are for', () => {
    const text = (name: string) => readFileSync(new URL(name, folder), 'utf8');
    expect(files.filter((name) => !text(name).startsWith('# '))).toEqual([]);
  });

  it.each(lists)('satisfy: $source', ({ when, on = [], builtIn = [], off = [], except = {} }) => {
    const concerned = boards.filter(
      ({ board }) => when === undefined || board.kernel.fragments.some(({ name }) => name === when),
    );
    expect(concerned).not.toEqual([]);
    for (const { board, asked } of concerned) {
      const isOn = (name: string) => ['y', 'm'].includes(asked.get(name) ?? 'n');
      const missing = {
        board: board.id,
        on: on.flat().filter((name) => !isOn(name)),
        builtIn: builtIn.flat().filter((name) => asked.get(name) !== 'y'),
        off: off.filter(isOn),
        // An exception that has been lifted should not stay on the list.
        except: Object.keys(except).filter(isOn),
      };
      expect(missing).toEqual({ board: board.id, on: [], builtIn: [], off: [], except: [] });
    }
  });
});
