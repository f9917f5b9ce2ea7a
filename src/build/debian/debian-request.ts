import { relative, resolve } from 'node:path';
import { fromCwd } from '../../config/from-cwd.js';
import type { FirmwareManifest } from '../../config/firmware-manifest.js';
import { dockerBundle } from '../../config/firmware-manifest.js';
import { isPackageFile, packageFault } from '../../config/package-word.js';
import type { Problem } from '../../errors.js';
import { fileSystem } from '../../filesystems/registry.js';
import { fixedSizeProblems } from '../../filesystems/size.js';
import type { DockerBundle } from '../../model/container-engine.js';
import type { DebianTreeSpec, ImageSpec } from '../../model/image-spec.js';
import { engineLayer } from '../../model/image-spec.js';
import type { PinnedPackageFile, PinnedRepository } from '../../model/packages.js';
import type { PinnedSoftware, PlacedFile } from '../../model/software.js';
import { flavourPackages } from '../../sources/kernel/kernel-flavour.js';
import type { CopiedFolder } from '../../sources/copy-folder.js';
import type { PresetRule } from '../../sources/debian/root/overlay-presets.js';
import { readOverlayPresets } from '../../sources/debian/root/overlay-presets.js';
import type { BuildOptions } from '../build-options.js';
import { copiedFolders } from '../copied-folders.js';
import { overlayProblems } from './overlay-rules.js';
import type { PinnedArchive } from './read-content.js';
import { readContent } from './read-content.js';
import { pinPackages } from './read-packages.js';
import { readUpdateKeyring } from './update-keyring.js';

/** What a root of Debian packages is asked for with, read and checked as far as that goes without any tool. */
export type DebianRequest = {
  readonly from: 'debian';
  readonly root: DebianTreeSpec;
  /** Folders of the root's layers and overlays, in the order in which they are copied. */
  readonly folders: readonly CopiedFolder[];
  /** Docker's own static programs, where a layer wants them. */
  readonly dockerBundle?: DockerBundle | undefined;
  readonly images: readonly PinnedArchive[];
  readonly software: readonly PinnedSoftware[];
  /** All packages that are asked for, as words for apt. */
  readonly packages: readonly string[];
  readonly packageFiles: readonly PinnedPackageFile[];
  readonly repositories: readonly PinnedRepository[];
  /** What says whose updates are taken. */
  readonly keyring: readonly PlacedFile[];
  /** Of overlays. */
  readonly presets: readonly PresetRule[];
  readonly accelerate: boolean;
};

/** Reads what the root names. Problems are those of the files and of what lies where on the device. */
export async function readDebianRequest(
  spec: ImageSpec,
  root: DebianTreeSpec,
  options: BuildOptions,
  manifest: FirmwareManifest,
): Promise<{ readonly request: DebianRequest; readonly problems: readonly Problem[] }> {
  const { workingFolder } = options;
  const { architecture } = spec.board;
  const { content, problems: ofContent } = await readContent(
    root,
    architecture,
    (options.software ?? []).map((path) => resolve(workingFolder, path)),
  );
  const { wishes, problems: ofPackages } = await pinPackages(root.packageFiles, root.repositories);
  const layerFolders = root.layers.flatMap(({ files }) => files ?? []);
  const ownLayers = layerFolders.filter((path) => relative(options.projectDir, path).startsWith('..'));
  const presets = await readOverlayPresets(layerFolders, root.overlays);
  const keyring = await readUpdateKeyring(spec, options.updateKeyring && resolve(workingFolder, options.updateKeyring));
  const problems = [
    ...keyring.problems,
    ...ofContent.map((problem) => fromCwd(problem, workingFolder)),
    ...tooSmallPartitions(spec, content.images),
    ...options.packages.filter((word) => !isPackageFile(word)).flatMap((word) => packageFault(word) ?? []),
    ...ofPackages.map((problem) => fromCwd(problem, workingFolder)),
    ...presets.problems,
    ...(await overlayProblems({ spec, folders: [...ownLayers, ...root.overlays], software: content.software })),
  ];
  const { bundle } = engineLayer(root.layers);
  const request: DebianRequest = {
    from: 'debian',
    root,
    folders: problems.length > 0 ? [] : await copiedFolders(root.layers, root.overlays),
    dockerBundle: bundle && dockerBundle(manifest, architecture, bundle),
    ...content,
    packages: [
      ...root.layers.flatMap(({ packages }) => packages).filter((name) => !root.withoutPackages.includes(name)),
      ...flavourPackages(spec.board),
      ...root.packages,
    ],
    ...wishes,
    keyring: keyring.files,
    presets: presets.rules,
    accelerate: options.accelerate,
  };
  return { request, problems };
}

/** Fixed sizes that cannot hold what is known already: before anything is made. Code `partition-too-small`. */
function tooSmallPartitions({ partitions, volumes, root }: ImageSpec, images: readonly PinnedArchive[]): Problem[] {
  const bytes = images.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  return partitions.flatMap(({ name, volume }) => {
    const request = volumes[volume];
    if (request === undefined) return [];
    const isRoot = root.kind === 'partition' && name === root.partition;
    const content = isRoot ? { bytes, files: images.length } : { bytes: 0, files: 0 };
    return fixedSizeProblems(name, request, content, fileSystem(request.fs));
  });
}
