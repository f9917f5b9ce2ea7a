import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { DiskIdentity } from '../disk/identity.js';
import type { Cryptsetup } from '../filesystems/luks.js';
import { luksStage } from '../filesystems/luks.js';
import type { Volume } from '../filesystems/volume.js';
import type { ImageSpec } from '../model/image-spec.js';
import { LUKS_BYTES, unlockMemory } from '../model/root-encryption.js';
import type { Node, Pending } from '../pipeline/graph.js';
import { stageNode, stepNode, valueNode } from '../pipeline/graph.js';
import { unpackedPackagesStage } from '../sources/workload/unpacked-packages.js';
import { libraryFolders } from '../sources/workload/elf-closure.js';
import type { BuildRequest } from './build-request.js';
import { lockNode, OWN_SUITE } from './debian-nodes.js';
import type { UserlandParts } from './userland.js';

/** cryptsetup and the libraries that it needs, of trixie. */
export const CRYPTSETUP_PACKAGES: readonly string[] = [
  ...['base-files', 'cryptsetup-bin', 'libcryptsetup12', 'libdevmapper1.02.1', 'libargon2-1', 'libjson-c5', 'libpopt0'],
  ...[
    'libssl3t64',
    'libblkid1',
    'libuuid1',
    'libudev1',
    'libcap2',
    'libselinux1',
    'libpcre2-8-0',
    'libc6',
    'libgcc-s1',
  ],
  ...['zlib1g', 'libzstd1'],
];
export const CRYPTSETUP_PROGRAM = '/usr/sbin/cryptsetup';

type EncryptedPart = { readonly spec: ImageSpec; readonly name: string };

/** What LUKS takes of a partition beside its file system: nothing where it is not encrypted. */
export function luksBytes({ spec: { root }, name }: EncryptedPart): number {
  return root.kind === 'partition' && root.partition === name && root.encryption !== undefined ? LUKS_BYTES : 0;
}

/** The encrypted volume of a partition; undefined where the build does not encrypt it. */
export function encryptedVolumeNode(
  request: BuildRequest,
  name: string,
  volume: Node<Volume>,
  identity: DiskIdentity,
  parts: Pick<UserlandParts, 'tools' | 'surroundings'>,
): Node<Pending<Pick<Volume, 'path'>>> | undefined {
  const { spec, rootKey } = request;
  const { root, board, volumes } = spec;
  if (root.kind !== 'partition' || root.partition !== name || root.encryption?.at !== 'build') return undefined;
  if (rootKey === undefined) throw new TypeError('the root is encrypted, and there is no key');
  const memoryBytes = unlockMemory(root.encryption, board);
  const { tools } = parts;
  const cryptsetup = cryptsetupNode(request, parts);
  return stepNode(luksStage, { tools, volume, cryptsetup }, (made) => ({
    ...made,
    rootKey,
    nonce: randomUUID(),
    uuid: identity.partition(name).uuid,
    label: volumes[name]?.label ?? name,
    memoryBytes,
  }));
}

/** cryptsetup for this machine: the tools tree has none. */
function cryptsetupNode(
  { spec: { board } }: BuildRequest,
  { tools, surroundings }: Pick<UserlandParts, 'tools' | 'surroundings'>,
): Node<Cryptsetup> {
  const architecture = surroundings.hostArchitecture;
  const own = { ...board, architecture: architecture as typeof board.architecture };
  const lock = lockNode(
    { board: own, suite: OWN_SUITE, packages: [], fetched: CRYPTSETUP_PACKAGES },
    tools,
    surroundings,
  );
  const unpacked = stageNode(unpackedPackagesStage, { tools, lock }, ({ tools, lock }) => ({
    tools,
    packages: lock.lock.fetched,
    sources: lock.sources,
  }));
  return valueNode({ unpacked }, ({ unpacked: { key, files } }) => {
    const program = files.find(({ path }) => path === CRYPTSETUP_PROGRAM)?.source ?? '';
    const root = program.slice(0, -CRYPTSETUP_PROGRAM.length);
    return { key, root, libraries: join('.', libraryFolders(architecture)[1] ?? '') };
  });
}
