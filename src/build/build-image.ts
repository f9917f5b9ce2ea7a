import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ImageOutput } from '../images/image-description.js';
import { finishSeed } from '../seeds/finish-seed.js';
import type { Compression } from '../formats/compression.js';
import { planDiskLayout } from '../disk/disk-layout.js';
import { UserError } from '../errors.js';
import type { Host } from '../host/host.js';
import { archiveAsOf, keepArchiveAsOf } from '../pipeline/archive-date.js';
import type { StageRecord } from '../pipeline/engine.js';
import { Engine } from '../pipeline/engine.js';
import type { Reporter } from '../pipeline/reporter.js';
import type { StoreEntry } from '../pipeline/store.js';
import { keyOf, Store } from '../pipeline/store.js';
import { bootFirmwareStage } from '../sources/firmware/boot-firmware.js';
import { bootPartitionStage } from '../filesystems/vfat.js';
import { deviceTreeOverlaysStage } from '../sources/kernel/device-tree-overlays.js';
import { dockerBundleStage } from '../sources/software/docker-bundle.js';
import { kernelStage } from '../sources/kernel/kernel.js';
import type { WrittenDisk } from '../outputs/disk.js';
import { readAptSources } from '../sources/debian/package-lock.js';
import { softwareStage } from '../sources/software/pinned-files.js';
import { readTreeContent, rootPartitionStage } from '../filesystems/ext4.js';
import { rootfsStage } from '../sources/debian/rootfs.js';
import { readOwners } from '../sources/debian/rootfs/owners.js';
import { wirelessFirmwareStage } from '../sources/firmware/wireless-firmware.js';
import { allOrNone } from '../pipeline/all-or-none.js';
import * as inputs from './build-inputs.js';
import type { BuildOptions, BuildRequest } from './build-request.js';
import { readBuildRequest } from './build-request.js';
import { findCurrentImage } from '../images/image-file.js';
import type { Outputs } from './image-outputs.js';
import { completeOutputs } from './image-outputs.js';
import { requireLoopDevices } from '../drives/loop-device.js';
import { obtainPackages } from '../sources/debian/packages-of-image.js';
import { obtainToolsTree } from '../tools/obtain-tools.js';
import { withStagedFiles } from '../images/staged-files.js';
import { packageConflicts } from '../sources/software/software-conflicts.js';
import { warnOfImages } from './read-content.js';
import { checkAgainstSchemas, passwordHash } from './seed-tools.js';
import type { BuildTarget } from './write-target.js';
import { writeTarget } from './write-target.js';

/** What a build gives back; the durations are wall time. */
export type BuiltImage = {
  /** Path of the image file, or of the device that was written. */
  readonly image: string;
  readonly board: string;
  readonly sizeBytes: number;
  /** What the image takes on the disk: zeros are holes. */
  readonly diskBytes: number;
  readonly sha256: string;
  /** The image at this path was already what this build would have made, and so was all that lies beside it. */
  readonly unchanged: boolean;
  /** The image first, then what was made from it; SHA256SUMS has them all. */
  readonly files: readonly ImageOutput[];
  /** Names of what else lies beside it: description, sums, catalogue entries. None for a device. */
  readonly described: readonly string[];
  readonly stages: readonly StageRecord[];
  readonly durationMs: number;
  readonly packagesAsOf: string;
};

/** What a person sees of a build, line by line. */
const buildGroups = ({ dockerBundle, software, target }: BuildRequest, compression: Compression = 'none') => [
  { title: 'Tools', stages: ['tools'] },
  { title: 'Package lists and seed', stages: ['package-lock', 'cloud-init-schema'] },
  { title: 'Firmware', stages: ['boot-firmware', 'wireless-firmware', 'device-tree-overlays'] },
  { title: 'Kernel', stages: ['kernel'] },
  {
    title: 'Packages of the root file system',
    stages: [
      ...(dockerBundle === undefined ? [] : ['docker-bundle']),
      ...(software.some(({ files }) => files.length > 0) ? ['software'] : []),
      'rootfs',
    ],
  },
  { title: 'Root partition', stages: ['root-partition'] },
  { title: 'Boot partition', stages: ['boot-partition'] },
  { title: 'Image', stages: imageSteps(target.type, compression) },
];

function imageSteps(target: BuildTarget['type'], compression: Compression): readonly string[] {
  if (target === 'device') return ['disk'];
  return ['disk', 'block-map', ...(compression === 'none' ? [] : ['compress'])];
}

const NOTHING = Promise.resolve(undefined);

/** As early as the packages are known: a kernel may compile for long after that. */
async function checkSoftware(request: BuildRequest, rootfs: StoreEntry): Promise<StoreEntry> {
  if (request.software.length === 0) return rootfs;
  const problems = packageConflicts(request.software, await readOwners(rootfs.path));
  if (problems.length > 0) throw UserError.fromProblems(problems);
  return rootfs;
}

