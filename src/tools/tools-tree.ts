import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from '../model/command.js';
import type { Sandbox } from '../model/sandbox.js';
import { CommandError, NetworkError } from '../errors.js';
import type { Host } from '../host/host.js';
import type { Stage, StageContext } from '../pipeline/stage.js';

/**
 * Programs that shape an image, and what they are for. The host's own are never used for that:
 * results must not depend on its distribution.
 */
const TOOLS_PACKAGES = [
  // packages: resolve, verify and unpack
  'apt',
  'debian-archive-keyring',
  'eatmydata',
  'ca-certificates',
  // partitions and file systems (libarchive lets mke2fs read tar files)
  'fdisk',
  'e2fsprogs',
  'libarchive13t64',
  'dosfstools',
  'mtools',
  'attr',
  'squashfs-tools',
  // source packages of Debian
  'dpkg-dev',
  'bzip2',
  // boot loader and discs for PCs
  'grub-common',
  'xorriso',
  // kernel
  'gcc-aarch64-linux-gnu',
  'gcc',
  'libc6-dev',
  'make',
  'flex',
  'bison',
  'bc',
  'cpio',
  'kmod',
  'perl',
  'patch',
  'rsync',
  'ccache',
  'libssl-dev',
  'libelf-dev',
  'device-tree-compiler',
  // compression
  'xz-utils',
  'zstd',
  'pigz',
  // byte-compiling, boot proof
  'python3',
  'qemu-system-arm',
  'qemu-utils',
  // reads the block maps that lie beside images, in tests
  'bmap-tools',
] as const;

export type ToolsTreeInput = {
  /** Debian's name of the host's architecture. */
  readonly architecture: string;
  readonly suite: string;
  /** Undefined: the mirrors that mmdebstrap itself knows for the suite, security updates included. */
  readonly mirror?: string;
  /** The archive changes under us: a tree made "as of" this moment is used until a refresh is asked for. */
  readonly archiveAsOf: string;
  /** Instead of all tools. */
  readonly packages?: readonly string[];
};

function packagesOf({ packages }: ToolsTreeInput): readonly string[] {
  return packages ?? TOOLS_PACKAGES;
}

/** A Debian of the host's own architecture that holds every program which shapes an image. */
export const toolsTreeStage: Stage<ToolsTreeInput, ToolsTree> = {
  name: 'tools',
  version: 1,
  group: 'Tools',
  key: (input) => ({ ...input, packages: [...packagesOf(input)] }),
  commands: (input) => [mmdebstrapCommand(input, 'TREE')],
  open: ({ path }) => readToolsTree(path),

  async run(input, out, context) {
    const tree = join(out, 'tree');
    context.report.step('unpacking Debian packages of the tools');
    await runMmdebstrap(mmdebstrapCommand(input, tree), context);
    const sandbox: Sandbox = { root: tree };
    const listing = await context.host.runIn(sandbox, {
      file: 'dpkg-query',
      args: ['--show', '--showformat', '${Package} ${Version}\\n'],
    });
    const versions = Object.fromEntries(
      listing.stdout
        .trimEnd()
        .split('\n')
        .map((line) => line.split(' ') as [string, string])
        .sort(([a], [b]) => (a < b ? -1 : 1)),
    );
    await writeFile(join(out, 'versions.json'), JSON.stringify(versions, undefined, 1));
  },
};

/** The same for a few programs: QEMU's PC. */
export const qemuTreeStage: Stage<ToolsTreeInput, ToolsTree> = { ...toolsTreeStage, name: 'qemu-pc', version: 2 };

/** The same for what makes and checks update bundles. */
export const updateTreeStage: Stage<ToolsTreeInput, ToolsTree> = { ...toolsTreeStage, name: 'update-tools' };

/** The tools as later stages see them. */
export type ToolsTree = {
  /** Host path of the tree: the root of every sandbox. */
  readonly root: string;
  /** Package name → version; stages put those they depend on into their keys. */
  readonly versions: Readonly<Record<string, string>>;
};

async function readToolsTree(out: string): Promise<ToolsTree> {
  const versions = JSON.parse(await readFile(join(out, 'versions.json'), 'utf8')) as Record<string, string>;
  return { root: join(out, 'tree'), versions };
}

/** The part of the tools that a stage's bytes depend on, for its key. */
export function toolVersions(tools: ToolsTree, names: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(names.map((name) => [name, tools.versions[name] ?? 'absent']));
}

/** The tree as mmdebstrap makes it on the host. */
export function mmdebstrapCommand(input: ToolsTreeInput, tree: string): Command {
  return {
    file: 'mmdebstrap',
    args: [
      '--variant=apt',
      `--architectures=${input.architecture}`,
      `--include=${packagesOf(input).join(',')}`,
      '--aptopt=APT::Install-Recommends "false"',
      // Manuals and translations are never read here.
      '--dpkgopt=path-exclude=/usr/share/man/*',
      '--dpkgopt=path-exclude=/usr/share/locale/*',
      '--dpkgopt=path-exclude=/usr/share/doc/*',
      '--dpkgopt=force-unsafe-io',
      // Apt resolves packages for images with this tree's own sources, so they stay in it.
      '--skip=cleanup/apt/lists',
      // The host's own is shown in its place to a program that uses the network.
      '--customize-hook=touch "$1/etc/hosts"',
      input.suite,
      tree,
      ...(input.mirror === undefined ? [] : [input.mirror]),
    ],
  };
}

async function runMmdebstrap(command: Command, context: StageContext): Promise<void> {
  if (context.offline) {
    throw new NetworkError('offline', 'The tools tree is not in the store, and --offline forbids to fetch it', {
      hints: ['Build once with the network; later builds find it in the store.'],
    });
  }
  try {
    await inPrivateNamespaces(context.host, command, (line) => {
      const step = /^I: (.+)$/.exec(line)?.[1];
      if (step !== undefined) context.report.step(step);
    });
  } catch (error) {
    if (error instanceof CommandError && error.details.some((line) => UNREACHABLE.test(line))) {
      throw new NetworkError('archive-unreachable', 'The Debian archive could not be reached', {
        details: error.details,
        hints: ['Check the network and the proxy variables, or name another mirror with --mirror.'],
        cause: error,
      });
    }
    throw error;
  }
}

/** What apt prints when it gets no answer; it has one exit code for everything. */
const UNREACHABLE =
  /Could not (?:resolve|connect)|Temporary failure resolving|Connection (?:failed|refused|timed out)|Failed to fetch/;

/** mmdebstrap runs on the host, in namespaces of its own: killed with us, and its mounts die with it. */
async function inPrivateNamespaces(host: Host, command: Command, onLine: (line: string) => void): Promise<void> {
  const userNamespace = host.facts.privilege === 'root' ? [] : ['--user', '--map-auto', '--map-root-user'];
  await host.run(
    {
      file: 'setpriv',
      args: [
        // Whatever kills us, SIGKILL too, ends unshare, which ends everything in its namespaces.
        '--pdeathsig=KILL',
        'unshare',
        ...userNamespace,
        '--mount',
        '--pid',
        '--fork',
        '--kill-child',
        '--mount-proc',
        '--',
        command.file,
        ...command.args,
      ],
      // dpkg and gpg of the host would read their settings in the caller's home.
      env: { HOME: '/nonexistent' },
    },
    { onLine },
  );
}
