import type { ImageDescription, ImageOutput } from '../images/image-description.js';
import type { ByteRange } from '../model/byte-range.js';
import { totalBytes } from '../model/byte-range.js';
import { fileSystem } from '../filesystems/registry.js';
import type { Disk, Partition } from '../model/disk.js';
import { engineLayer, NO_ENGINE } from '../model/image-spec.js';
import type { TreeContent } from '../model/tree-content.js';
import type { ToolsTree } from '../tools/tools-tree.js';
import type { BuildRequest } from './build-request.js';
import { imageInputs } from './image-inputs.js';
import type { RootOrigins } from './userland.js';
import type { SourcePackages } from '../sources/debian/source-packages.js';
import type { Packages } from '../sources/debian/packages-of-image.js';

/** All that is known of a build when its image is whole. */
export type BuildFacts = {
  readonly request: BuildRequest;
  readonly key: string;
  /** Undefined for an image without partitions of its own. */
  readonly layout: Disk | undefined;
  readonly rootContent: TreeContent;
  readonly origins: RootOrigins | undefined;
  /** Of programs that the build compiled for the root. */
  readonly compiledFrom: SourcePackages | undefined;
  readonly packages: Packages;
  readonly tools: ToolsTree;
  readonly packagesAsOf: string;
};

/**
 * What an image is made of: for whoever wonders later, and for the next build, which finds by it that nothing changed.
 * Nothing of the seed but its part in the key gets in.
 */
export function describeImage(
  facts: BuildFacts,
  image: { readonly sha256: string; readonly sizeBytes: number; readonly used: readonly ByteRange[] },
  outputs: readonly ImageOutput[],
  build: { readonly fileTimes: Readonly<Record<string, string>>; readonly stages: ImageDescription['build']['stages'] },
): ImageDescription {
  const { request, layout, packages } = facts;
  const { board } = request.spec;
  const install = request.userland.from === 'debian' ? packages.lock.install : (facts.origins?.packages ?? []);
  return {
    format: 1,
    version: request.version,
    key: facts.key,
    sha256: image.sha256,
    sizeBytes: image.sizeBytes,
    board: board.id,
    boardName: board.name,
    models: [...board.models],
    architecture: board.architecture,
    sourceDateEpoch: request.sourceDateEpoch,
    packagesAsOf: facts.packagesAsOf,
    hasOwnSeed: request.hasOwnSeed,
    diskId: layout?.diskId ?? '',
    partitions: (layout?.partitions ?? []).map((partition) => describePartition(partition, image.used)),
    sizes: {
      imageBytes: image.sizeBytes,
      mappedBytes: totalBytes(image.used),
      rootContentBytes: facts.rootContent.bytes,
      rootFiles: facts.rootContent.files,
      packagesBytes: install.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    },
    files: [...outputs],
    ...contentOf(request),
    inputs: [...imageInputs(request, packages.lock, facts.compiledFrom?.all ?? [], facts.tools)],
    packages: install.map(({ name, version, architecture, sha256, sizeBytes }) => {
      return { name, version, architecture, sha256, sizeBytes };
    }),
    ...(facts.origins === undefined ? {} : { rootFiles: [...facts.origins.files] }),
    build: {
      fileTimes: { ...build.fileTimes },
      stages: [...build.stages],
    },
  };
}

function describePartition(partition: Partition, used: readonly ByteRange[]) {
  const { name, fs, label, offsetBytes, sizeBytes, partUuid, mount } = partition;
  return {
    name,
    fs: fileSystemName(fs),
    label,
    offsetBytes,
    sizeBytes,
    mappedBytes: totalBytes(within(used, partition)),
    uuid: fileSystem(fs).idOf(partition),
    partUuid,
    ...(mount === undefined ? {} : { mount }),
  };
}

/** As descriptions have always called it: vfat may be any FAT, and ours is FAT32. */
export function fileSystemName(fs: string): string {
  return fs === 'vfat' ? 'fat32' : fs;
}

function within(ranges: readonly ByteRange[], bounds: ByteRange): readonly ByteRange[] {
  const end = bounds.offsetBytes + bounds.sizeBytes;
  return ranges
    .map(({ offsetBytes, sizeBytes }) => {
      const from = Math.max(offsetBytes, bounds.offsetBytes);
      return { offsetBytes: from, sizeBytes: Math.min(offsetBytes + sizeBytes, end) - from };
    })
    .filter(({ sizeBytes }) => sizeBytes > 0);
}

/** What no package list tells. */
function contentOf({ userland }: BuildRequest) {
  if (userland.from !== 'debian') return { docker: { source: NO_ENGINE, images: [] }, software: [] };
  const { root, dockerBundle, images, software } = userland;
  const bundle = dockerBundle && { version: dockerBundle.version, sha256: dockerBundle.sha256 };
  return {
    docker: {
      source: engineLayer(root.layers).engine,
      ...(bundle === undefined ? {} : { bundle }),
      images: images.map(({ tags, sha256 }) => ({ tags: [...tags], sha256 })),
    },
    software: software.map(({ name, files, units }) => ({
      name,
      files: files.map(({ to, sha256 }) => ({ to, sha256 })),
      units: units.map((unit) => unit.name),
    })),
  };
}
