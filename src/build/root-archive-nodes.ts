import { stat } from 'node:fs/promises';
import type { RootArchive } from '../boot/boot-method.js';
import { initramfsTooLarge } from '../boot/initramfs-limit.js';
import type { Initramfs } from '../filesystems/initramfs.js';
import { initramfsStage } from '../filesystems/initramfs.js';
import type { ArchiveRoot } from '../model/image-spec.js';
import type { TreeContent } from '../model/tree-content.js';
import { measureTree } from '../model/tree-content.js';
import { overSizeBudget } from '../outputs/size-budget.js';
import type { Node } from '../pipeline/graph.js';
import { stageNode, valueNode } from '../pipeline/graph.js';
import type { Kernel } from '../sources/kernel/kernel.js';
import type { Tree } from '../tools/tree.js';
import type { BuildRequest } from './build-request.js';
import { muslNode } from './small/musl-node.js';
import { nativeProgramNode } from './small/native-program.js';
import type { UserlandParts } from './userland.js';

/** The archive of a root that lives in memory, and what is in it. */
export type RootArchiveNodes = { readonly archive: Node<RootArchive>; readonly content: Node<TreeContent> };

/** Throws UserError `initramfs-too-large` and `over-size-budget` when it is made. */
export function rootArchiveNodes(
  request: BuildRequest,
  root: ArchiveRoot,
  { tools, packages, hardware: { kernel } }: UserlandParts,
  tree: Node<Tree>,
): RootArchiveNodes {
  const { spec, sourceDateEpoch, projectDir } = request;
  const { architecture } = spec.board;
  const { filesystem, compression } = root;
  const init =
    filesystem === 'squashfs'
      ? nativeProgramNode('squashfs-init', projectDir, muslNode(architecture, tools, packages))
      : undefined;
  const made = stageNode(initramfsStage, { tools, tree, init }, ({ tools, tree, init }) => ({
    tools,
    tree,
    filesystem,
    compression,
    architecture,
    ...(init === undefined ? {} : { init: { path: init.path, digest: init.key } }),
    sourceDateEpoch,
  }));
  const archive = valueNode({ made, kernel }, async ({ made, kernel }) => {
    await requireFit(request, root, made, kernel);
    return made;
  });
  const content = valueNode({ made }, ({ made: { files } }) =>
    measureTree(files.map(({ sizeBytes }) => ({ type: 'file', sizeBytes }))),
  );
  return { archive, content };
}

async function requireFit(
  { spec: { board, id } }: BuildRequest,
  { sizeBudgetBytes }: ArchiveRoot,
  archive: Initramfs,
  kernel: Kernel,
): Promise<void> {
  const { sizeBytes, unpackedBytes, files } = archive;
  const { image } = board.kernel;
  const kernelBytes = (await stat(kernel.image)).size;
  const isRaspberryPi = board.models.some((model) => model.startsWith('Raspberry Pi'));
  const tooLarge = isRaspberryPi ? initramfsTooLarge(board, { sizeBytes, unpackedBytes, kernelBytes }) : undefined;
  if (tooLarge !== undefined) throw tooLarge;
  if (sizeBudgetBytes === undefined) return;
  const loaded = (await stat(image.compression === 'gzip' ? kernel.imageGz : kernel.image)).size;
  const sized = {
    name: `The system for ${id}`,
    sizeBytes: loaded + sizeBytes,
    parts: [{ name: image.name, sizeBytes: loaded }],
    archives: [
      {
        name: archive.name,
        sizeBytes,
        unpackedBytes,
        entries: files.map(({ path, sizeBytes: bytes }) => ({ name: path, sizeBytes: bytes })),
      },
    ],
  };
  const over = overSizeBudget(sized, sizeBudgetBytes);
  if (over !== undefined) throw over;
}
