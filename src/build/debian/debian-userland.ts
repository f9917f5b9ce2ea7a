import { UserError } from '../../errors.js';
import { stageNode, valueNode } from '../../pipeline/graph.js';
import { loadCloudInitSchemas } from '../../seeds/schemas/cloud-init-schemas.js';
import { unpackDeb } from '../../sources/debian/unpack-deb.js';
import { packageConflicts } from '../../sources/software/software-conflicts.js';
import { cloudInitSchemaStage } from '../../tools/cloud-init-schema.js';
import type { BuildRequest } from '../build-request.js';
import type { UserlandNodes, UserlandParts } from '../userland.js';
import { checkNetworkByNetplan, checkSeedBySchemas } from './check-seed-by-schemas.js';
import type { DebianRequest } from './debian-request.js';
import { debianSources } from './debian-sources.js';
import { netplanNode } from './netplan-node.js';
import { rootTreeNode } from './root-tree-node.js';

/** A root of Debian packages, whose seed cloud-init and netplan read. */
export function debianUserland(request: BuildRequest, debian: DebianRequest, parts: UserlandParts): UserlandNodes {
  const { tools, packages, surroundings, hardware, identity, attributes } = parts;
  const sources = debianSources(request, debian, tools, packages, surroundings);
  return {
    ...seedChecks(request, parts),
    tree: rootTreeNode(request, debian, { kernel: hardware.kernel, sources, identity, attributes }),
    sources: sources.all,
    async checkContent(runner) {
      if (debian.software.length === 0) return;
      const rootfs = await runner.run(sources.rootfs);
      await runner.beside(async () => {
        const problems = packageConflicts(debian.software, await rootfs.owners());
        if (problems.length > 0) throw UserError.fromProblems(problems);
      });
    },
  };
}

/** The seed is held against the cloud-init and the netplan that will read it. */
export function seedChecks(
  request: BuildRequest,
  { tools, packages, surroundings }: UserlandParts,
): Pick<UserlandNodes, 'ofSeed' | 'checkInputs'> {
  const schemaFolder = stageNode(cloudInitSchemaStage, { tools, packages }, ({ tools, packages }) => {
    const deb = packages.deb('cloud-init');
    return { deb, unpack: (context) => unpackDeb(deb, tools, context) };
  });
  const schemas = valueNode({ schemaFolder }, ({ schemaFolder: folder }) => loadCloudInitSchemas(folder));
  const netplan = netplanNode(tools, packages, surroundings);
  return {
    ofSeed: [schemas, netplan],
    async checkInputs(runner, reporter, host) {
      checkSeedBySchemas(request.seed, await runner.run(schemas), reporter);
      await checkNetworkByNetplan(request.seed, await runner.run(netplan), host);
    },
  };
}
