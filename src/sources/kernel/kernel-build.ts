import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Architecture } from '../../model/architecture.js';
import type { KernelTarball } from '../../model/board.js';
import type { Command } from '../../model/command.js';
import type { FragmentFile } from './fragments.js';
import { kernelTarget } from '../../model/kernel-target.js';
import type { SourceDeb } from '../debian/packages.js';
import type { Sandbox } from '../../model/sandbox.js';
import type { RunOptions } from '../../host/host.js';
import type { StageContext } from '../../pipeline/stage.js';
import type { ToolsTree } from '../../tools/tools-tree.js';

/** A patch of somebody's own; `file` is for messages, the bytes count. */
export type KernelPatch = { readonly file: string; readonly text: string };

export type KernelInput = {
  readonly tools: ToolsTree;
  readonly architecture: Architecture;
  /** Debian's linux-source-…, or a tarball. */
  readonly source: SourceDeb | KernelTarball;
  readonly fragments: readonly FragmentFile[];
  /** Applied in this order. */
  readonly patches: readonly KernelPatch[];
  /** Appended to the version, as `uname -r` shows it: "-reswarm". */
  readonly localVersion: string;
  /** Seconds since 1970, in UTC. */
  readonly sourceDateEpoch: number;
};

/** Paths inside the sandbox. They get into the binaries and into ccache's hashes, so they never change. */
export const inside = {
  build: '/tmp/build',
  source: '/tmp/build/source',
  objects: '/tmp/build/objects',
  installed: '/tmp/build/installed',
  ccache: '/tmp/ccache',
};

/** One run of the stage: a folder with source and objects, and make in it. */
export type KernelBuild = {
  /** Host path of /tmp/build. */
  readonly folder: string;
  readonly sandbox: Sandbox;
  make(args: readonly string[], options?: RunOptions): Promise<void>;
};

/** Below the scratch folder of a stage. */
export const BUILD_FOLDER = 'build';

export async function startBuild(input: KernelInput, context: StageContext): Promise<KernelBuild> {
  const folder = join(context.work, BUILD_FOLDER);
  for (const name of ['source', 'objects', 'installed']) await mkdir(join(folder, name), { recursive: true });
  await mkdir(context.shared.ccache, { recursive: true });
  const sandbox = buildSandbox(input.tools.root, folder, context.shared.ccache);
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

function buildSandbox(root: string, folder: string, ccache: string): Sandbox {
  return {
    root,
    mounts: [
      { source: folder, target: inside.build, writable: true },
      { source: ccache, target: inside.ccache, writable: true },
    ],
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

/** `make` for an out-of-tree build whose result depends on the sources, the name and the date alone. */
export function makeCommand(
  targets: readonly string[],
  input: Pick<KernelInput, 'architecture' | 'localVersion' | 'sourceDateEpoch'> & { jobs: number },
): Command {
  const { arch, triplet } = kernelTarget(input.architecture);
  return {
    file: 'make',
    args: [
      '-C',
      inside.source,
      `O=${inside.objects}`,
      `--jobs=${input.jobs}`,
      `ARCH=${arch}`,
      `CROSS_COMPILE=${triplet}-`,
      `CC=ccache ${triplet}-gcc`,
      `LOCALVERSION=${input.localVersion}`,
      ...targets,
    ],
    env: {
      KBUILD_BUILD_TIMESTAMP: new Date(input.sourceDateEpoch * 1000).toISOString().replace('.000Z', 'Z'),
      KBUILD_BUILD_USER: 'reswarm',
      KBUILD_BUILD_HOST: 'reswarm-os',
      KBUILD_BUILD_VERSION: '1',
      SOURCE_DATE_EPOCH: input.sourceDateEpoch.toString(),
      CCACHE_DIR: inside.ccache,
      // Tools trees come and go; the same compiler in another tree is the same compiler.
      CCACHE_COMPILERCHECK: 'content',
      CCACHE_MAXSIZE: '2G',
    },
  };
}