/** A board's image, from definitions to bytes on the disk. Every input is checked before anything of the image is made. */
export async function buildImage(options: BuildOptions, host: Host, reporter: Reporter): Promise<BuiltImage> {
  const started = performance.now();
  if (options.target?.type === 'loop') requireLoopDevices(host);
  const request = await readBuildRequest(options);
  const abandon = new AbortController();
  const buildHost = host.until(abandon.signal);
  const store = new Store(host.facts.cacheDir, buildHost);
  await store.prepare();
  const engine = new Engine(buildHost, store, reporter, options);
  reporter.emit({ type: 'planned', groups: buildGroups(request, options.compression) });
  warnOfImages(request.images, reporter);

  const asOf = await archiveAsOf(store, options.refresh);
  const tools = await obtainToolsTree(engine, { archiveAsOf: asOf, mirror: options.mirror });
  const packages = await obtainPackages(
    engine,
    inputs.packageLock(request, tools, {
      hostArchitecture: host.facts.architecture,
      sources: await readAptSources(tools),
      archiveAsOf: asOf,
    }),
  );
  await keepArchiveAsOf(store, asOf);
  await checkAgainstSchemas(engine, request.seed, inputs.cloudInitSchema(tools, packages), packages, reporter);
  const seed = await finishSeed(request.seed, passwordHash(tools, buildHost));

  const firmwareInput = inputs.bootFirmware(request, tools, packages);
  const wirelessInput = inputs.wirelessFirmware(request, tools, packages);
  const kernelInput = inputs.kernel(request, tools, packages);
  const rootfsInput = await inputs.rootfs(request, tools, packages, host.facts.architecture);
  const bundleInput = inputs.dockerBundle(request, tools);
  const softwareInput = inputs.software(request);
  const [firmware, overlays, wireless, kernel, rootfs, dockerBundle, software] = await allOrNone(abandon, [
    firmwareInput === undefined
      ? NOTHING
      : engine.obtain(bootFirmwareStage, firmwareInput, packages.fetcher(firmwareInput.deb ? [firmwareInput.deb] : [])),
    engine.obtain(deviceTreeOverlaysStage, inputs.deviceTreeOverlays(request, tools)),
    engine.obtain(wirelessFirmwareStage, wirelessInput, packages.fetcher(wirelessInput.packages.map(({ deb }) => deb))),
    engine.obtain(kernelStage, kernelInput, packages.fetcher('url' in kernelInput.source ? [] : [kernelInput.source])),
    engine.obtain(rootfsStage, rootfsInput).then((entry) => checkSoftware(request, entry)),
    bundleInput === undefined ? NOTHING : engine.obtain(dockerBundleStage, bundleInput),
    softwareInput === undefined ? NOTHING : engine.obtain(softwareStage, softwareInput),
  ] as const);
  const parts = { firmware, overlays, wireless, kernel, rootfs, dockerBundle, software };
  const root = await engine.obtain(rootPartitionStage, inputs.rootPartition(request, tools, parts));
  const content = await readTreeContent(root.path);
  const files = inputs.bootFiles(request, seed, parts);
  const layout = planDiskLayout(request.board, { boot: await inputs.measureBootFiles(files), root: content });
  const bootInput = inputs.bootPartition(request, tools, files, layout);
  const key = keyOf({ boot: bootPartitionStage.key(bootInput), root: root.key, layout: inputs.layoutKey(layout) });
  const facts = { request, key, layout, rootContent: content, packages, tools, packagesAsOf: asOf };
  const isFile = request.target.type !== 'device';
  const current = isFile ? await findCurrentImage(request.image, key) : undefined;
  if (current !== undefined) for (const stage of ['boot-partition', 'disk']) engine.foundDone(stage, key);

  return withStagedFiles(async (staged) => {
    const file = { path: request.image, mode: request.fileMode, staged };
    const write = async (boot: string): Promise<WrittenDisk> =>
      engine.task('disk', key, (progress, work) => {
        const partitions = { boot: join(boot, 'boot.vfat'), root: join(root.path, 'root.ext4') };
        return writeTarget(request.target, { tools, layout, partitions, work }, file, buildHost, progress);
      });
    const image = current ?? (await engine.withResult(bootPartitionStage, bootInput, write));
    if (!isFile)
      return report({ files: [{ name: request.image, kind: 'image', ...image }], described: [], unchanged: false });
    const { compression = 'none', urlBase, jobs } = options;
    return report(await completeOutputs(facts, image, current, { compression, urlBase, jobs }, staged, engine));
  });

  async function report({ files, described, unchanged }: Outputs): Promise<BuiltImage> {
    const [image] = files;
    return {
      image: request.image,
      board: request.board.id,
      sizeBytes: image.sizeBytes,
      diskBytes: isFile ? (await stat(request.image)).blocks * 512 : image.sizeBytes,
      sha256: image.sha256,
      unchanged,
      files,
      described,
      stages: engine.records,
      durationMs: Math.round(performance.now() - started),
      packagesAsOf: asOf,
    };
  }
}
