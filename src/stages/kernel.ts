import { copyFile, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from '../domain/command.js';
import type { FragmentFile } from '../domain/kernel-config.js';
import { formatRequests, lostRequests, mergeFragments, parseResolvedConfig } from '../domain/kernel-config.js';
import type { DebFile } from '../domain/packages.js';
import type { Sandbox } from '../domain/sandbox.js';
import type { RunOptions } from '../host/host.js';
import { UserError } from '../errors.js';
import type { Stage, StageContext } from '../pipeline/stage.js';
import type { ToolsTree } from './tools-tree.js';
import { toolVersions } from './tools-tree.js';
import { unpackDeb } from './unpack-deb.js';

export type KernelInput = {
  readonly tools: ToolsTree;
  /** Debian's linux-source-6.12. */
  readonly source: DebFile;
  readonly fragments: readonly FragmentFile[];
  /** Appended to the version, as `uname -r` shows it: "-reswarm". */
  readonly localVersion: string;
  /** Seconds since 1970, in UTC. */
  readonly sourceDateEpoch: number;
};

/** Where the stage's result lies below its output folder. */
export type KernelFiles = {
  /** Raw arm64 Image; what QEMU and the firmware load. */
  readonly image: string;
  /** The same, `gzip -9`; the firmware loads this too. */
  readonly imageGz: string;
  /** To be laid over a root file system: `usr/lib/modules/<release>/`, depmod's files included. */
  readonly modules: string;
  /** Flat folder of upstream's device trees for all boards of the family, with symbols for overlays. */
  readonly deviceTrees: string;
  readonly config: string;
  readonly systemMap: string;
};

export function kernelFiles(out: string): KernelFiles {
  return {
    image: join(out, 'Image'),
    imageGz: join(out, 'Image.gz'),
    modules: join(out, 'modules'),
    deviceTrees: join(out, 'dtbs'),
    config: join(out, 'config'),
    systemMap: join(out, 'System.map'),
  };
}

/** What `uname -r` will say: "6.12.117-reswarm". */
async function readKernelRelease(out: string): Promise<string> {
  return (await readFile(join(out, 'release'), 'utf8')).trim();
}

/** Packages of the tools tree whose version shows in the result. */
const COMPILING_PACKAGES = ['gcc-14-aarch64-linux-gnu', 'binutils-aarch64-linux-gnu', 'kmod', 'zstd', 'gzip'];

/**
 * Measured: lines that make prints for every option that is on, with the fragments of this repository.
 * Only the progress display uses it.
 */
const STEPS_PER_OPTION = 1.9;

/** Cross-compiles Debian's kernel source with our own configuration: `allnoconfig` plus the fragments. */
export const kernelStage: Stage<KernelInput> = {
  name: 'kernel',
  version: 1,

  check(input) {
    return mergeFragments(input.fragments).problems;
  },

  key(input) {
    const { requests } = mergeFragments(input.fragments);
    return {
      source: { version: input.source.version, sha256: input.source.sha256 },
      // The options, not the files: another comment or order makes the same kernel.
      options: Object.fromEntries(requests.map(({ name, value }) => [name, value])),
      localVersion: input.localVersion,
      tools: toolVersions(input.tools, COMPILING_PACKAGES),
      sourceDateEpoch: input.sourceDateEpoch,
    };
  },

  async run(input, out, context) {
    const build = await startBuild(input, context);
    await unpackSource(input, build, context);
    const options = await configure(input.fragments, build, context);
    await compile(options, build, context);
    await installInto(out, build, context);
  },
};

/** Paths inside the sandbox. They get into the binaries and into ccache's hashes, so they never change. */
const inside = {
  source: '/tmp/build/source',
  objects: '/tmp/build/objects',
  installed: '/tmp/build/installed',
  ccache: '/tmp/ccache',
};

type KernelBuild = {
  /** Host path of /tmp/build. */
  readonly folder: string;
  readonly sandbox: Sandbox;
  make(args: readonly string[], options?: RunOptions): Promise<void>;
};

async function startBuild(input: KernelInput, context: StageContext): Promise<KernelBuild> {
  const folder = join(context.work, 'build');
  for (const name of ['source', 'objects', 'installed']) await mkdir(join(folder, name), { recursive: true });
  await mkdir(context.shared.ccache, { recursive: true });
  const sandbox: Sandbox = {
    root: input.tools.root,
    mounts: [
      { source: folder, target: '/tmp/build', writable: true },
      { source: context.shared.ccache, target: inside.ccache, writable: true },
    ],
  };
  const cacheMode = await ccacheMode(context.shared.ccache);
  return {
    folder,
    sandbox,
    async make(args, options = {}) {
      const command = makeCommand(args, { ...input, jobs: context.jobs });
      await context.host.runIn(sandbox, { ...command, env: { ...command.env, ...cacheMode } }, options);
    },
  };
}

/**
 * ccache's usual mode runs the preprocessor once more for each file: half as long again for a cold cache (measured on
 * net/ipv4: 52 s, 35 s in depend mode, 35 s without ccache). Depend mode takes gcc's list of dependencies instead, but
 * every file includes the whole configuration, so that one changed option misses for all of them; preprocessed, most
 * are the same. So: depend mode for the first build, the usual one for whoever comes back with another configuration.
 */
async function ccacheMode(folder: string): Promise<Readonly<Record<string, string>>> {
  const isCold = (await readdir(folder)).length === 0;
  return isCold ? { CCACHE_DEPEND: '1' } : {};
}

/** `make` for an out-of-tree arm64 build whose result depends on the sources, the name and the date alone. */
export function makeCommand(
  targets: readonly string[],
  { localVersion, sourceDateEpoch, jobs }: Pick<KernelInput, 'localVersion' | 'sourceDateEpoch'> & { jobs: number },
): Command {
  return {
    file: 'make',
    args: [
      '-C',
      inside.source,
      `O=${inside.objects}`,
      `--jobs=${jobs}`,
      'ARCH=arm64',
      'CROSS_COMPILE=aarch64-linux-gnu-',
      'CC=ccache aarch64-linux-gnu-gcc',
      `LOCALVERSION=${localVersion}`,
      ...targets,
    ],
    env: {
      KBUILD_BUILD_TIMESTAMP: new Date(sourceDateEpoch * 1000).toISOString().replace('.000Z', 'Z'),
      KBUILD_BUILD_USER: 'reswarm',
      KBUILD_BUILD_HOST: 'reswarm-os',
      KBUILD_BUILD_VERSION: '1',
      SOURCE_DATE_EPOCH: sourceDateEpoch.toString(),
      CCACHE_DIR: inside.ccache,
      // Tools trees come and go; the same compiler in another tree is the same compiler.
      CCACHE_COMPILERCHECK: 'content',
      CCACHE_MAXSIZE: '2G',
    },
  };
}

async function unpackSource(input: KernelInput, build: KernelBuild, context: StageContext): Promise<void> {
  context.report.step('unpacking the kernel source');
  const unpacked = await unpackDeb(input.source, input.tools, context);
  await context.host.runIn(
    {
      ...build.sandbox,
      mounts: [...(build.sandbox.mounts ?? []), { source: join(unpacked, 'usr/src'), target: '/mnt' }],
    },
    {
      file: 'tar',
      args: [
        '--extract',
        `--file=/mnt/${input.source.name}.tar.xz`,
        `--use-compress-program=xz --threads=${context.jobs}`,
        `--directory=${inside.source}`,
        '--strip-components=1',
        '--no-same-owner',
      ],
    },
  );
  await rm(unpacked, { recursive: true });
}

/** Returns how many options are on. Throws UserError `kernel-option-lost` naming each request that kconfig dropped. */
async function configure(
  fragments: readonly FragmentFile[],
  build: KernelBuild,
  context: StageContext,
): Promise<number> {
  context.report.step('configuring the kernel');
  const { requests } = mergeFragments(fragments);
  await writeFile(join(build.folder, 'requested.config'), formatRequests(requests));
  await build.make(['KCONFIG_ALLCONFIG=/tmp/build/requested.config', 'allnoconfig']);
  const resolved = parseResolvedConfig(await readFile(join(build.folder, 'objects', '.config'), 'utf8'));
  const lost = lostRequests(requests, resolved);
  if (lost.length > 0) throw UserError.fromProblems(lost);
  return [...resolved.values()].filter((value) => value === 'y' || value === 'm').length;
}

async function compile(options: number, build: KernelBuild, context: StageContext): Promise<void> {
  context.report.step('compiling the kernel');
  const expected = Math.round(options * STEPS_PER_OPTION);
  let done = 0;
  await build.make(['Image', 'modules', 'dtbs'], {
    logFile: join(context.work, 'compile.log'),
    onLine: (line, stream) => {
      const object = /^ {2}[A-Z]+\s+(?:\[M\] +)?(\S+\.o)$/.exec(line)?.[1];
      if (stream === 'stderr' || object === undefined) return;
      done += 1;
      context.report.progress({ done, total: Math.max(expected, done), unit: 'steps', text: object });
    },
  });
}

async function installInto(out: string, build: KernelBuild, context: StageContext): Promise<void> {
  context.report.step('installing kernel and modules');
  const objects = join(build.folder, 'objects');
  const files = kernelFiles(out);
  await copyFile(join(objects, 'arch/arm64/boot/Image'), files.image);
  await copyFile(join(objects, '.config'), files.config);
  await copyFile(join(objects, 'System.map'), files.systemMap);
  await copyFile(join(objects, 'include/config/kernel.release'), join(out, 'release'));
  await context.host.runIn(
    build.sandbox,
    { file: 'gzip', args: ['-9', '--no-name', '--stdout', `${inside.objects}/arch/arm64/boot/Image`] },
    { stdoutFile: files.imageGz },
  );
  await copyDeviceTrees(join(objects, 'arch/arm64/boot/dts/broadcom'), files.deviceTrees);
  // Below usr/, so that laying the folder over a root file system leaves its /lib a link.
  await build.make([
    `INSTALL_MOD_PATH=${inside.installed}/usr`,
    'INSTALL_MOD_STRIP=1',
    'ZSTD=zstd -19',
    'modules_install',
  ]);
  await rename(join(build.folder, 'installed'), files.modules);
  const release = await readKernelRelease(out);
  // A link into the build folder, which nobody has.
  await rm(join(files.modules, 'usr/lib/modules', release, 'build'), { force: true });
}

async function copyDeviceTrees(from: string, to: string): Promise<void> {
  await mkdir(to);
  const names = (await readdir(from)).filter((name) => /^bcm2[78].*\.dtb$/.test(name));
  for (const name of names) await copyFile(join(from, name), join(to, name));
}
