import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RootArchive } from '../boot/boot-method.js';
import { initramfsStage } from '../filesystems/initramfs.js';
import { fileSha256 } from '../host/file-digest.js';
import { DEBIANS_KERNEL } from '../model/board.js';
import type { Node } from '../pipeline/graph.js';
import { stageNode, valueNode } from '../pipeline/graph.js';
import type { Busybox } from '../sources/busybox/busybox.js';
import { BUSYBOX_SOURCE, busyboxStage } from '../sources/busybox/busybox.js';
import { sourcePackagesStage } from '../sources/debian/source-packages.js';
import type { EarlyFile, EarlyScript } from '../sources/initramfs/early-user-space.js';
import { EARLY_SCRIPTS, earlyUserSpaceTree } from '../sources/initramfs/early-user-space.js';
import type { UnpackedPackages } from '../sources/workload/unpacked-packages.js';
import { unpackedPackagesStage } from '../sources/workload/unpacked-packages.js';
import { CRYPTSETUP_PACKAGES, CRYPTSETUP_PROGRAM } from './encrypted-root.js';
import type { BuildRequest } from './build-request.js';
import { muslNode } from './small/musl-node.js';
import type { UserlandParts } from './userland.js';

/** What finds the root of an image before it is mounted. */
export type EarlyUserSpace = {
  /** Script of native/initramfs that mounts the root: `root-partition`. */
  readonly script: string;
  /** Kernel modules, beside what they need; none where the kernel has all of it built in. */
  readonly modules: readonly string[];
  /** Those that make something faster, or that are named otherwise in another kernel. */
  readonly modulesIfThere?: readonly string[];
  /** Programs of packages that the root has, by their paths. */
  readonly programs?: { readonly packages: readonly string[]; readonly paths: readonly string[] };
  /** More files, such as a list of digests. */
  readonly files?: Node<readonly EarlyFile[]>;
};

/** Undefined: the kernel mounts the root by itself. */
export function earlyUserSpaceOf({ spec: { root, board } }: Pick<BuildRequest, 'spec'>): EarlyUserSpace | undefined {
  const ofRoot = root.kind === 'partition' && root.encryption !== undefined ? ENCRYPTED : undefined;
  const { source, debian } = board.kernel;
  if (source !== DEBIANS_KERNEL || debian === undefined) return ofRoot;
  const { storage, input } = debian.modules;
  if (ofRoot === undefined) return { script: 'root-partition', modules: storage };
  // Somebody may have to type a passphrase.
  return { ...ofRoot, modules: [...storage, ...input, ...ofRoot.modules] };
}

const ENCRYPTED: EarlyUserSpace = {
  script: 'root-crypt',
  modules: ['dm_mod', 'dm_crypt', 'xts', 'aes', 'vfat'],
  modulesIfThere: [
    'aes_ce_blk',
    'aes_neon_bs',
    'aesni_intel',
    'algif_skcipher',
    'sha256',
    'nls_cp437',
    'nls_ascii',
    'nls_iso8859_1',
  ],
  programs: { packages: CRYPTSETUP_PACKAGES, paths: [CRYPTSETUP_PROGRAM] },
};

/** The archive of the early user space, where the image's root needs one. */
export function earlyUserSpaceNode(request: BuildRequest, parts: UserlandParts): Node<RootArchive> | undefined {
  const early = earlyUserSpaceOf(request);
  return early === undefined ? undefined : earlyArchiveNode(request, early, parts);
}

function earlyArchiveNode(request: BuildRequest, early: EarlyUserSpace, parts: UserlandParts): Node<RootArchive> {
  const { sourceDateEpoch, projectDir, spec } = request;
  const { tools, hardware } = parts;
  const busybox = earlyBusyboxNode(request, parts);
  const { kernel } = hardware;
  const { programs } = early;
  const unpacked = programs && devicePackagesNode(programs.packages, parts);
  const tree = valueNode({ busybox, kernel, unpacked, files: early.files }, async (made) =>
    earlyUserSpaceTree({
      busybox: made.busybox,
      scripts: await readScripts(projectDir, early.script),
      modules:
        early.modules.length === 0
          ? undefined
          : {
              path: made.kernel.modules,
              digest: made.kernel.key,
              names: early.modules,
              ifThere: early.modulesIfThere ?? [],
            },
      programs: programs &&
        made.unpacked && { packages: made.unpacked, architecture: spec.board.architecture, paths: programs.paths },
      files: made.files ?? [],
      sourceDateEpoch,
    }),
  );
  return stageNode(initramfsStage, { tools, tree }, ({ tools, tree }) => ({
    tools,
    tree,
    filesystem: 'initramfs' as const,
    compression: 'zstd' as const,
    architecture: spec.board.architecture,
    sourceDateEpoch,
  }));
}

/** Packages of the image as they come. */
function devicePackagesNode(names: readonly string[], { tools, packages }: UserlandParts): Node<UnpackedPackages> {
  return stageNode(unpackedPackagesStage, { tools, packages }, ({ tools, packages }) => ({
    tools,
    packages: packages.lock.install.filter(({ name }) => names.includes(name)),
    sources: packages.sources,
  }));
}

/** BusyBox with what the scripts call. */
function earlyBusyboxNode(request: BuildRequest, { tools, packages, surroundings }: UserlandParts): Node<Busybox> {
  const { sourceDateEpoch, projectDir, spec } = request;
  const toolchain = muslNode(spec.board.architecture, tools, packages);
  const sources = stageNode(sourcePackagesStage, { tools, packages }, (made) => ({
    tools: made.tools,
    sources: made.packages.debianSources,
    archiveAsOf: surroundings.archiveAsOf,
    packages: [BUSYBOX_SOURCE],
  }));
  return stageNode(busyboxStage, { toolchain, sources }, async ({ toolchain, sources }) => {
    const file = join(scriptsFolder(projectDir), 'busybox.config');
    const base = [{ file, text: await readFile(file, 'utf8') }];
    return { toolchain, source: sources.source(BUSYBOX_SOURCE), base, own: [], sourceDateEpoch };
  });
}

async function readScripts(projectDir: string, script: string) {
  const entries = EARLY_SCRIPTS.map(async (name) => {
    const path = join(scriptsFolder(projectDir), name === 'root' ? script : name);
    return [name, { path, sha256: await fileSha256(path) }] as const;
  });
  return Object.fromEntries(await Promise.all(entries)) as Record<EarlyScript, { path: string; sha256: string }>;
}

function scriptsFolder(projectDir: string): string {
  return join(projectDir, 'native/initramfs');
}
