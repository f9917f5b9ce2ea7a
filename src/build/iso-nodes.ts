import { join } from 'node:path';
import { kernelCommandLine } from '../boot/raspberry-pi.js';
import { fileSha256 } from '../host/file-digest.js';
import type { WrittenDisk } from '../outputs/disk.js';
import type { Iso } from '../outputs/iso.js';
import { isoStage } from '../outputs/iso.js';
import type { PlaceFile } from '../outputs/placed-file.js';
import { placedFileStage } from '../outputs/placed-file.js';
import type { Node, Pending } from '../pipeline/graph.js';
import { stageNode, stepNode } from '../pipeline/graph.js';
import { discProgramStage } from '../sources/efi/disc-program.js';
import { deviceFiles } from './boot-tree-node.js';
import type { BuildRequest } from './build-request.js';
import type { RootArchiveNodes } from './root-archive-nodes.js';
import { bootLabel } from './small/seed-sources.js';
import type { UserlandParts } from './userland.js';
import type { WrittenNodes } from './written-nodes.js';

/** A disc with kernel, archive and seed, and the file that it becomes. */
export function isoNodes(
  request: BuildRequest,
  place: PlaceFile,
  { tools, hardware: { kernel, grubModules: grub } }: UserlandParts,
  archiveNodes: RootArchiveNodes | undefined,
): WrittenNodes {
  if (archiveNodes === undefined || grub === undefined)
    throw new TypeError('only a PC starts a root in memory from a disc');
  const { spec, sourceDateEpoch, projectDir } = request;
  const { archive, content } = archiveNodes;
  const discProgram = stageNode(discProgramStage, { tools }, async (made) => {
    const path = join(projectDir, 'native/efi-disc.c');
    return { tools: made.tools, source: { path, sha256: await fileSha256(path) } };
  });
  const iso: Node<Pending<Iso>> = stepNode(isoStage, { tools, grub, discProgram, kernel, archive }, (made) => ({
    tools: made.tools,
    grub: made.grub,
    discProgram: made.discProgram,
    kernel: { path: made.kernel.image, digest: made.kernel.key },
    archive: { path: made.archive.path, digest: made.archive.key, name: made.archive.name },
    commandLine: kernelCommandLine(made.archive, spec.board).join(' '),
    files: deviceFiles(request),
    label: bootLabel(spec),
    id: spec.id,
    sourceDateEpoch,
  }));
  const disk: Node<Pending<WrittenDisk>> = stepNode(placedFileStage, { iso }, (made) => ({ made: made.iso, place }));
  return { rootContent: content, layout: undefined, steps: [iso], disk };
}
