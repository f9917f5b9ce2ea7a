import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readFile } from 'node:fs/promises';
import type { Architecture } from '../../src/model/architecture.js';
import type { Node } from '../../src/pipeline/graph.js';
import { stageNode } from '../../src/pipeline/graph.js';
import type { Busybox, BusyboxInput } from '../../src/sources/busybox/busybox.js';
import { BUSYBOX_SOURCE, busyboxStage } from '../../src/sources/busybox/busybox.js';
import { packageLockStage, readAptSources } from '../../src/sources/debian/package-lock.js';
import { sourcePackagesStage } from '../../src/sources/debian/source-packages.js';
import type { DropbearInput } from '../../src/sources/dropbear/dropbear.js';
import { DROPBEAR_SOURCE, dropbearStage } from '../../src/sources/dropbear/dropbear.js';
import { LIBYAML_SOURCE, libyamlStage } from '../../src/sources/musl/libyaml.js';
import { MUSL_PACKAGE, muslToolchainStage } from '../../src/sources/musl/toolchain.js';
import { toolsTreeInput } from '../../src/tools/obtain-tools.js';
import { toolsTreeStage } from '../../src/tools/tools-tree.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
export const LAYER = join(root, 'layers/tiny');
export const NATIVE = join(root, 'native');
export const EPOCH = 1767225600;

/** The nodes of a tiny root's programs, as a build has them. */
export function tinyNodes(architecture: Architecture, hostArchitecture: string, archiveAsOf: string) {
  const tools = stageNode(toolsTreeStage, {}, () => toolsTreeInput(hostArchitecture, { archiveAsOf }));
  const packages = stageNode(packageLockStage, { tools }, async ({ tools }) => ({
    ...{ tools, suite: 'trixie', architecture, hostArchitecture, archiveAsOf },
    ...{ sources: await readAptSources(tools), packages: [], fetched: [MUSL_PACKAGE] },
  }));
  const sources = stageNode(sourcePackagesStage, { tools }, async ({ tools }) => ({
    ...{ tools, archiveAsOf, sources: await readAptSources(tools) },
    packages: [BUSYBOX_SOURCE, LIBYAML_SOURCE, DROPBEAR_SOURCE],
  }));
  const toolchain = stageNode(muslToolchainStage, { tools, packages }, ({ tools, packages }) => ({
    ...{ tools, architecture, muslDev: packages.deb(MUSL_PACKAGE) },
  }));
  const busybox: Node<Busybox> = stageNode(busyboxStage, { toolchain, sources }, async (made) => busyboxInput(made));
  const dropbear = stageNode(dropbearStage, { toolchain, sources }, async (made) => dropbearInput(made));
  const libyaml = stageNode(libyamlStage, { toolchain, sources }, ({ toolchain, sources }) => ({
    ...{ toolchain, source: sources.source(LIBYAML_SOURCE) },
  }));
  return { tools, packages, sources, toolchain, busybox, dropbear, libyaml };
}

type Made = Pick<BusyboxInput, 'toolchain'> & { readonly sources: { source(name: string): BusyboxInput['source'] } };

export async function busyboxInput({ toolchain, sources }: Made): Promise<BusyboxInput> {
  const file = join(LAYER, 'busybox.config');
  const base = [{ file, text: await readFile(file, 'utf8') }];
  return { toolchain, source: sources.source(BUSYBOX_SOURCE), base, own: [], sourceDateEpoch: EPOCH };
}

export async function dropbearInput({ toolchain, sources }: Made): Promise<DropbearInput> {
  const options = await readFile(join(LAYER, 'localoptions.h'), 'utf8');
  return { toolchain, source: sources.source(DROPBEAR_SOURCE), options };
}
