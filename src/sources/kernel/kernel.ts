import { copyFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Json } from '../../model/json.js';
import { mergeFragments } from './fragments.js';
import { compileTargets, kernelTarget } from '../../model/kernel-target.js';
import type { Stage, StageContext } from '../../pipeline/stage.js';
import { configure } from './configure.js';
import type { Kernel } from './kernel-files.js';
import { copyDeviceTrees, kernelFiles, openKernel, readKernelRelease } from './kernel-files.js';
import type { KernelBuild, KernelInput } from './kernel-build.js';
import { BUILD_FOLDER, inside, makeCommand, startBuild } from './kernel-build.js';
import { keepBuild, takeKeptBuild, touchPatched } from './kept-build.js';
import { prepareSource } from './source.js';
import { requireCompiler } from '../../tools/compiler.js';
import { toolVersions } from '../../tools/tools-tree.js';
import { sha256 } from '../../model/sha256.js';

export type { KernelInput } from './kernel-build.js';
export type { Kernel } from './kernel-files.js';

/** Beside the compilers. */
const FINISHING_PACKAGES = ['kmod', 'zstd', 'gzip'];

/**
 * Measured: lines that make prints for every option that is on, with the fragments of this repository.
 * Only the progress display uses it.
 */
const STEPS_PER_OPTION = 1.9;

/** Compiles a kernel with our own configuration: `allnoconfig` plus the fragments. */
export const kernelStage: Stage<KernelInput, Kernel> = {
  name: 'kernel',
  version: 1,
  group: 'Kernel',

  check(input) {
    return mergeFragments(input.fragments).problems;
  },

  key: kernelKey,
  commands: (input, { jobs }) => [makeCommand(compileTargets(input.architecture), { ...input, jobs })],
  open: openKernel,

  async run(input, out, context) {
    requireCompiler('kernels', input.architecture, input.tools);
    const { hasSource } = await takeKeptBuild(input, join(context.work, BUILD_FOLDER), context);
    const build = await startBuild(input, context);
    if (!hasSource) {
      await prepareSource(input, build, context);
      await touchPatched(input, build.folder);
    }
    const options = await configure(input.fragments, build, context);
    await compile(
      input,
      [...options.values()].filter((value) => value === 'y' || value === 'm').length,
      build,
      context,
    );
    await installInto(out, input, build, context);
    await keepBuild(input, build.folder, context);
  },
};

/** What makes a kernel the one that it is. */
export function kernelKey(input: KernelInput): Json {
  const { requests } = mergeFragments(input.fragments);
  const { source, architecture, patches } = input;
  return {
    source: 'url' in source ? { sha256: source.sha256 } : { version: source.version, sha256: source.sha256 },
    // The options, not the files: another comment or order makes the same kernel.
    options: Object.fromEntries(requests.map(({ name, value }) => [name, value])),
    localVersion: input.localVersion,
    tools: toolVersions(input.tools, [...kernelTarget(architecture).compilers, ...FINISHING_PACKAGES]),
    sourceDateEpoch: input.sourceDateEpoch,
    // Only where they say something, so that kernels from before keep their keys.
    ...(architecture === 'arm64' ? {} : { architecture }),
    ...(patches.length === 0 ? {} : { patches: patches.map(({ text }) => sha256(text)) }),
  };
}

async function compile(
  { architecture }: KernelInput,
  options: number,
  build: KernelBuild,
  context: StageContext,
): Promise<void> {
  context.report.step('compiling the kernel');
  const { deviceTrees } = kernelTarget(architecture);
  // Those of an earlier configuration: all that lie there are taken.
  if (deviceTrees !== undefined) await rm(join(build.folder, 'objects', deviceTrees), { recursive: true, force: true });
  const expected = Math.round(options * STEPS_PER_OPTION);
  let done = 0;
  await build.make(compileTargets(architecture), {
    logFile: join(context.work, 'compile.log'),
    onLine: (line, stream) => {
      const object = /^ {2}[A-Z]+\s+(?:\[M\] +)?(\S+\.o)$/.exec(line)?.[1];
      if (stream === 'stderr' || object === undefined) return;
      done += 1;
      context.report.progress({ done, total: Math.max(expected, done), unit: 'steps', text: object });
    },
  });
}

async function installInto(
  out: string,
  { architecture }: KernelInput,
  build: KernelBuild,
  context: StageContext,
): Promise<void> {
  context.report.step('installing kernel and modules');
  const objects = join(build.folder, 'objects');
  const files = kernelFiles(out);
  const { image, deviceTrees } = kernelTarget(architecture);
  await copyFile(join(objects, image.path), files.image);
  await copyFile(join(objects, '.config'), files.config);
  await copyFile(join(objects, 'System.map'), files.systemMap);
  await copyFile(join(objects, 'include/config/kernel.release'), files.release);
  await context.host.runIn(
    build.sandbox,
    { file: 'gzip', args: ['-9', '--no-name', '--stdout', `${inside.objects}/${image.path}`] },
    { stdoutFile: files.imageGz },
  );
  await copyDeviceTrees(deviceTrees === undefined ? undefined : join(objects, deviceTrees), files.deviceTrees);
  // Below usr/, so that laying the folder over a root file system leaves its /lib a link.
  await build.make([
    `INSTALL_MOD_PATH=${inside.installed}/usr`,
    'INSTALL_MOD_STRIP=1',
    'ZSTD=zstd -19',
    'modules_install',
  ]);
  await rename(join(build.folder, 'installed'), files.modules);
  const release = await readKernelRelease(files.release);
  // A link into the build folder, which nobody has.
  await rm(join(files.modules, 'usr/lib/modules', release, 'build'), { force: true });
}
