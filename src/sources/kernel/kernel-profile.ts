import { UserError } from '../../errors.js';
import type { Board } from '../../model/board.js';
import { STANDARD_KERNEL } from '../../model/image-spec.js';

/**
 * The board with the kernel of one of its profiles: same sources, other options, more patches, `uname -r` ends with the
 * profile's name. A profile that adds to the board's own kernel has all its flavours. Undefined leaves the board as it is. Throws UserError `kernel-profile-missing` for a profile that the
 * board has not, `kernel-profile-flavour` for a board of another flavour than the standard one.
 */
export function withProfile(board: Board, name: string | undefined): Board {
  if (name === undefined) return board;
  const { kernel } = board;
  const profile = Object.hasOwn(kernel.profiles, name) ? kernel.profiles[name] : undefined;
  if (profile === undefined) throw profileMissing(board, name);
  const { fragments, addsToOwn, patches, image } = profile;
  if (kernel.flavour !== 'standard' && !addsToOwn) {
    throw new UserError('kernel-profile-flavour', `The kernel profile ${name} has no flavour ${kernel.flavour}`, {
      hints: [`Take the standard flavour for it, or the board's own kernel with flavour ${kernel.flavour}.`],
    });
  }
  return {
    ...board,
    kernel: {
      ...kernel,
      fragments: addsToOwn ? [...kernel.fragments, ...fragments] : fragments,
      patches: [...kernel.patches, ...patches],
      image,
      localVersion: `${kernel.localVersion}-${name}`,
    },
  };
}

/**
 * The first of several wishes that a board can fulfil, undefined for its own kernel. Where it can fulfil none, the first
 * one, which withProfile refuses.
 */
export function chosenProfile({ kernel }: Board, wishes: readonly string[]): string | undefined {
  const found = wishes.find((name) => name === STANDARD_KERNEL || Object.hasOwn(kernel.profiles, name)) ?? wishes[0];
  return found === STANDARD_KERNEL ? undefined : found;
}

function profileMissing({ id, kernel }: Board, name: string): UserError {
  const known = Object.keys(kernel.profiles).sort();
  const has = known.length === 0 ? 'it has none' : `it has ${known.join(', ')}`;
  return new UserError('kernel-profile-missing', `The board ${id} has no kernel profile ${name}; ${has}`, {
    hints: [
      known.length === 0
        ? `Write its fragments under kernel.profiles.${name} of the board.`
        : `Name one of them, or write the fragments of another under kernel.profiles.${name} of the board.`,
    ],
  });
}
