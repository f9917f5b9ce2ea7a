import { dirname, resolve } from 'node:path';
import type { DockerBundlePin, SshServer, TableType, Userland } from '../../model/image-spec.js';
import type { InitramfsFileSystem, RootCompression } from '../../model/initramfs.js';
import type { Software } from '../../model/software.js';
import type { BoardDefinition } from '../schemas/board-schema.js';
import type { FileChain } from '../file-chain.js';
import { mergeByName, type SaidPartition } from '../partitions/read-partitions.js';
import type { PackageStatements } from '../packages/package-statements.js';
import type { RootDefinition } from '../schemas/root-schema.js';
import type { Said } from '../said.js';
import type { SystemDefinition } from '../schemas/system-schema.js';
import type { Path } from '../yaml-source.js';

/** What a board or a system says of an image, each with its place. Paths are absolute. */
export type ImageStatements = PackageStatements & {
  readonly description?: Said<string>;
  readonly hostname?: Said<string>;
  /** Of a system; a board has none of its own. */
  readonly userland?: Said<Userland>;
  /** Name of a kernel profile of the board, or `standard`; several in the order in which they are wished for. */
  readonly kernel?: Said<string | readonly string[]>;
  readonly filesystem?: Said<InitramfsFileSystem>;
  readonly compression?: Said<RootCompression>;
  readonly sizeBudget?: Said<string>;
  readonly ssh?: Said<SshServer>;
  /** Files of BusyBox options. */
  readonly busybox?: readonly Said<string>[];
  readonly suite?: Said<string>;
  readonly engine?: Said<string>;
  readonly bundle?: Said<DockerBundlePin>;
  readonly table?: Said<TableType>;
  readonly alignment?: Said<string>;
  readonly root?: Said<RootDefinition>;
  readonly layers: readonly Said<string>[];
  readonly overlays: readonly Said<string>[];
  readonly containerImages: readonly Said<string>[];
  readonly software: readonly Software[];
  readonly partitions: readonly SaidPartition[];
};

type Read = {
  readonly packages: PackageStatements;
  readonly software: readonly Software[];
  readonly partitions: readonly SaidPartition[];
};

export function statementsOfBoard(definition: BoardDefinition, chain: FileChain, read: Read): ImageStatements {
  const { rootfs, docker, partitions } = definition;
  const map = Array.isArray(partitions) ? undefined : partitions;
  return {
    ...said('description', definition.description, chain, ['description']),
    ...said('hostname', definition.hostname, chain, ['hostname']),
    ...said('suite', rootfs?.suite, chain, ['rootfs', 'suite']),
    ...said('engine', docker?.source, chain, ['docker', 'source']),
    ...said('bundle', pin(docker?.bundle), chain, ['docker', 'bundle']),
    ...said('table', definition.partitionTable, chain, ['partitionTable']),
    ...said('alignment', definition.partitionAlignment, chain, ['partitionAlignment']),
    ...said('alignment', map?.alignment, chain, ['partitions', 'alignment']),
    ...said('root', definition.root, chain, ['root']),
    layers: [],
    overlays: paths(rootfs?.overlay, chain, ['rootfs', 'overlay']),
    containerImages: paths(docker?.images, chain, ['docker', 'images']),
    ...flat(read),
  };
}

export function statementsOfSystem(
  definition: Omit<SystemDefinition, 'partitions'>,
  chain: FileChain,
  read: Read,
): ImageStatements {
  return {
    ...said('description', definition.description, chain, ['description']),
    ...said('hostname', definition.hostname, chain, ['hostname']),
    ...said('userland', definition.userland, chain, ['userland']),
    ...said('kernel', definition.kernel, chain, ['kernel']),
    ...said('filesystem', definition.filesystem, chain, ['filesystem']),
    ...said('compression', definition.compression, chain, ['compression']),
    ...said('sizeBudget', definition.sizeBudget, chain, ['sizeBudget']),
    ...said('ssh', definition.ssh, chain, ['ssh']),
    busybox: paths(definition.busybox, chain, ['busybox']),
    ...said('suite', definition.suite, chain, ['suite']),
    ...said('engine', definition.engine, chain, ['engine']),
    ...said('table', definition.table, chain, ['table']),
    ...said('alignment', definition.alignment, chain, ['alignment']),
    ...said('root', definition.root, chain, ['root']),
    layers: (definition.layers ?? []).map((value, index) => ({ value, at: chain.locate(['layers', index]) })),
    overlays: paths(definition.overlay, chain, ['overlay']),
    containerImages: paths(definition.containerImages, chain, ['containerImages']),
    ...flat(read),
  };
}

function flat({ packages, software, partitions }: Read) {
  return { ...packages, software, partitions };
}

/** A board's values replace those of the system; its lists come after those of the system. */
export function joinStatements(system: ImageStatements, board: ImageStatements): ImageStatements {
  return {
    ...system,
    ...board,
    layers: [...system.layers, ...board.layers],
    packages: [...system.packages, ...board.packages],
    packageFiles: [...system.packageFiles, ...board.packageFiles],
    withoutPackages: [...system.withoutPackages, ...board.withoutPackages],
    repositories: [...system.repositories, ...board.repositories],
    capabilities: { ...system.capabilities, ...board.capabilities },
    overlays: [...system.overlays, ...board.overlays],
    containerImages: [...system.containerImages, ...board.containerImages],
    software: [...system.software, ...board.software],
    partitions: mergeByName([...system.partitions, ...board.partitions]),
  };
}

/** No key where nothing is said: what is left out comes from the system. */
function said<Key extends string, T>(
  key: Key,
  value: T | undefined,
  chain: FileChain,
  path: Path,
): { [K in Key]?: Said<T> } {
  if (value === undefined) return {};
  return { [key]: { value, at: chain.locate(path) } } as { [K in Key]?: Said<T> };
}

function pin(
  bundle: { version: string; sha256: string; url?: string | undefined } | undefined,
): DockerBundlePin | undefined {
  if (bundle === undefined) return undefined;
  const { url, ...rest } = bundle;
  return url === undefined ? rest : { ...rest, url };
}

function paths(written: readonly string[] | undefined, chain: FileChain, path: Path): Said<string>[] {
  return (written ?? []).map((one, index) => {
    const at = chain.locate([...path, index]);
    return { value: resolve(dirname(at.file), one), at };
  });
}
