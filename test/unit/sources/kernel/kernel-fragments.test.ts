import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { readKernelRequirements } from '../../../../src/sources/kernel/read-requirements.js';
import type { Board } from '../../../../src/model/board.js';
import { mergeFragments } from '../../../../src/sources/kernel/fragments.js';
import { holdsFor, unmetRequirements } from '../../../../src/sources/kernel/requirements.js';
import { listBoards } from '../../../../src/config/listing/boards.js';
import { withFlavour } from '../../../../src/sources/kernel/kernel-flavour.js';
import { withProfile } from '../../../../src/sources/kernel/kernel-profile.js';
import { readFragments } from '../../../../src/sources/kernel/kernel-request.js';

const boardsDir = fileURLToPath(new URL('../../../../boards/', import.meta.url));
const folder = new URL('../../../../boards/kernel/', import.meta.url);
const files = readdirSync(folder).filter((name) => name.endsWith('.config'));
const lists = await readKernelRequirements(fileURLToPath(new URL('requirements.yaml', folder)));

type Asked = { board: Board; asked: ReadonlyMap<string, string>; problems: readonly unknown[] };

let boards: readonly Board[];
/** Every board with its own kernel and with that of each of its profiles, and one with what only some roots need. */
let kernels: readonly Asked[];

beforeAll(async () => {
  boards = (await listBoards({ boardsDir, cwd: boardsDir })).map(({ board }) => board);
  const all = boards.flatMap((board) => [
    board,
    ...Object.keys(board.kernel.profiles).map((name) => withProfile(board, name)),
    ...(board.id === 'rpi4' ? [withFragment(board, 'storage-roots')] : []),
  ]);
  kernels = await Promise.all(all.map(askedOf));
});

function withFragment(board: Board, name: string): Board {
  const path = join(boardsDir, 'kernel', `${name}.config`);
  return { ...board, kernel: { ...board.kernel, fragments: [...board.kernel.fragments, { name, path }] } };
}

async function askedOf(board: Board): Promise<Asked> {
  const { requests, problems } = mergeFragments(await readFragments(board));
  const asked = new Map(requests.map(({ name, value }) => [name.replace(/^CONFIG_/, ''), value]));
  return { board, asked, problems };
}

describe('kernel fragments', () => {
  it('of every board are free of malformed lines and of contradictions', () => {
    expect(kernels.flatMap(({ problems }) => problems)).toEqual([]);
  });

  it('of the realtime flavour go with every board of Linux 6.12, and leave out what it cannot be with', async () => {
    const of612 = boards.filter(({ kernel }) => kernel.package === 'linux-source-6.12');
    for (const board of of612) {
      const { requests, problems } = mergeFragments(await readFragments(await withFlavour(board, 'rt', boardsDir)));
      expect(problems).toEqual([]);
      const on = requests.filter(({ value }) => value === 'y').map(({ name }) => name);
      expect(on).toContain('CONFIG_PREEMPT_RT');
      expect(on).not.toContain('CONFIG_PREEMPT');
      expect(on).not.toContain('CONFIG_TRANSPARENT_HUGEPAGE');
    }
  });

  it('start with a comment that says what they are for', () => {
    const text = (name: string) => readFileSync(new URL(name, folder), 'utf8');
    expect(files.filter((name) => !text(name).startsWith('# '))).toEqual([]);
  });

  it('of the profile tiny go with every board, hold no module and nothing that only the standard kernel has', () => {
    const tiny = kernels.filter(({ board }) => board.kernel.localVersion.endsWith('-tiny'));
    expect(tiny.map(({ board }) => board.id)).toEqual(boards.map(({ id }) => id));
    for (const { board, asked } of tiny) {
      expect([...asked].filter(([, value]) => value === 'm')).toEqual([]);
      const foreign = lists.filter((list) => list.unless === 'tiny');
      const names = board.kernel.fragments.map(({ name }) => name);
      expect(foreign.length).toBeGreaterThan(0);
      expect(foreign.filter((list) => holdsFor(list, names))).toEqual([]);
    }
  });

  it.each(lists)('satisfy: $source', (list) => {
    const namesOf = ({ board }: Asked) => board.kernel.fragments.map(({ name }) => name);
    const concerned = kernels.filter((kernel) => holdsFor(list, namesOf(kernel)));
    expect(concerned).not.toEqual([]);
    const unmet = concerned.flatMap((kernel) => {
      const valueOf = (name: string) => kernel.asked.get(name) ?? 'n';
      // An exception that has been lifted should not stay on the list.
      const lifted = Object.keys(list.except).filter((name) => valueOf(name) !== 'n');
      const { id, kernel: its } = kernel.board;
      return [...unmetRequirements(list, namesOf(kernel), valueOf), ...lifted].map(
        (text) => `${id}${its.localVersion}: ${text}`,
      );
    });
    expect(unmet).toEqual([]);
  });
});
