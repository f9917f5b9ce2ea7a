import type { Board, PartitionRequest } from '../domain/board.js';
import { sizeBytes, type BoardDefinition } from './board-schema.js';
import type { Path } from './yaml-source.js';

/** Makes a path absolute that is written at `at` in a board file; a fragment's name becomes its file. */
export type ResolvePath = (written: string, at: Path) => string;

/** Sizes in bytes and paths absolute; pure, so whether the paths exist is not known yet. */
export function resolveBoard(definition: BoardDefinition, resolvePath: ResolvePath): Board {
  const { kernel, partitions, rootfs } = definition;
  return {
    ...definition,
    kernel: {
      ...kernel,
      fragments: kernel.fragments.map((name) => ({ name, path: resolvePath(name, FRAGMENTS_PATH) })),
    },
    configTxt: Object.entries(definition.configTxt).map(([filter, lines]) => ({ filter, lines })),
    partitions: {
      alignmentBytes: sizeBytes(partitions.alignment),
      boot: partitionRequest(partitions.boot),
      root: partitionRequest(partitions.root),
    },
    rootfs: {
      suite: rootfs.suite,
      packages: rootfs.packages,
      overlays: rootfs.overlay.map((folder) => resolvePath(folder, OVERLAY_PATH)),
    },
  };
}

export const FRAGMENTS_PATH: Path = ['kernel', 'fragments'];
export const OVERLAY_PATH: Path = ['rootfs', 'overlay'];

function partitionRequest(partition: BoardDefinition['partitions']['boot' | 'root']): PartitionRequest {
  return {
    label: partition.label,
    startBytes: autoOrBytes(partition.start),
    sizeBytes: autoOrBytes(partition.size),
    headroomBytes: sizeBytes(partition.headroom),
  };
}

function autoOrBytes(text: string): number | 'auto' {
  return text === 'auto' ? 'auto' : sizeBytes(text);
}
