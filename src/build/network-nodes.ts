import { needsNetworkLoader, networkBootFiles } from '../boot/network.js';
import { bootFileProblems } from '../boot/check-boot-files.js';
import type { BootFile } from '../boot/boot-tree.js';
import { UserError } from '../errors.js';
import { SEED_ARCHIVE } from '../images/network-folder.js';
import { seedArchive } from '../images/write-network-folder.js';
import { SYSTEM_MARKER } from '../images/system-marker.js';
import type { FolderFile, WrittenFolder } from '../outputs/network-folder.js';
import { networkFolderStage } from '../outputs/network-folder.js';
import type { Node, Pending } from '../pipeline/graph.js';
import { stageNode, stepNode, valueNode } from '../pipeline/graph.js';
import { networkLoaderStage } from '../sources/grub/network-loader.js';
import { deviceFiles } from './boot-tree-node.js';
import type { BuildRequest } from './build-request.js';
import type { RootArchiveNodes } from './root-archive-nodes.js';
import type { UserlandParts } from './userland.js';
import type { WrittenNodes } from './written-nodes.js';

/** A folder that a server of network boot offers, and where it goes. */
export function networkNodes(
  request: BuildRequest,
  target: { readonly folder: string; readonly base?: string | undefined },
  { tools, hardware }: UserlandParts,
  archiveNodes: RootArchiveNodes | undefined,
): WrittenNodes {
  if (archiveNodes === undefined) throw new TypeError('only a root in memory starts from a network');
  const { spec, sourceDateEpoch, version } = request;
  const { board } = spec;
  const { kernel, firmware, overlays, grubModules } = hardware;
  const { archive, content } = archiveNodes;
  const network =
    needsNetworkLoader(board) && grubModules !== undefined
      ? stageNode(networkLoaderStage, { tools, modules: grubModules }, (made) => made)
      : undefined;
  const files = valueNode({ kernel, firmware, overlays, archive, network }, async (made) => {
    const seed = seedOf(request);
    const boot = networkBootFiles(board, made, made.archive, {
      seed: seed === undefined ? undefined : SEED_ARCHIVE,
      base: target.base,
    });
    const all = [...boot, ...deviceFiles(request)];
    const withSeed = seed === undefined ? all : [...all, { name: SEED_ARCHIVE, text: '' }];
    const problems = await bootFileProblems(withSeed);
    if (problems.length > 0) throw UserError.fromProblems(problems);
    return [...all.map((file) => folderFile(request, file)), ...(seed ?? [])];
  });
  const disk: Node<Pending<WrittenFolder>> = stepNode(networkFolderStage, { files }, (made) => ({
    files: made.files,
    about: {
      version,
      board: board.id,
      boardName: board.name,
      models: [...board.models],
      architecture: board.architecture,
      system: spec.system.id,
      hasOwnSeed: request.hasOwnSeed,
    },
    folder: target.folder,
    sourceDateEpoch,
  }));
  return { rootContent: content, layout: undefined, steps: [], sources: network === undefined ? [] : [network], disk };
}

/** The seed as the kernel unpacks it to /boot, where the system looks for it; undefined for one that reads no seed. */
function seedOf(request: BuildRequest): readonly FolderFile[] | undefined {
  const files = deviceFiles(request).filter(({ name }) => name !== SYSTEM_MARKER);
  if (files.length === 0) return undefined;
  const content = seedArchive(
    files.map(({ name, text }) => ({ name, content: text })),
    request.sourceDateEpoch,
  );
  return [{ name: SEED_ARCHIVE, mode: request.fileMode, content }];
}

/** Files with a device's own seed are for their owner's eyes; everything else is what any server offers. */
function folderFile(request: BuildRequest, file: BootFile): FolderFile {
  const isOfSeed = deviceFiles(request).some(({ name }) => name === file.name && name !== SYSTEM_MARKER);
  const mode = isOfSeed ? request.fileMode : 0o644;
  if ('source' in file) return { ...file, mode };
  return { name: file.name, mode, content: Buffer.from(file.text) };
}
