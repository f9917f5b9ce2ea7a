import { join } from 'node:path';
import type { Board, KernelFlavour } from '../../domain/board.js';

/** The board with another flavour of its kernel; undefined leaves it as it is. */
export function withFlavour(board: Board, flavour: KernelFlavour | undefined, boardsDir: string): Board {
  if (flavour === undefined || flavour === board.kernel.flavour) return board;
  const fragments = board.kernel.fragments.map((fragment) =>
    fragment.name === board.kernel.flavour
      ? { name: flavour, path: join(boardsDir, 'kernel', `${flavour}.config`) }
      : fragment,
  );
  return { ...board, kernel: { ...board.kernel, flavour, fragments } };
}

/** What `uname -r` ends with: two flavours of one version must not share a folder of modules. */
export function localVersionOf({ kernel }: Pick<Board, 'kernel'>): string {
  return kernel.flavour === 'rt' ? `${kernel.localVersion}-rt` : kernel.localVersion;
}

/** Packages that come with a flavour: cyclictest, which the boot check of a realtime image runs. */
export function flavourPackages({ kernel }: Pick<Board, 'kernel'>): readonly string[] {
  return kernel.flavour === 'rt' ? ['rt-tests'] : [];
}
