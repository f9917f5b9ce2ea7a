import { warnOfImages } from './read-content.js';
import type { Command } from '../model/command.js';
import { formatCommand } from '../model/command.js';
import type { DiskLayout } from '../disk/disk-layout.js';
import { planDiskLayout } from '../disk/disk-layout.js';
import { compileTargets } from '../model/kernel-target.js';
import { sfdiskScript } from '../disk/table.js';
import type { Host } from '../host/host.js';
import { knownArchiveAsOf } from '../pipeline/archive-date.js';
import { Engine } from '../pipeline/engine.js';
import type { KeyChange } from '../pipeline/explain.js';
import type { Reporter } from '../pipeline/reporter.js';
import type { Stage } from '../pipeline/stage.js';
import type { StoreEntry } from '../pipeline/store.js';
import { Store } from '../pipeline/store.js';
import { bootFirmwareStage } from '../sources/firmware/boot-firmware.js';
import { mkfsFatCommand } from '../filesystems/vfat.js';
import { deviceTreeOverlaysStage } from '../sources/kernel/device-tree-overlays.js';
import { dockerBundleStage } from '../sources/software/docker-bundle.js';
import { kernelStage, makeCommand } from '../sources/kernel/kernel.js';
import { packageLockStage, readAptSources, readPackageLock } from '../sources/debian/package-lock.js';
import { softwareStage } from '../sources/software/pinned-files.js';
import { readTreeContent, rootPartitionStage } from '../filesystems/ext4.js';
import { rootfsStage } from '../sources/debian/rootfs.js';
import { mmdebstrapCommand, readToolsTree, toolsTreeStage } from '../tools/tools-tree.js';
import { wirelessFirmwareStage } from '../sources/firmware/wireless-firmware.js';
import * as inputs from './build-inputs.js';
import type { BuildOptions, BuildRequest } from './build-request.js';
import { readBuildRequest } from './build-request.js';
import { localVersionOf } from '../sources/kernel/kernel-flavour.js';
import { openPackages } from '../sources/debian/packages-of-image.js';
import { toolsTreeInput } from '../tools/obtain-tools.js';

export type PlannedStage = {
  readonly stage: string;
  /** Undefined while the result of a stage before it is not known. */
  readonly key?: string;
  /** `make`: the store does not have it; `unknown`: a stage before it has to run first. */
  readonly state: 'in-store' | 'make' | 'unknown' | 'each-time';
  readonly changes: readonly KeyChange[];
  /** The commands that shape its result, as a shell would need them. */
  readonly commands: readonly string[];
};

/** What a build would do. Nothing is made or fetched to find out; what only a stage can tell stays open. */
export type BuildPlan = {
  readonly board: string;
  readonly image: string;
  readonly packages: readonly string[];
  readonly stages: readonly PlannedStage[];
  /** Undefined until the content of both partitions is in the store: automatic sizes depend on it. */
  readonly layout?: DiskLayout;
};

export async function planBuild(options: BuildOptions, host: Host, reporter: Reporter): Promise<BuildPlan> {
  const request = await readBuildRequest(options);
  warnOfImages(request.images, reporter);
  const store = new Store(host.facts.cacheDir, host);
  await store.prepare();
  const planner = new Planner(new Engine(host, store, reporter, options));
  const layout = await planStages(request, options, planner);
  return {
    board: request.board.id,
    image: request.image,
    packages: request.packages,
    stages: planner.stages,
    ...(layout === undefined ? {} : { layout }),
  };
}

