import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { readKernelRequirements } from '../../../../src/sources/kernel/read-requirements.js';
import type { Board } from '../../../../src/model/board.js';
import { mergeFragments } from '../../../../src/sources/kernel/fragments.js';
import { unmetRequirements } from '../../../../src/sources/kernel/requirements.js';
import { listBoards } from '../../../../src/config/listing/boards.js';
import { withFlavour } from '../../../../src/sources/kernel/kernel-flavour.js';
import { readFragments } from '../../../../src/sources/kernel/kernel-request.js';

const boardsDir = fileURLToPath(new URL('../../../../boards/', import.meta.url));
const folder = new URL('../../../../boards/kernel/', import.meta.url);
const files = readdirSync(folder).filter((name) => name.endsWith('.config'));
const lists = await readKernelRequirements(fileURLToPath(new URL('requirements.yaml', folder)));

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

  it('of the realtime flavour go with every board of Linux 6.12, and leave out what it cannot be with', async () => {
    const of612 = boards.filter(({ board }) => board.kernel.package === 'linux-source-6.12');
    for (const { board } of of612) {
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

  it.each(lists)('satisfy: $source', (list) => {
    const names = boards.map(({ board }) => board.kernel.fragments.map(({ name }) => name));
    expect(names.some((of) => list.when === undefined || of.includes(list.when))).toBe(true);
    const unmet = boards.flatMap(({ board, asked }, index) => {
      const valueOf = (name: string) => asked.get(name) ?? 'n';
      // An exception that has been lifted should not stay on the list.
      const holds = list.when === undefined || names[index]?.includes(list.when) === true;
      const lifted = Object.keys(holds ? list.except : {}).filter((name) => valueOf(name) !== 'n');
      return [...unmetRequirements(list, names[index] ?? [], valueOf), ...lifted].map((text) => `${board.id}: ${text}`);
    });
    expect(unmet).toEqual([]);
  });
});
