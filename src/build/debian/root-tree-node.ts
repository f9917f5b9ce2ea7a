import { join } from 'node:path';
import type { DiskIdentity } from '../../disk/identity.js';
import { fileSystem } from '../../filesystems/registry.js';
import type { FstabRow } from '../../formats/fstab.js';
import { formatFstab } from '../../formats/fstab.js';
import type { Command } from '../../model/command.js';
import type { ImageSpec, PartitionSpec } from '../../model/image-spec.js';
import { engineLayer, GROW_LAYER, hasSlots } from '../../model/image-spec.js';
import { OPENED_ROOT } from '../../model/root-encryption.js';
import { keyringPath } from '../../model/packages.js';
import type { PlacedFile } from '../../model/software.js';
import { SOFTWARE_PRESET, SOFTWARE_UNIT_FOLDER, softwarePreset } from '../../model/software.js';
import type { Node } from '../../pipeline/graph.js';
import { valueNode } from '../../pipeline/graph.js';
import type { Kernel } from '../../sources/kernel/kernel.js';
import { osReleaseVariant, reswarmRelease } from '../../sources/debian/root/release-files.js';
import { deviceSource, isOnDevice } from '../../sources/debian/repositories.js';
import type { RootText } from '../../sources/debian/root/root-tree.js';
import { debianTree } from '../../sources/debian/root/root-tree.js';
import type { Tree } from '../../tools/tree.js';
import type { BuildRequest } from '../build-request.js';
import type { AttributesOf } from '../folder-attributes.js';
import type { DebianRequest } from './debian-request.js';
import type { DebianSources } from './debian-sources.js';
import { IMAGES_FOLDER } from './read-content.js';
import { deviceName, slotTexts } from './slot-texts.js';

/** What the root is made from beside the request. */
type RootParts = {
  readonly kernel: Node<Kernel>;
  readonly sources: DebianSources;
  readonly identity: DiskIdentity;
  readonly attributes: Node<AttributesOf>;
};

/** The root of Debian packages, with everything over them. */
export function rootTreeNode(
  request: BuildRequest,
  debian: DebianRequest,
  { kernel, sources, identity, attributes }: RootParts,
): Node<Tree> {
  const { spec, sourceDateEpoch } = request;
  const { wireless, rootfs, dockerBundle, software } = sources;
  return valueNode({ kernel, wireless, rootfs, dockerBundle, software, attributes }, (made) => {
    const { board } = spec;
    const release = { board, version: request.version, kernel: made.kernel.key, rootfs: made.rootfs.key };
    const stages = [
      { path: made.kernel.modules, digest: made.kernel.key },
      { path: made.wireless.path, digest: made.wireless.key },
      ...(made.dockerBundle === undefined ? [] : [{ path: made.dockerBundle.path, digest: made.dockerBundle.key }]),
    ];
    return debianTree({
      rootfs: made.rootfs,
      folders: [
        ...stages.map((stage) => ({ ...stage, normaliseModes: true })),
        ...debian.folders.map((one) => ({ ...one, attributes: made.attributes.get(one.path) })),
      ],
      texts: [
        { path: 'etc/fstab', text: formatFstab(fstabRows(spec, identity)) },
        { path: 'etc/hostname', text: `${spec.hostname}\n` },
        { path: 'etc/reswarm-os-release', text: reswarmRelease(release) },
        ...contentTexts(debian),
        ...growthTexts(spec, debian, identity),
        ...slotTexts(spec, identity),
        ...debian.repositories.filter(isOnDevice).map(deviceSource),
      ],
      mountPoints: spec.partitions.flatMap(({ role, slot, mount }) =>
        (role === 'data' || (role === 'boot' && slot === 'a')) && mount !== undefined ? [mount] : [],
      ),
      osRelease: osReleaseVariant(release),
      files: placedFiles(debian, made.software?.path),
      inImage: commandsInImage(debian),
      presets: debian.presets,
      capabilities: debian.root.capabilities,
      sourceDateEpoch,
    });
  });
}

/** Which partition takes the rest of the drive: read by the layer's script, empty where none does. */
function growthTexts(spec: ImageSpec, { root }: DebianRequest, identity: DiskIdentity): readonly RootText[] {
  // Of a root with slots the layer's program finds it by the disk that runs.
  if (!root.layers.some(({ name }) => name === GROW_LAYER) || hasSlots(spec)) return [];
  const growing = spec.partitions.find(({ grow }) => grow);
  const partUuid = growing === undefined ? '' : identity.partition(growing.name).partUuid;
  return [{ path: 'usr/lib/reswarm/grown-partition', text: `${partUuid}\n` }];
}

