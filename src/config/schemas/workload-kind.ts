import { join } from 'node:path';
import type { ExtendableKind } from '../file-chain.js';

export const EXTENDS_DESCRIPTION =
  'Takes over what this file leaves out from another one: node (a shipped workload), or a path that begins with `./`, `../` or `/`. Maps are merged, lists and values are replaced.';

/** A workload of one's own extends one of a house, which extends a shipped one; nothing lies deeper. */
const MAX_FILES = 3;

/** Workload files, which extend workloads. */
export function workloadKind(workloadsDir: string): ExtendableKind {
  return {
    named: (name) => [join(workloadsDir, `${name}.yaml`)],
    maxFiles: MAX_FILES,
    problems: {
      notFound: { code: 'workload-not-found', message: 'there is no such workload file', hint: 'Check the path.' },
      empty: {
        code: 'workload-empty',
        message: 'this workload file is empty',
        hint: 'Begin with an id, a description and a command; `reswarm-os workload new NAME` writes one.',
      },
      extendsInvalid: {
        code: 'workload-extends-invalid',
        message: '"extends" must be the name or the path of one file',
        hint: 'Write "extends: node".',
      },
      extendsTooDeep: {
        code: 'workload-extends-too-deep',
        message: `this file is extended through ${MAX_FILES - 1} others already and extends one more`,
        hint: 'Extend a workload directly; files that extend each other in a circle look the same.',
      },
      extendsNotFound: (name) => ({
        code: 'workload-extends-not-found',
        message: `"extends" names ${name}, which is neither a shipped workload nor a file`,
        hint: 'A file of your own is written with its path: ./house.yaml',
      }),
    },
  };
}