/** Follows the way of buildImage as far as the store has the results that later keys depend on. */
async function planStages(
  request: BuildRequest,
  options: BuildOptions,
  planner: Planner,
): Promise<DiskLayout | undefined> {
  const { engine } = planner;
  const { architecture } = engine.host.facts;
  const asOf = options.refresh ? undefined : await knownArchiveAsOf(engine.store);
  const toolsInput = toolsTreeInput(architecture, { archiveAsOf: asOf ?? 'now', mirror: options.mirror });
  const toolsEntry = await planner.plan(toolsTreeStage, toolsInput, [mmdebstrapCommand(toolsInput, 'TREE')]);
  const tools = toolsEntry && (await readToolsTree(toolsEntry.path));
  const sources = tools && (await readAptSources(tools));
  const lockOptions = { hostArchitecture: architecture, sources: sources ?? '', archiveAsOf: asOf ?? 'now' };
  const lockInput = tools && inputs.packageLock(request, tools, lockOptions);
  const lockEntry = await planner.plan(packageLockStage, lockInput, []);
  const packages = lockEntry && openPackages(await readPackageLock(lockEntry.path), sources ?? '', engine.store);
  const known = tools !== undefined && packages !== undefined ? { tools, packages } : undefined;

  const { firmware: wantsFirmware } = request;
  const firmware =
    wantsFirmware &&
    (await planner.plan(bootFirmwareStage, known && inputs.bootFirmware(request, known.tools, known.packages), []));
  const overlays = await planner.plan(
    deviceTreeOverlaysStage,
    known && inputs.deviceTreeOverlays(request, known.tools),
    [],
  );
  const wireless = await planner.plan(
    wirelessFirmwareStage,
    known && inputs.wirelessFirmware(request, known.tools, known.packages),
    [],
  );
  const { architecture: target } = request.board;
  const compile = makeCommand(compileTargets(target), {
    architecture: target,
    localVersion: localVersionOf(request.board),
    sourceDateEpoch: request.sourceDateEpoch,
    jobs: options.jobs,
  });
  const kernelInput = known && inputs.kernel(request, known.tools, known.packages);
  const kernel = await planner.plan(kernelStage, kernelInput, [compile]);
  const rootfsInput = known && (await inputs.rootfs(request, known.tools, known.packages, architecture));
  const rootfs = await planner.plan(rootfsStage, rootfsInput, []);
  const bundleInput = known && inputs.dockerBundle(request, known.tools);
  const dockerBundle = request.dockerBundle && (await planner.plan(dockerBundleStage, bundleInput, []));
  const softwareInput = inputs.software(request);
  const software = softwareInput && (await planner.plan(softwareStage, softwareInput, []));
  const hasContent = (!request.dockerBundle || dockerBundle) && (!softwareInput || software);
  const hasFirmware = wantsFirmware === undefined || firmware !== undefined;
  const parts =
    hasFirmware && overlays && wireless && kernel && rootfs && hasContent
      ? { firmware, overlays, wireless, kernel, rootfs, dockerBundle, software }
      : undefined;
  const rootInput = known && parts && inputs.rootPartition(request, known.tools, parts);
  const root = await planner.plan(rootPartitionStage, rootInput, []);

  const files = parts && inputs.bootFiles(request, { ...NO_SEED }, parts);
  const layout =
    files &&
    root &&
    planDiskLayout(request.board, {
      boot: await inputs.measureBootFiles(files),
      root: await readTreeContent(root.path),
    });
  planner.eachTime('boot-partition', layout === undefined ? [] : [mkfsFatCommand(inputs.fatOf(layout), 'boot.vfat')]);
  planner.eachTime(
    'disk',
    layout === undefined ? [] : [{ file: 'sfdisk', args: [request.image], stdin: sfdiskScript(layout) }],
  );
  return layout;
}

/** The seed counts for a few clusters of the FAT only; its automatic size has room for it. */
const NO_SEED = { userData: '', metaData: '', networkConfig: '' };

class Planner {
  readonly stages: PlannedStage[] = [];

  constructor(readonly engine: Engine) {}

  /** The stage's result, if the store has it. */
  async plan<Input>(
    stage: Stage<Input>,
    input: Input | undefined,
    commands: readonly Command[],
  ): Promise<StoreEntry | undefined> {
    const texts = commands.map(formatCommand);
    if (input === undefined) {
      this.stages.push({ stage: stage.name, state: 'unknown', changes: [], commands: texts });
      return undefined;
    }
    const { key, changes, entry } = await this.engine.peek(stage, input);
    const state = entry === undefined ? 'make' : 'in-store';
    this.stages.push({ stage: stage.name, key, state, changes, commands: texts });
    return entry;
  }

  eachTime(stage: string, commands: readonly Command[]): void {
    this.stages.push({ stage, state: 'each-time', changes: [], commands: commands.map(formatCommand) });
  }
}
