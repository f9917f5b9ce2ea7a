import { copyFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { kernelTarget } from '../../model/kernel-target.js';
import type { Command } from '../../model/command.js';
import type { Stage } from '../../pipeline/stage.js';
import { requireCompiler } from '../../tools/compiler.js';
import type { ToolsTree } from '../../tools/tools-tree.js';
import { toolVersions } from '../../tools/tools-tree.js';

export type DiscProgramInput = {
  readonly tools: ToolsTree;
  /** `native/efi-disc.c` on this machine, and the digest of its bytes. */
  readonly source: { readonly path: string; readonly sha256: string };
};

/** The program that UEFI starts from a disc: path on this machine, and what stands for its bytes. */
export type DiscProgram = { readonly key: string; readonly path: string };

const TARGET = kernelTarget('amd64');
/** Path as the sandbox has it. */
const WORK = '/mnt';
const PROGRAM = 'disc.efi';

/**
 * UEFI's rules: no red zone (interrupts use the stack), text of 16 bits, no unwinding. All data is reached relative to
 * the code, so that nothing is relocated.
 */
const CFLAGS = [
  ...['-std=gnu17', '-Wall', '-Wextra', '-Wshadow', '-Werror', '-Os', '-ffreestanding', '-fpic', '-fvisibility=hidden'],
  ...['-fshort-wchar', '-fno-stack-protector', '-fcf-protection=none', '-fno-asynchronous-unwind-tables', '-fno-ident'],
  ...['-mno-red-zone', '-mgeneral-regs-only'],
];
/** `i386pep` is a PE of 64 bits; 10 an application of EFI. */
const LDFLAGS = [
  ...['-m', 'i386pep', '--subsystem', '10', '--entry', 'efi_main', '--image-base', '0', '--no-insert-timestamp'],
  ...['--strip-all', '--section-alignment', '4096', '--file-alignment', '512'],
];

function commands(source: string): readonly Command[] {
  return [
    { file: `${TARGET.triplet}-gcc`, args: ['-c', ...CFLAGS, source, '-o', 'disc.o'] },
    { file: `${TARGET.triplet}-ld`, args: [...LDFLAGS, '-o', PROGRAM, 'disc.o'] },
  ];
}

/** Compiles the loader of discs for UEFI: a fortieth of GRUB's size. */
export const discProgramStage: Stage<DiscProgramInput, DiscProgram> = {
  name: 'disc-program',
  version: 1,
  group: 'Firmware',

  key: ({ tools, source }) => ({
    tools: toolVersions(tools, TARGET.compilers),
    source: source.sha256,
    flags: [...CFLAGS, ...LDFLAGS],
  }),
  commands: ({ source }) => commands(basename(source.path)),
  open: ({ key, path }) => ({ key, path: join(path, PROGRAM) }),

  async run({ tools, source }, out, { host, report, work }) {
    requireCompiler('discs', 'amd64', tools);
    report.step('compiling the loader for UEFI');
    await copyFile(source.path, join(work, basename(source.path)));
    const sandbox = { root: tools.root, mounts: [{ source: work, target: WORK, writable: true }], cwd: WORK };
    for (const command of commands(basename(source.path))) await host.runIn(sandbox, command);
    await copyFile(join(work, PROGRAM), join(out, PROGRAM));
  },
};
