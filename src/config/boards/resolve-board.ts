import { basename } from 'node:path';
import type { Board, KernelProfile } from '../../model/board.js';
import { kernelTarball } from '../../model/board.js';
import type { BoardDefinition } from '../schemas/board-schema.js';
import type { Path } from '../yaml-source.js';

/** Makes a path absolute that is written at `at` in a board file; a fragment's name becomes its file. */
export type ResolvePath = (written: string, at: Path) => string;

/** The hardware, paths absolute; pure, so whether the paths exist is not known yet. */
export function resolveBoard(definition: BoardDefinition, resolvePath: ResolvePath): Board {
  const { kernel } = definition;
  const { debian, ...ownKernel } = kernel;
  const resolveProfile = (name: string, profile: BoardDefinition['kernel']['profiles'][string]): KernelProfile => {
    const { fragments, adds = [], patches, image = kernel.image } = profile;
    const at = profilePath(name, fragments === undefined ? 'adds' : 'fragments');
    return {
      fragments: (fragments ?? adds).map((one) => ({ name: one, path: resolvePath(one, at) })),
      addsToOwn: fragments === undefined,
      patches: patches.map((path) => resolvePath(path, profilePath(name, 'patches'))),
      image,
    };
  };
  const { id, name, status, soc, models, architecture, firmware } = definition;
  return {
    id,
    name,
    status,
    soc,
    models,
    architecture,
    ...(firmware === undefined ? {} : { firmware }),
    deviceTrees: definition.deviceTrees,
    deviceTreeCopies: definition.deviceTreeCopies,
    kernel: {
      ...ownKernel,
      ...(debian === undefined || debian === 'none' ? {} : { debian }),
      fragments: [...derivedFragments(definition), ...kernel.fragments].map((name) => ({
        name,
        path: resolvePath(name, FRAGMENTS_PATH),
      })),
      profiles: Object.fromEntries(
        Object.entries(kernel.profiles).map(([name, profile]) => [name, resolveProfile(name, profile)]),
      ),
      patches: kernel.patches.map((path) => resolvePath(path, PATCHES_PATH)),
    },
    deviceTreeOverlays: definition.deviceTreeOverlays.map((name) => ({
      name: basename(name, '.dtso'),
      path: resolvePath(name, DEVICE_TREE_OVERLAYS_PATH),
    })),
    configTxt: Object.entries(definition.configTxt).map(([filter, lines]) => ({ filter, lines })),
    consoles: definition.consoles,
    cmdline: definition.cmdline,
    wireless: definition.wireless,
    qemu: definition.qemu,
  };
}

export const FRAGMENTS_PATH: Path = ['kernel', 'fragments'];
/** Where a profile's list is written. */
export const profilePath = (name: string, list: 'fragments' | 'adds' | 'patches'): Path => [
  'kernel',
  'profiles',
  name,
  list,
];
export const DEVICE_TREE_OVERLAYS_PATH: Path = ['deviceTreeOverlays'];
export const PATCHES_PATH: Path = ['kernel', 'patches'];

/**
 * Fragments that come by themselves, so that a list of one's own need not repeat them: what only this architecture,
 * this flavour or this series of kernels has, each also on this architecture alone (`linux-6.12-arm64`). Not all of
 * them exist. A tarball does not say its series.
 */
export function derivedFragments({ architecture, kernel }: Pick<BoardDefinition, 'architecture' | 'kernel'>): string[] {
  const series =
    kernelTarball(kernel) === undefined ? /^linux-source-(\d+\.\d+)$/.exec(kernel.package)?.[1] : undefined;
  const names = [kernel.flavour, ...(series === undefined ? [] : [`linux-${series}`])];
  return [architecture, ...names.flatMap((name) => [name, `${name}-${architecture}`])];
}
