import { copyFile, mkdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Problem } from '../../errors.js';
import { CommandError, UserError } from '../../errors.js';
import type { Written } from '../../model/software.js';
import type { Stage } from '../../pipeline/stage.js';
import { compileSandbox, STATIC_CFLAGS, STATIC_LDFLAGS, STRIP } from './compile.js';
import type { MuslToolchain } from './toolchain.js';

/** A folder with `include/` and `lib/lib<name>.a`, which programs are linked with. */
export type StaticLibrary = { readonly name: string; readonly path: string; readonly key: string };

/** One program: C files and headers, which lie in one folder while they are compiled. */
export type StaticProgram = {
  readonly name: string;
  readonly sources: readonly { readonly path: string; readonly sha256: string }[];
  /** A library stands before those that it needs itself. */
  readonly libraries?: readonly StaticLibrary[];
  /** Where a user's file names it, for messages; undefined: it is ours, and warnings stop the build. */
  readonly at?: Written;
};

export type StaticProgramsInput = { readonly toolchain: MuslToolchain; readonly programs: readonly StaticProgram[] };

/** Path of each program on this machine, by its name, and the key of all. */
export type StaticPrograms = { readonly key: string; readonly paths: ReadonlyMap<string, string> };

const OURS = ['-Wall', '-Wextra', '-Wshadow', '-Werror'];
const SECTIONS = ['-std=gnu17', '-ffunction-sections', '-fdata-sections', '-Wl,--gc-sections'];

/** Compiles C programs against musl: each is one static file that needs nothing beside it. */
export const staticProgramsStage: Stage<StaticProgramsInput, StaticPrograms> = {
  name: 'static-programs',
  version: 1,
  group: 'Programs',
  key: ({ toolchain, programs }) => ({
    toolchain: toolchain.key,
    programs: programs.map(({ name, sources, libraries = [] }) => ({
      name,
      sources: sources.map(({ path, sha256 }) => [basename(path), sha256]),
      libraries: libraries.map((library) => library.key),
    })),
  }),
  open: ({ key, path }, { programs }) => ({
    key,
    paths: new Map(programs.map(({ name }, index) => [name, join(path, index.toString())])),
  }),

  async run({ toolchain, programs }, out, { host, report, work }) {
    for (const [index, { name, sources, libraries = [], at }] of programs.entries()) {
      report.step(`compiling ${basename(name)}`);
      const folder = join(work, index.toString());
      await mkdir(folder);
      for (const { path } of sources) await copyFile(path, join(folder, basename(path)));
      const files = sources.map(({ path }) => basename(path)).filter((file) => file.endsWith('.c'));
      const shown = libraries.map((one) => ({ source: one.path, target: `/tmp/libraries/${one.name}` }));
      const args = [
        ...[...(at === undefined ? OURS : []), ...STATIC_CFLAGS, ...SECTIONS, ...STATIC_LDFLAGS],
        ...shown.flatMap(({ target }) => [`-I${target}/include`, `-L${target}/lib`]),
        ...['-o', 'program', ...files.toSorted(), ...libraries.map((one) => `-l${one.name}`)],
      ];
      const plain = compileSandbox(toolchain, folder);
      const sandbox = { ...plain, mounts: [...(plain.mounts ?? []), ...shown] };
      try {
        await host.runIn(sandbox, { file: toolchain.compiler, args });
      } catch (error) {
        throw at === undefined ? error : refused(name, at, error);
      }
      await host.runIn(sandbox, { file: toolchain.binutil('strip'), args: [...STRIP, 'program'] });
      await copyFile(join(folder, 'program'), join(out, index.toString()));
    }
  },
};

/** What gcc says of a user's program is the user's to mend. */
function refused(name: string, at: Written, error: unknown): unknown {
  if (!(error instanceof CommandError) || error.code !== 'command-failed') return error;
  const problem: Problem = {
    code: 'workload-compile-failed',
    message: `the program for ${name} does not compile`,
    hint: 'It is compiled with gcc against musl, statically; the messages above are those of the compiler.',
    ...at,
  };
  return new UserError(problem.code, problem.message, {
    details: error.details,
    hints: [problem.hint ?? ''],
    problems: [problem],
    cause: error,
  });
}