/** The root first, then the others as they are listed: a mount below another comes after it. */
export function fstabRows(spec: ImageSpec, identity: DiskIdentity): readonly FstabRow[] {
  const { partitions, volumes } = spec;
  const bySlot = hasSlots(spec);
  const mounted = partitions.filter((partition): partition is PartitionSpec & { mount: string } => {
    return partition.mount !== undefined && partition.slot !== 'b';
  });
  const depth = ({ mount }: { readonly mount: string }): number => (mount === '/' ? 0 : mount.split('/').length);
  return [...mounted]
    .sort((a, b) => depth(a) - depth(b))
    .map((partition) => {
      const { role, volume, mount, readOnly, grow } = partition;
      const { type, options, isChecked } = fileSystem(volumes[volume]?.fs ?? '').mount;
      // A device whose data is damaged should still be reachable.
      const isData = role === 'data' || (bySlot && mount !== '/');
      const nofail = isData && !options.includes('nofail') ? ',nofail' : '';
      return {
        source: sourceOf(spec, partition, identity),
        mount,
        type,
        // The script that grows it checks it too, before it is mounted.
        options: `${options}${readOnly && options !== 'ro' ? ',ro' : ''}${nofail}${isData && grow ? AFTER_GROWTH : ''}`,
        pass: mount === '/' ? 1 : (isData && grow) || !isChecked ? 0 : 2,
      };
    });
}

/** What a partition is mounted from: "/dev/reswarm/boot" is the boot partition of the slot that runs. */
function sourceOf(spec: ImageSpec, partition: PartitionSpec, identity: DiskIdentity): string {
  const { name, role, slot } = partition;
  if (hasSlots(spec)) return `/dev/reswarm/${slot === undefined ? deviceName(partition) : role}`;
  return isOpened(spec.root, name) ? `/dev/mapper/${OPENED_ROOT}` : `PARTUUID=${identity.partition(name).partUuid}`;
}

/** An encrypted root is mounted as what the early user space has opened. */
function isOpened(root: ImageSpec['root'], name: string): boolean {
  return root.kind === 'partition' && root.partition === name && root.encryption !== undefined;
}

const AFTER_GROWTH = ',x-systemd.after=reswarm-grow-root.service';

/** What the boot check and the units of an image read about it, and the units of its software. */
function contentTexts({ root, images, software }: DebianRequest): readonly RootText[] {
  const units = software.flatMap((one) => one.units);
  const tags = images.flatMap((image) => image.tags);
  return [
    { path: 'usr/lib/reswarm/container-engine', text: `${engineLayer(root.layers).engine}\n` },
    ...(tags.length === 0 ? [] : [{ path: 'usr/lib/reswarm/container-images', text: `${tags.join('\n')}\n` }]),
    ...units.map(({ name, text }) => ({ path: `${SOFTWARE_UNIT_FOLDER}/${name}`, text })),
    ...(units.length === 0 ? [] : [{ path: SOFTWARE_PRESET, text: softwarePreset(software) }]),
  ];
}

function placedFiles(
  { images, software, repositories, keyring }: DebianRequest,
  folder: string | undefined,
): readonly PlacedFile[] {
  return [
    ...keyring,
    ...images.map(({ path, sha256, name }) => {
      return { source: path, sha256, to: `/${IMAGES_FOLDER}/${name}`, mode: 0o600, owner: 'root' };
    }),
    ...software
      .flatMap(({ files }) => files)
      .map(({ sha256, to, mode, owner, unpack }) => {
        const source = join(folder ?? '', sha256);
        return { source, sha256, to, mode, owner, ...(unpack === undefined ? {} : { unpack }) };
      }),
    ...repositories.filter(isOnDevice).map((one) => {
      return { source: one.key, sha256: one.keySha256, to: keyringPath(one), mode: 0o644, owner: 'root' };
    }),
  ];
}

/** Users and units that come with no package are made and enabled by the image's own programs. */
function commandsInImage({ root, software }: DebianRequest): readonly Command[] {
  const users = root.layers.flatMap(({ sysusers }) => sysusers);
  const units = [
    ...root.layers.flatMap((layer) => layer.units),
    ...software.flatMap((one) => one.units.map(({ name }) => name)),
  ];
  return [
    ...(users.length === 0
      ? []
      : [{ file: 'systemd-sysusers', args: users.map((name) => `/usr/lib/sysusers.d/${name}`) }]),
    ...(units.length === 0 ? [] : [{ file: 'systemctl', args: ['preset', ...units] }]),
  ];
}
