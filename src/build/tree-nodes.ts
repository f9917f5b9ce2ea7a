import { join } from 'node:path';
import type { BootFile } from '../boot/boot-tree.js';
import { bootTree } from '../boot/boot-tree.js';
import { bootFileProblems } from '../boot/check-boot-files.js';
import { bootMethodOf } from '../boot/grub.js';
import type { DiskIdentity } from '../disk/identity.js';
import { UserError } from '../errors.js';
import { fileSystem } from '../filesystems/registry.js';
import type { FstabRow } from '../formats/fstab.js';
import { formatFstab } from '../formats/fstab.js';
import type { Command } from '../model/command.js';
import type { ImageSpec, PartitionSpec, TreeSpec } from '../model/image-spec.js';
import { engineLayer, GROW_LAYER } from '../model/image-spec.js';
import { keyringPath } from '../model/packages.js';
import type { PlacedFile } from '../model/software.js';
import { SOFTWARE_PRESET, SOFTWARE_UNIT_FOLDER, softwarePreset } from '../model/software.js';
import type { Node } from '../pipeline/graph.js';
import { valueNode } from '../pipeline/graph.js';
import { treeDigest } from '../pipeline/tree-digest.js';
import { finishSeed } from '../seeds/compose/finish-seed.js';
import type { Seed } from '../seeds/text/seed.js';
import { SEED_FILE_NAMES } from '../seeds/text/seed.js';
import { osReleaseVariant, reswarmRelease } from '../sources/debian/root/release-files.js';
import { deviceSource, isOnDevice } from '../sources/debian/repositories.js';
import type { RootText } from '../sources/debian/root/root-tree.js';
import { debianTree } from '../sources/debian/root/root-tree.js';
import { filesTree } from '../sources/files-tree.js';
import type { Tree } from '../tools/tree.js';
import type { BuildRequest } from './build-request.js';
import { IMAGES_FOLDER } from './read-content.js';
import type { AttributesOf } from './folder-attributes.js';
import type { SourceNodes } from './source-nodes.js';

/** What trees are made from beside the request. */
type TreeParts = {
  readonly sources: SourceNodes;
  readonly identity: DiskIdentity;
  readonly attributes: Node<AttributesOf>;
};

/** The content of a volume; an empty tree where the system names none. */
export function treeNode(
  spec: TreeSpec | undefined,
  request: BuildRequest,
  { sources, identity, attributes }: TreeParts,
): Node<Tree> {
  switch (spec?.from) {
    case 'debian':
      return rootTreeNode(request, { sources, identity, attributes });
    case 'boot':
      return bootTreeNode(request, sources, identity);
    case 'files':
      return filesTreeNode(spec.overlays, request.sourceDateEpoch, attributes);
    case undefined:
      return filesTreeNode([], request.sourceDateEpoch, attributes);
  }
}

function filesTreeNode(
  folders: readonly string[],
  sourceDateEpoch: number,
  attributes: Node<AttributesOf>,
): Node<Tree> {
  return valueNode({ attributes }, async (made) => {
    const copied = folders.map(async (path) => ({
      path,
      normaliseModes: false,
      digest: await treeDigest(path, 'all'),
      attributes: made.attributes.get(path),
    }));
    return filesTree(await Promise.all(copied), sourceDateEpoch);
  });
}

function rootTreeNode(request: BuildRequest, { sources, identity, attributes }: TreeParts): Node<Tree> {
  const { spec, sourceDateEpoch } = request;
  const { kernel, wireless, rootfs, dockerBundle, software } = sources;
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
        ...request.folders.map((one) => ({ ...one, attributes: made.attributes.get(one.path) })),
      ],
      texts: [
        { path: 'etc/fstab', text: formatFstab(fstabRows(spec, identity)) },
        { path: 'etc/hostname', text: `${spec.hostname}\n` },
        { path: 'etc/reswarm-os-release', text: reswarmRelease(release) },
        ...contentTexts(request),
        ...growthTexts(request, identity),
        ...request.repositories.filter(isOnDevice).map(deviceSource),
      ],
      mountPoints: spec.partitions.flatMap(({ role, mount }) =>
        role === 'data' && mount !== undefined ? [mount] : [],
      ),
      osRelease: osReleaseVariant(release),
      files: placedFiles(request, made.software?.path),
      inImage: commandsInImage(request),
      presets: request.presets,
      capabilities: request.root.capabilities,
      sourceDateEpoch,
    });
  });
}

