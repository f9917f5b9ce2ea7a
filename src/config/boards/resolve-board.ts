import { basename } from 'node:path';
import type { Board, PartitionRequest } from '../../model/board.js';
import type { Software, Written } from '../../model/software.js';
import { sizeBytes, type BoardDefinition } from './board-schema.js';
import type { Path } from '../yaml-source.js';

/** Makes a path absolute that is written at `at` in a board file; a fragment's name becomes its file. */
export type ResolvePath = (written: string, at: Path) => string;

/** What is read beside the definition. */
export type ReadWithBoard = { readonly software: readonly Software[]; readonly locate: (path: Path) => Written };

/** Sizes in bytes and paths absolute; pure, so whether the paths exist is not known yet. */
export function resolveBoard(
  definition: BoardDefinition,
  resolvePath: ResolvePath,
  { software, locate }: ReadWithBoard,
): Board {
  const { kernel, partitions, rootfs, docker } = definition;
  return {
    ...definition,
    kernel: {
      ...kernel,
      fragments: [...derivedFragments(definition), ...kernel.fragments].map((name) => ({
        name,
        path: resolvePath(name, FRAGMENTS_PATH),
      })),
      patches: kernel.patches.map((path) => resolvePath(path, PATCHES_PATH)),
    },
    deviceTreeOverlays: definition.deviceTreeOverlays.map((name) => ({
      name: basename(name, '.dtso'),
      path: resolvePath(name, DEVICE_TREE_OVERLAYS_PATH),
    })),
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
    docker: {
      ...docker,
      images: docker.images.map((archive, index) => ({
        path: resolvePath(archive, IMAGES_PATH),
        at: locate([...IMAGES_PATH, index]),
      })),
    },
    software,
  };
}

export const FRAGMENTS_PATH: Path = ['kernel', 'fragments'];
export const OVERLAY_PATH: Path = ['rootfs', 'overlay'];
const IMAGES_PATH: Path = ['docker', 'images'];
export const DEVICE_TREE_OVERLAYS_PATH: Path = ['deviceTreeOverlays'];
export const PATCHES_PATH: Path = ['kernel', 'patches'];

/**
 * Fragments that come by themselves, so that a list of one's own need not repeat them: what only this architecture,
 * this flavour or this series of kernels has, each also on this architecture alone (`linux-6.12-arm64`). Not all of
 * them exist. A tarball does not say its series.
 */
export function derivedFragments({ architecture, kernel }: Pick<BoardDefinition, 'architecture' | 'kernel'>): string[] {
  const series = kernel.source === undefined ? /^linux-source-(\d+\.\d+)$/.exec(kernel.package)?.[1] : undefined;
  const names = [kernel.flavour, ...(series === undefined ? [] : [`linux-${series}`])];
  return [architecture, ...names.flatMap((name) => [name, `${name}-${architecture}`])];
}

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
