import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ChainLayer, LayersRoot } from '../../model/image-spec.js';
import { EXTRA_LAYER } from '../../model/chain-layer.js';
import type { Layer } from '../../model/image-spec.js';
import type { PinnedPackageFile } from '../../model/packages.js';
import type { PinnedSoftware } from '../../model/software.js';
import type { PresetRule } from '../../sources/debian/root/overlay-presets.js';
import { readOverlayPresets } from '../../sources/debian/root/overlay-presets.js';
import { isStrictPath } from '../../model/loose-paths.js';
import type { DebianRequest } from '../debian/debian-request.js';
import type { PinnedArchive } from '../debian/read-content.js';

/** A layer of the chain with everything of it read and pinned. */
export type LayerRequest = Omit<ChainLayer, 'software' | 'packageFiles'> & {
  readonly packageFiles: readonly PinnedPackageFile[];
  readonly images: readonly PinnedArchive[];
  readonly software: readonly PinnedSoftware[];
  /** Of its overlays. */
  readonly presets: readonly PresetRule[];
  readonly capabilities: Readonly<Record<string, string>>;
  /** All names of packages that it asks for. */
  readonly words: readonly string[];
  /** Of files only: its content does not depend on the layers below. */
  readonly isLoose: boolean;
};

/**
 * The layers of a request, the lowest first. What the command line names beside a file of layers goes to the topmost.
 *
 * @param flavourPackages that the board's kernel wants
 */
export async function layerRequests(
  root: LayersRoot,
  debian: DebianRequest,
  flavourPackages: readonly string[],
): Promise<readonly LayerRequest[]> {
  const written = root.chain.reduce((sum, { software }) => sum + software.length, 0);
  const more = debian.software.slice(written);
  const needsExtra = more.length > 0 && root.chain.at(-1)?.name !== EXTRA_LAYER;
  const chain = needsExtra ? [...root.chain, { ...NOTHING, name: EXTRA_LAYER }] : root.chain;
  const below: Layer[] = [];
  let taken = 0;
  const requests: LayerRequest[] = [];
  for (const [index, layer] of chain.entries()) {
    const isTop = index === chain.length - 1;
    const software = debian.software.slice(taken, isTop ? undefined : taken + layer.software.length);
    taken += layer.software.length;
    below.push(...layer.pieces);
    const folders = below.flatMap(({ files }) => files ?? []);
    const { rules: presets } = await readOverlayPresets(folders, layer.overlays);
    const asked = layer.pieces.flatMap(({ packages }) => packages);
    const request = {
      ...layer,
      packageFiles: debian.packageFiles.filter(({ path }) => layer.packageFiles.some((one) => one.path === path)),
      images: debian.images.filter(({ path }) => layer.containerImages.some((one) => one.path === path)),
      software,
      presets: layer.overlays.length === 0 ? [] : presets,
      capabilities: isTop ? debian.root.capabilities : {},
      words: [
        ...asked.filter((name) => !debian.root.withoutPackages.includes(name)),
        ...(index === 0 ? flavourPackages : []),
        ...layer.packages,
      ],
    };
    requests.push({ ...request, isLoose: index > 0 && (await isLoose(request)) });
  }
  return requests;
}

const NOTHING: Omit<ChainLayer, 'name'> = {
  pieces: [],
  packages: [],
  packageFiles: [],
  overlays: [],
  containerImages: [],
  software: [],
};

async function isLoose(layer: Omit<LayerRequest, 'isLoose'>): Promise<boolean> {
  const { words, packageFiles, images, software, presets, capabilities, pieces, overlays } = layer;
  const lists = [words, packageFiles, images, software, presets, Object.keys(capabilities)];
  if (lists.some((list) => list.length > 0)) return false;
  if (pieces.some(({ units, sysusers, engine }) => engine !== undefined || units.length + sysusers.length > 0)) {
    return false;
  }
  const folders = [...pieces.flatMap(({ files }) => files ?? []), ...overlays];
  const paths = (await Promise.all(folders.map((folder) => filesBelow(folder)))).flat();
  return !paths.some(isStrictPath);
}

async function filesBelow(folder: string, prefix = ''): Promise<string[]> {
  const entries = await readdir(join(folder, prefix), { withFileTypes: true }).catch(() => []);
  const found = entries.map(async (entry) => {
    const path = join(prefix, entry.name);
    return entry.isDirectory() ? filesBelow(folder, path) : [path];
  });
  return (await Promise.all(found)).flat();
}
