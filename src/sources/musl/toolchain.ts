import { chmod, mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Architecture } from '../../model/architecture.js';
import type { Json } from '../../model/json.js';
import { kernelTarget } from '../../model/kernel-target.js';
import type { Mount } from '../../model/sandbox.js';
import type { Stage } from '../../pipeline/stage.js';
import { requireCompiler } from '../../tools/compiler.js';
import type { ToolsTree } from '../../tools/tools-tree.js';
import { toolVersions } from '../../tools/tools-tree.js';
import type { SourceDeb } from '../debian/packages.js';
import { unpackDeb } from '../debian/unpack-deb.js';

/** Of the target's architecture, to be unpacked, not installed: libc.a, headers, specs for gcc. */
export const MUSL_PACKAGE = 'musl-dev';

/** Where the compiler finds the toolchain inside a sandbox. It stands in the specs, so it never changes. */
const INSIDE = '/tmp/musl';

export type MuslToolchainInput = {
  readonly tools: ToolsTree;
  /** Of the programs. */
  readonly architecture: Architecture;
  readonly muslDev: SourceDeb;
};

/** gcc of the tools tree with musl instead of glibc: it makes static programs that need no file beside them. */
export type MuslToolchain = {
  readonly key: string;
  readonly tools: ToolsTree;
  readonly architecture: Architecture;
  /** To be shown to every sandbox that calls `compiler`. */
  readonly mount: Mount;
  /** Absolute path inside the sandbox; takes gcc's arguments. */
  readonly compiler: string;
  /** Name of a program of binutils: "strip" → "aarch64-linux-gnu-strip". */
  binutil(name: string): string;
};

export const muslToolchainStage: Stage<MuslToolchainInput, MuslToolchain> = {
  name: 'musl',
  version: 1,
  group: 'Programs',

  key: ({ tools, architecture, muslDev }): Json => ({
    architecture,
    musl: muslDev.sha256,
    tools: toolVersions(tools, [...kernelTarget(architecture).compilers, 'linux-libc-dev']),
  }),

  open: ({ key, path }, { tools, architecture }) => ({
    key,
    tools,
    architecture,
    mount: { source: path, target: INSIDE },
    compiler: `${INSIDE}/gcc`,
    binutil: (name) => `${kernelTarget(architecture).triplet}-${name}`,
  }),

  async run({ tools, architecture, muslDev }, out, context) {
    requireCompiler('programs', architecture, tools);
    context.report.step(`unpacking ${muslDev.name} ${muslDev.version}`);
    const unpacked = await unpackDeb(muslDev, tools, context);
    const { arch, triplet } = kernelTarget(architecture);
    const name = triplet.replace(/gnu$/, 'musl');
    await rename(join(unpacked, 'usr/include', name), join(out, 'include'));
    await rename(join(unpacked, 'usr/lib', name), join(out, 'lib'));
    await rm(unpacked, { recursive: true });
    const specs = join(out, 'lib/musl-gcc.specs');
    await writeFile(specs, movedSpecs(await readFile(specs, 'utf8'), name));
    await linkKernelHeaders(join(out, 'kernel'), arch === 'x86_64' ? 'x86' : arch);
    const gcc = [`${triplet}-gcc "$@"`, `-specs ${INSIDE}/lib/musl-gcc.specs`, `-idirafter ${INSIDE}/kernel`];
    await writeFile(join(out, 'gcc'), `#!/bin/sh\nexec ${gcc.join(' ')}\n`);
    await chmod(join(out, 'gcc'), 0o755);
  },
};

/** Debian's specs name the places that the package is installed to. */
export function movedSpecs(specs: string, name: string): string {
  return specs.replaceAll(`/usr/include/${name}`, `${INSIDE}/include`).replaceAll(`/usr/lib/${name}`, `${INSIDE}/lib`);
}

/** musl has no headers of the kernel. The tools' linux-libc-dev has those of all architectures, beside glibc's own. */
async function linkKernelHeaders(folder: string, arch: string): Promise<void> {
  await mkdir(folder);
  for (const name of ['linux', 'asm-generic', 'mtd']) await symlink(`/usr/include/${name}`, join(folder, name));
  await symlink(`/usr/lib/linux/uapi/${arch}/asm`, join(folder, 'asm'));
}
