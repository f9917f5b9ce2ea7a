import { stat } from 'node:fs/promises';
import type { Host } from '../host/host.js';
import { requireLoopDevices } from '../drives/loop-device.js';
import type { ImageDescription, ImageOutput } from '../images/image-description.js';
import { findCurrentImage } from '../images/image-file.js';
import { NETWORK_MANIFEST, NETWORK_SUMS } from '../images/network-folder.js';
import type { StagedFiles } from '../images/staged-files.js';
import { withStagedFiles } from '../images/staged-files.js';
import type { WrittenDisk } from '../outputs/disk.js';
import type { WrittenFolder } from '../outputs/network-folder.js';
import { archiveAsOf, keepArchiveAsOf } from '../pipeline/archive-date.js';
import type { Reporter } from '../pipeline/reporter.js';
import type { Runner, StageRecord } from '../pipeline/runner.js';
import { withRunner } from '../pipeline/runner.js';
import { Store } from '../pipeline/store.js';
import type { BuildOptions } from './build-options.js';
import type { BuildRequest } from './build-request.js';
import { readBuildRequest } from './build-request.js';
import { warnOfImages } from './debian/read-content.js';
import { warnOfMissingKeyring } from './debian/update-keyring.js';
import { imageGraph } from './image-graph.js';
import type { Outputs } from './image-outputs.js';
import { completeOutputs } from './image-outputs.js';
import { imageTarget } from './image-target.js';
import type { LockInUse } from './lock/locked-nodes.js';
import { hostOfLock, lockInUse } from './lock/use-lock.js';

/** What a build gives back; the durations are wall time. */
export type BuiltImage = {
  /** Path of the image file, of the device that was written, or of the folder for network boot. */
  readonly image: string;
  readonly board: string;
  readonly system: string;
  readonly sizeBytes: number;
  /** What the image takes on the disk: zeros are holes. */
  readonly diskBytes: number;
  readonly sha256: string;
  /** The image at this path was already what this build would have made, and so was all that is beside it. */
  readonly unchanged: boolean;
  /** The image first, then what was made from it; SHA256SUMS has them all. */
  readonly files: readonly BuiltFile[];
  /** Names of what else is beside it: description, sums, catalogue entries. None for a device. */
  readonly described: readonly string[];
  readonly stages: readonly StageRecord[];
  readonly durationMs: number;
  readonly packagesAsOf: string;
};

/** Of a folder for network boot each file is named. */
export type BuiltFile = Omit<ImageOutput, 'kind'> & { readonly kind: ImageOutput['kind'] | 'network-file' };

/** A board's image, from definitions to bytes on the disk. Every input is checked before anything of the image is made. */
export async function buildImage(options: BuildOptions, given: Host, reporter: Reporter): Promise<BuiltImage> {
  const started = performance.now();
  if (options.target?.type === 'loop') requireLoopDevices(given);
  const request = await readBuildRequest(options);
  const lock = await lockInUse(options, request);
  const host = hostOfLock(given, lock);
  if (request.userland.from === 'debian') {
    const { images, keyring, root } = request.userland;
    warnOfImages(images, reporter);
    warnOfMissingKeyring(request.spec, keyring, root.overlays, reporter);
  }
  const store = new Store(host.facts.cacheDir, host);
  return withStagedFiles((staged) =>
    withRunner(host, store, reporter, options, async (runner) => {
      const built = await runGraph(request, options, { runner, staged, reporter, host, lock });
      return { ...built, durationMs: Math.round(performance.now() - started) };
    }),
  );
}

type Running = {
  readonly runner: Runner;
  readonly staged: StagedFiles;
  readonly reporter: Reporter;
  readonly host: Host;
  readonly lock: LockInUse | undefined;
};

async function runGraph(
  request: BuildRequest,
  options: BuildOptions,
  { runner, staged, reporter, host, lock }: Running,
): Promise<Omit<BuiltImage, 'durationMs'>> {
  const asOf = lock?.lock.asOf ?? (await archiveAsOf(runner.store, options.refresh));
  const target = imageTarget(request, staged, options.compression ?? 'none', options.format);
  const graph = await imageGraph(
    request,
    target,
    {
      hostArchitecture: host.facts.architecture,
      archiveAsOf: asOf,
      mirror: options.mirror,
      lock,
    },
    host,
  );
  runner.announce(graph.all);
  const packages = await runner.run(graph.packages);
  if (lock === undefined) await keepArchiveAsOf(runner.store, asOf);
  await graph.userland.checkInputs(runner, reporter, host);
  // What is wrong with the content is told as soon as the packages are known: a kernel may compile for long after that.
  const [disk] = await Promise.all([runner.run(graph.disk), graph.userland.checkContent(runner)]);
  const current = target.image && (await findCurrentImage(request.image, disk.key));
  if (current !== undefined) for (const step of [...graph.steps, graph.disk]) runner.foundDone(step, disk.key);
  const image = current ?? (await runner.make(graph.disk));
  if (isFolder(image)) return builtFolder(request, image, runner.records, asOf);
  const outputs: Outputs =
    target.image === undefined
      ? { files: [{ name: request.image, kind: 'image', ...image }], described: [], unchanged: false }
      : await completeOutputs(
          { request, graph, key: disk.key, packages, asOf },
          image,
          current,
          options,
          staged,
          runner,
        );
  const [file] = outputs.files;
  return {
    image: request.image,
    board: request.spec.board.id,
    system: request.spec.system.id,
    sizeBytes: file.sizeBytes,
    diskBytes: target.image === undefined ? file.sizeBytes : (await stat(request.image)).blocks * 512,
    sha256: file.sha256,
    ...outputs,
    stages: runner.records,
    packagesAsOf: asOf,
  };
}

/** The description of an image that is there has files too: those that lie beside it. */
function isFolder(written: WrittenDisk | ImageDescription | WrittenFolder): written is WrittenFolder {
  return 'files' in written && 'unchanged' in written;
}

function builtFolder(
  { image, spec }: BuildRequest,
  { files, sizeBytes, sha256, unchanged }: WrittenFolder,
  stages: BuiltImage['stages'],
  packagesAsOf: string,
): Omit<BuiltImage, 'durationMs'> {
  return {
    image,
    board: spec.board.id,
    system: spec.system.id,
    sizeBytes,
    diskBytes: sizeBytes,
    sha256,
    unchanged,
    files: files.map(({ path, ...file }) => ({ name: path, kind: 'network-file', ...file })),
    described: [NETWORK_MANIFEST, NETWORK_SUMS],
    stages,
    packagesAsOf,
  };
}
