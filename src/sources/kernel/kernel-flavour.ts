import { join } from 'node:path';
import { pathExists } from '../../host/path-exists.js';
import type { Board, KernelFlavour } from '../../model/board.js';

/** The board with another flavour of its kernel; undefined leaves it as it is. */
export async function withFlavour(board: Board, flavour: KernelFlavour | undefined, boardsDir: string): Promise<Board> {
  if (flavour === undefined || flavour === board.kernel.flavour) return board;
  const theirs = flavourFragments(board.kernel.flavour, board);
  const ours = flavourFragments(flavour, board).map((name) => ({
    name,
    path: join(boardsDir, 'kernel', `${name}.config`),
  }));
  const present = await Promise.all(ours.map(({ path }) => pathExists(path)));
  const fragments = [
    ...ours.filter((_, index) => present[index]),
    ...board.kernel.fragments.filter(({ name }) => !theirs.includes(name)),
  ];
  return { ...board, kernel: { ...board.kernel, flavour, fragments } };
}

function flavourFragments(flavour: KernelFlavour, { architecture }: Board): readonly string[] {
  return [flavour, `${flavour}-${architecture}`];
}

/** What `uname -r` ends with: two flavours of one version must not share a folder of modules. */
export function localVersionOf({ kernel }: Pick<Board, 'kernel'>): string {
  return kernel.flavour === 'rt' ? `${kernel.localVersion}-rt` : kernel.localVersion;
}

/** Packages that come with a flavour: cyclictest, which the boot check of a realtime image runs. */
export function flavourPackages({ kernel }: Pick<Board, 'kernel'>): readonly string[] {
  return kernel.flavour === 'rt' ? ['rt-tests'] : [];
}
