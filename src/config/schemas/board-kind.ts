import { join } from 'node:path';
import type { ExtendableKind } from '../file-chain.js';

export const EXTENDS_DESCRIPTION =
  'Takes over what this file leaves out from another one: rpi-64bit (a family), rpi4 (a board), or a path that begins with `./`, `../` or `/`. Maps are merged, lists and values are replaced.';

/** A board of one's own extends a shipped board, which extends its family; nothing lies deeper. */
const MAX_FILES = 3;

/** Board files, which extend boards and families. */
export function boardKind(boardsDir: string): ExtendableKind {
  return {
    named: (name) => [join(boardsDir, 'families', `${name}.yaml`), join(boardsDir, `${name}.yaml`)],
    maxFiles: MAX_FILES,
    problems: {
      notFound: { code: 'board-not-found', message: 'there is no such board file', hint: 'Check the path.' },
      empty: {
        code: 'board-empty',
        message: 'this board file is empty',
        hint: 'Begin with "extends: rpi4", an id and a name.',
      },
      extendsInvalid: {
        code: 'board-extends-invalid',
        message: '"extends" must be the name or the path of one file',
        hint: 'Write "extends: rpi4".',
      },
      extendsTooDeep: {
        code: 'board-extends-too-deep',
        message: `this file is extended through ${MAX_FILES - 1} others already and extends one more`,
        hint: 'Extend a board or a family directly; files that extend each other in a circle look the same.',
      },
      extendsNotFound: (name) => ({
        code: 'board-extends-not-found',
        message: `"extends" names ${name}, which is neither a shipped board nor a family nor a file`,
        hint: 'A file of your own is written with its path: ./family.yaml',
      }),
    },
  };
}
