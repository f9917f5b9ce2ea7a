import { join } from 'node:path';
import { readPackageSet } from '../config/package-set.js';
import { didYouMean } from '../config/wording.js';
import type { Problem } from '../errors.js';
import type { Board, PartitionRequest } from '../model/board.js';
import type { DockerSource } from '../model/container-engine.js';
import { DOCKER_LAYERS, DOCKER_SOURCES, IMAGES_LAYER, IMAGES_UNIT, STATIC_UNITS } from '../model/container-engine.js';
import type { ContainerImageFile, ImageSpec, Layer } from '../model/image-spec.js';

export type SpecOptions = {
  readonly boardsDir: string;
  /** Another container engine than the board's. */
  readonly docker?: string | undefined;
  /** Container images, Debian packages and folders from the command line; paths are absolute. */
  readonly containerImages: readonly ContainerImageFile[];
  readonly packages: readonly string[];
  readonly overlays: readonly string[];
};

/** A board with its software as the value that a build works on. */
export async function specOf(
  board: Board,
  options: SpecOptions,
): Promise<{ readonly spec: ImageSpec; readonly problems: readonly Problem[] }> {
  const { source, problems } = chooseSource(board, options.docker);
  const images = [...board.docker.images, ...options.containerImages];
  const { alignmentBytes, boot, root } = board.partitions;
  const spec: ImageSpec = {
    id: board.id,
    board,
    system: { id: 'debian', description: board.description },
    hostname: board.hostname,
    trees: {
      boot: { from: 'boot' },
      root: {
        from: 'debian',
        suite: board.rootfs.suite,
        layers: await layersOf(board, source, images.length > 0, options.boardsDir),
        packages: [...board.rootfs.packages, ...options.packages],
        overlays: [...board.rootfs.overlays, ...options.overlays],
        containerImages: images,
        software: board.software,
      },
    },
    volumes: {
      boot: { fs: 'vfat', tree: 'boot', ...volume(boot) },
      root: { fs: 'ext4', tree: 'root', ...volume(root) },
    },
    table: 'mbr',
    alignmentBytes,
    partitions: [
      { ...partition('boot', boot), mount: '/boot', grow: false },
      { ...partition('root', root), mount: '/', grow: true },
    ],
    root: { kind: 'partition', partition: 'root' },
    features: ['cloud-init', 'ssh', ...(source === 'none' ? [] : (['containers'] as const))],
  };
  return { spec, problems };
}

function volume({ label, sizeBytes, headroomBytes }: PartitionRequest) {
  return { label, sizeBytes: sizeBytes === 'auto' ? ('fit' as const) : sizeBytes, headroomBytes };
}

function partition(name: 'boot' | 'root', { startBytes }: PartitionRequest) {
  return { name, role: name, volume: name, startBytes, readOnly: false, logical: false };
}

async function layersOf(
  board: Board,
  source: DockerSource,
  hasImages: boolean,
  boardsDir: string,
): Promise<readonly Layer[]> {
  const packages = (name: string) => readPackageSet(join(boardsDir, 'packages', `${name}.yaml`));
  const none: Omit<Layer, 'name'> = {
    description: '',
    packages: [],
    shapesPackages: true,
    units: [],
    sysusers: [],
    loadsDockerArchives: false,
    features: [],
  };
  const isStatic = source === 'static';
  return [
    { ...none, name: 'base', packages: await packages('base'), files: join(boardsDir, 'rootfs-overlay') },
    ...DOCKER_LAYERS[source].map((name) => ({ ...none, name, files: join(boardsDir, 'docker', name) })),
    {
      ...none,
      name: `engine-${source}`,
      packages: await packages(`docker-${source}`),
      engine: source,
      units: isStatic ? STATIC_UNITS : [],
      sysusers: isStatic ? ['reswarm-docker.conf'] : [],
      loadsDockerArchives: isStatic || source === 'debian',
      ...(isStatic ? { bundle: board.docker.bundle ?? ('pinned' as const) } : {}),
    },
    ...(hasImages
      ? [
          {
            ...none,
            name: 'container-images',
            files: join(boardsDir, 'docker', IMAGES_LAYER),
            units: [IMAGES_UNIT],
            shapesPackages: false,
          },
        ]
      : []),
  ];
}

function chooseSource(
  { docker }: Board,
  wanted: string | undefined,
): { readonly source: DockerSource; readonly problems: readonly Problem[] } {
  if (wanted === undefined) return { source: docker.source, problems: [] };
  const known = DOCKER_SOURCES.find((source) => source === wanted);
  if (known !== undefined) return { source: known, problems: [] };
  const meant = didYouMean(wanted, DOCKER_SOURCES);
  const sources = `Known: ${DOCKER_SOURCES.join(', ')}.`;
  const hint = meant?.startsWith('Did') === true ? `${meant} ${sources}` : sources;
  return {
    source: docker.source,
    problems: [{ code: 'unknown-docker-source', message: `there is no Docker source "${wanted}"`, hint }],
  };
}
