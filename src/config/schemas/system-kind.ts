import { join } from 'node:path';
import type { ExtendableKind } from '../file-chain.js';

export const EXTENDS_DESCRIPTION =
  'Takes over what this file leaves out from another one: debian (a system), or a path that begins with `./`, `../` or `/`. Partitions are merged by name, other lists and values are replaced.';

/** A system of one's own extends one of a house, which extends a shipped one; nothing lies deeper. */
const MAX_FILES = 3;

/** System files, which extend systems. */
export function systemKind(systemsDir: string): ExtendableKind {
  return {
    named: (name) => [join(systemsDir, `${name}.yaml`)],
    maxFiles: MAX_FILES,
    problems: {
      notFound: { code: 'system-not-found', message: 'there is no such system file', hint: 'Check the path.' },
      empty: {
        code: 'system-empty',
        message: 'this system file is empty',
        hint: 'Begin with "extends: debian", an id and a description.',
      },
      extendsInvalid: {
        code: 'system-extends-invalid',
        message: '"extends" must be the name or the path of one file',
        hint: 'Write "extends: debian".',
      },
      extendsTooDeep: {
        code: 'system-extends-too-deep',
        message: `this file is extended through ${MAX_FILES - 1} others already and extends one more`,
        hint: 'Extend a system directly; files that extend each other in a circle look the same.',
      },
      extendsNotFound: (name) => ({
        code: 'system-extends-not-found',
        message: `"extends" names ${name}, which is neither a shipped system nor a file`,
        hint: 'A file of your own is written with its path: ./house.yaml',
      }),
    },
  };
}