/** Which partition takes the rest of the drive: read by the layer's script, empty where none does. */
function growthTexts({ spec, root }: BuildRequest, identity: DiskIdentity): readonly RootText[] {
  if (!root.layers.some(({ name }) => name === GROW_LAYER)) return [];
  const growing = spec.partitions.find(({ grow }) => grow);
  const partUuid = growing === undefined ? '' : identity.partition(growing.name).partUuid;
  return [{ path: 'usr/lib/reswarm/grown-partition', text: `${partUuid}\n` }];
}

/** The root first, then the others as they are listed: a mount below another comes after it. */
export function fstabRows({ partitions, volumes }: ImageSpec, identity: DiskIdentity): readonly FstabRow[] {
  const mounted = partitions.filter((partition): partition is PartitionSpec & { mount: string } => {
    return partition.mount !== undefined;
  });
  const depth = ({ mount }: { readonly mount: string }): number => (mount === '/' ? 0 : mount.split('/').length);
  return [...mounted]
    .sort((a, b) => depth(a) - depth(b))
    .map(({ name, role, volume, mount, readOnly, grow }) => {
      const { type, options } = fileSystem(volumes[volume]?.fs ?? '').mount;
      // A device whose data is damaged should still be reachable.
      const isData = role === 'data';
      const nofail = isData && !options.includes('nofail') ? ',nofail' : '';
      return {
        source: `PARTUUID=${identity.partition(name).partUuid}`,
        mount,
        type,
        // The script that grows it checks it too, before it is mounted.
        options: `${options}${readOnly ? ',ro' : ''}${nofail}${isData && grow ? AFTER_GROWTH : ''}`,
        pass: mount === '/' ? 1 : isData && grow ? 0 : 2,
      };
    });
}

const AFTER_GROWTH = ',x-systemd.after=reswarm-grow-root.service';

/** What the boot check and the units of an image read about it, and the units of its software. */
function contentTexts({ root, images, software }: BuildRequest): readonly RootText[] {
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
  { images, software, repositories }: BuildRequest,
  folder: string | undefined,
): readonly PlacedFile[] {
  return [
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
function commandsInImage({ root, software }: BuildRequest): readonly Command[] {
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

function bootTreeNode(request: BuildRequest, sources: SourceNodes, identity: DiskIdentity): Node<Tree> {
  const { spec, sourceDateEpoch } = request;
  const { kernel, firmware, overlays, loader } = sources;
  return valueNode({ kernel, firmware, overlays, loader }, async (parts) => {
    const root = rootOnDisk(spec, identity);
    const seed = finishSeed(request.seed);
    const files = [...bootMethodOf(spec.board).files(spec, parts, root), ...seedFiles(seed)];
    const problems = await bootFileProblems(files);
    if (problems.length > 0) throw UserError.fromProblems(problems);
    return bootTree(files, sourceDateEpoch);
  });
}

function rootOnDisk({ root, partitions, volumes }: ImageSpec, identity: DiskIdentity) {
  const partition = partitions.find(({ name }) => name === root.partition);
  const fs = fileSystem(volumes[partition?.volume ?? '']?.fs ?? '');
  return { partUuid: identity.partition(root.partition).partUuid, fsType: fs.mount.type };
}

function seedFiles(seed: Seed): readonly BootFile[] {
  return [
    { name: SEED_FILE_NAMES.userData, text: seed.userData },
    { name: SEED_FILE_NAMES.metaData, text: seed.metaData },
    ...(seed.networkConfig === undefined ? [] : [{ name: SEED_FILE_NAMES.networkConfig, text: seed.networkConfig }]),
  ];
}
