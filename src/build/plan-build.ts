import type { Disk } from '../model/disk.js';
import type { Host } from '../host/host.js';
import { withStagedFiles } from '../images/staged-files.js';
import { knownArchiveAsOf } from '../pipeline/archive-date.js';
import type { PlannedStage } from '../pipeline/plan.js';
import { planGraph } from '../pipeline/plan.js';
import { Store } from '../pipeline/store.js';
import type { BuildOptions } from './build-options.js';
import type { BuildRequest } from './build-request.js';
import { readBuildRequest } from './build-request.js';
import { imageGraph } from './image-graph.js';
import { imageTarget } from './image-target.js';

/** What a build would do. Nothing is made or fetched to find out; what only a stage can tell stays open. */
export type BuildPlan = {
  readonly board: string;
  readonly system: string;
  /** Path of the image or of the device; of the folder with `isFolder`. */
  readonly image: string;
  readonly isFolder: boolean;
  readonly packages: readonly string[];
  /** Every stage that the build would go through, in the same order. */
  readonly stages: readonly PlannedStage[];
  /** Undefined until the content of all partitions is in the store: automatic sizes depend on it. */
  readonly layout?: Disk | undefined;
};

export async function planBuild(options: BuildOptions, host: Host): Promise<BuildPlan> {
  const request = await readBuildRequest({ ...options, askRootPassphrase: () => Promise.resolve('') });
  const store = new Store(host.facts.cacheDir, host);
  const asOf = options.refresh ? undefined : await knownArchiveAsOf(store);
  return withStagedFiles(async (staged) => {
    const graph = await imageGraph(
      request,
      imageTarget(request, staged, options.compression ?? 'none', options.format),
      {
        hostArchitecture: host.facts.architecture,
        archiveAsOf: asOf ?? 'now',
        mirror: options.mirror,
      },
      host,
    );
    const plan = await planGraph(graph.all, store, options);
    return {
      board: request.spec.board.id,
      system: request.spec.system.id,
      image: request.image,
      packages: plannedPackages(request),
      stages: plan.stages,
      isFolder: request.target.type === 'folder',
      layout: graph.layout && plan.resultOf(graph.layout),
    };
  });
}

function plannedPackages({ userland }: BuildRequest): readonly string[] {
  if (userland.from !== 'debian') return [];
  return [...userland.packages, ...userland.packageFiles.map(({ path }) => path)];
}
