import { UserError } from '../../errors.js';
import type { Board, KernelSource } from '../../model/board.js';
import { DEBIANS_KERNEL } from '../../model/board.js';

/**
 * The board with the kernel of another origin; undefined leaves it as it is. Throws UserError `kernel-debian-unfit` for
 * a board that Debian's kernel does not serve, whoever asked for it.
 */
export function withKernelSource(board: Board, wanted: KernelSource | undefined): Board {
  const { source, ...own } = board.kernel;
  if ((wanted ?? source) !== DEBIANS_KERNEL) {
    return source === DEBIANS_KERNEL ? { ...board, kernel: own } : board;
  }
  const unfit = whyUnfit(board);
  if (unfit !== undefined) throw debianKernelUnfit(unfit);
  return { ...board, kernel: { ...own, source: DEBIANS_KERNEL } };
}

/** UserError `kernel-debian-unfit`. */
export function debianKernelUnfit(why: string): UserError {
  return new UserError('kernel-debian-unfit', `Debian's own kernel cannot be taken: ${why}`, {
    hints: ['Leave out --kernel debian (kernel.source: debian): the kernel is compiled then.'],
  });
}

function whyUnfit({ id, kernel }: Board): string | undefined {
  const { debian, flavour, patches } = kernel;
  if (debian === undefined) return `it has not the drivers that the board ${id} needs`;
  if (flavour !== 'standard') return `the board ${id} wants the flavour ${flavour}, which is compiled here`;
  if (patches.length > 0) return `the board ${id} has patches for its kernel (${patches.join(', ')})`;
  return undefined;
}
