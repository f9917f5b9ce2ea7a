import type { BootedRoot, RootArchive } from '../boot/boot-method.js';
import { wordsOf } from '../boot/boot-method.js';
import type { BootFile } from '../boot/boot-tree.js';
import { bootTree } from '../boot/boot-tree.js';
import { layerWords } from './chain/layered-files.js';
import { bootFileProblems } from '../boot/check-boot-files.js';
import { bootMethodOf } from '../boot/grub.js';
import type { DiskIdentity } from '../disk/identity.js';
import { UserError } from '../errors.js';
import { AUTOBOOT, formatAutoboot } from '../formats/autoboot.js';
import { fileSystem } from '../filesystems/registry.js';
import { KiB } from '../model/bytes.js';
import { unlockMemory } from '../model/root-encryption.js';
import { SYSTEM_MARKER, systemMarkerText } from '../images/system-marker.js';
import type { ImageSpec, PartitionRoot, Slot } from '../model/image-spec.js';
import { hasSlots } from '../model/image-spec.js';
import type { Node } from '../pipeline/graph.js';
import { valueNode } from '../pipeline/graph.js';
import { finishSeed } from '../seeds/compose/finish-seed.js';
import type { Seed } from '../seeds/text/seed.js';
import { SEED_FILE_NAMES } from '../seeds/text/seed.js';
import type { Tree } from '../tools/tree.js';
import type { BuildRequest } from './build-request.js';
import type { HardwareNodes } from './hardware-nodes.js';

/** Firmware, kernel, device trees, the archive of the root or of what finds it, what boot loaders read, and the seed. */
export function bootTreeNode(
  request: BuildRequest,
  { kernel, firmware, overlays, loader }: HardwareNodes,
  identity: DiskIdentity,
  archive: Node<RootArchive> | undefined,
  ofRoot?: Node<readonly BootFile[]>,
): Node<Tree> {
  const { spec, sourceDateEpoch } = request;
  return valueNode({ kernel, firmware, overlays, loader, archive, ofRoot }, async (parts) => {
    const place = bootedRoot(spec, identity, parts.archive);
    // The seed of a system with slots is on the selector.
    const own = hasSlots(spec) ? [] : deviceFiles(request);
    const files = [...bootMethodOf(spec.board).files(spec, parts, place), ...(parts.ofRoot ?? []), ...own];
    const problems = await bootFileProblems(files);
    if (problems.length > 0) throw UserError.fromProblems(problems);
    return bootTree(files, sourceDateEpoch);
  });
}

/** Which slot is started (slot a of a new image), and the seed. Firmware files would make the firmware stop there. */
export function selectorTreeNode(request: BuildRequest, identity: DiskIdentity): Node<Tree> {
  const { spec, sourceDateEpoch } = request;
  return valueNode({}, () => {
    const boot = spec.partitions.filter(({ role }) => role === 'boot');
    const numberOf = (wanted: Slot): number => {
      return identity.partition(boot.find(({ slot }) => slot === wanted)?.name ?? '').number;
    };
    const selector = { name: AUTOBOOT, text: formatAutoboot({ boot: numberOf('a'), tryboot: numberOf('b') }) };
    return bootTree([selector, ...deviceFiles(request)], sourceDateEpoch);
  });
}

function rootOnDisk({ partitions, volumes }: ImageSpec, root: PartitionRoot, identity: DiskIdentity) {
  const partition = partitions.find(({ name }) => name === root.partition);
  const fs = fileSystem(volumes[partition?.volume ?? '']?.fs ?? '');
  const slot = partition?.slot;
  const place = { partUuid: identity.partition(root.partition).partUuid, fsType: fs.mount.type };
  return slot === undefined ? place : { ...place, slot };
}

/** How the kernel, or an early user space beside it, finds the root. */
export function bootedRoot(spec: ImageSpec, identity: DiskIdentity, archive: RootArchive | undefined): BootedRoot {
  const { root } = spec;
  if (root.kind === 'initramfs') return archived(archive);
  if (root.kind === 'layers') return { archive: archived(archive), words: layerWords(spec, root, identity) };
  const place = rootOnDisk(spec, root, identity);
  if (archive === undefined) return place;
  const words = [...wordsOf(place), ...unlockWords(spec, root)];
  return 'slot' in place ? { archive, words, slot: place.slot } : { archive, words };
}

/** What root-crypt of native/initramfs reads. */
function unlockWords({ board }: ImageSpec, { encryption }: PartitionRoot): readonly string[] {
  if (encryption === undefined) return [];
  const { unlock, keyFile = '', at } = encryption;
  return [
    `reswarm.unlock=${unlock === 'keyfile' ? keyFile : unlock}`,
    ...(at === 'build' ? [] : [`reswarm.encrypt=${Math.floor(unlockMemory(encryption, board) / KiB)}`]),
  ];
}

function archived(archive: RootArchive | undefined): RootArchive {
  if (archive === undefined) throw new TypeError('the root is an archive, and none was made');
  return archive;
}

/** What is read on the device itself: the seed, and for systems without cloud-init what they are. */
export function deviceFiles({ spec, userland, seed }: BuildRequest): readonly TextFile[] {
  if (userland.from === 'debian') return seedFiles(finishSeed(seed));
  const hasSsh = userland.from === 'busybox' && userland.root.ssh !== 'none';
  const check = userland.from === 'workload' ? userland.workload.check : undefined;
  const marker = { system: spec.system.id, userland: userland.from, hasSsh, ...(check === undefined ? {} : { check }) };
  return [
    { name: SYSTEM_MARKER, text: systemMarkerText(marker) },
    // A system of one workload reads no seed.
    ...(userland.from === 'busybox' ? seedFiles(finishSeed(seed)) : []),
  ];
}

type TextFile = { readonly name: string; readonly text: string };

function seedFiles(seed: Seed): readonly TextFile[] {
  return [
    { name: SEED_FILE_NAMES.userData, text: seed.userData },
    { name: SEED_FILE_NAMES.metaData, text: seed.metaData },
    ...(seed.networkConfig === undefined ? [] : [{ name: SEED_FILE_NAMES.networkConfig, text: seed.networkConfig }]),
  ];
}
