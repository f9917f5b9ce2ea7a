import { kernelCommandLine } from '../boot/raspberry-pi.js';
import type { WrittenDisk } from '../outputs/disk.js';
import type { Iso } from '../outputs/iso.js';
import { isoStage } from '../outputs/iso.js';
import type { PlaceFile } from '../outputs/placed-file.js';
import { placedFileStage } from '../outputs/placed-file.js';
import type { Node, Pending } from '../pipeline/graph.js';
import { stepNode } from '../pipeline/graph.js';
import { finishSeed } from '../seeds/compose/finish-seed.js';
import { seedFiles } from './boot-tree-node.js';
import type { BuildRequest } from './build-request.js';
import type { WrittenNodes } from './image-graph.js';
import type { RootArchiveNodes } from './root-archive-nodes.js';
import { bootLabel } from './small/seed-sources.js';
import type { UserlandParts } from './userland.js';

/** A disc with kernel, archive and seed, and the file that it becomes. */
export function isoNodes(
  request: BuildRequest,
  place: PlaceFile,
  { tools, hardware: { kernel, grubModules: grub } }: UserlandParts,
  archiveNodes: RootArchiveNodes | undefined,
): WrittenNodes {
  if (archiveNodes === undefined || grub === undefined)
    throw new TypeError('only a PC starts a root in memory from a disc');
  const { spec, sourceDateEpoch } = request;
  const { archive, content } = archiveNodes;
  const iso: Node<Pending<Iso>> = stepNode(isoStage, { tools, grub, kernel, archive }, (made) => ({
    tools: made.tools,
    grub: made.grub,
    kernel: { path: made.kernel.image, digest: made.kernel.key },
    archive: { path: made.archive.path, digest: made.archive.key, name: made.archive.name },
    commandLine: kernelCommandLine(made.archive, spec.board).join(' '),
    files: hasSeed(request) ? seedFiles(finishSeed(request.seed)) : [],
    label: bootLabel(spec),
    id: spec.id,
    sourceDateEpoch,
  }));
  const disk: Node<Pending<WrittenDisk>> = stepNode(placedFileStage, { iso }, (made) => ({ made: made.iso, place }));
  return { rootContent: content, layout: undefined, steps: [iso], disk };
}

/** A system of one workload reads none. */
function hasSeed({ userland }: BuildRequest): boolean {
  return userland.from !== 'workload';
}
