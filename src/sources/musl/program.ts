import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Made, Stage } from '../../pipeline/stage.js';
import { BUILD_FOLDER, compileSandbox, STATIC_CFLAGS, STATIC_LDFLAGS, STRIP } from './compile.js';
import type { MuslToolchain } from './toolchain.js';

/** A folder with `include/` and `lib/lib<name>.a`, which programs are linked with. */
export type StaticLibrary = { readonly name: string; readonly path: string; readonly key: string };

export type MuslProgramInput = {
  readonly toolchain: MuslToolchain;
  /** Of the program: "seed-reader". */
  readonly name: string;
  /** The one C file that it is made of. */
  readonly source: { readonly path: string; readonly sha256: string };
  /** A library stands before those that it needs itself. */
  readonly libraries: readonly StaticLibrary[];
};

/** A static program of our own for the device. */
export type MuslProgram = { readonly key: string; readonly path: string };

/** Names of the warnings that stop a build: the sources are ours. */
const STRICT = ['-std=gnu17', '-Wall', '-Wextra', '-Wshadow', '-Werror'];
/** What a program does not use of its libraries stays out. */
const SECTIONS = ['-ffunction-sections', '-fdata-sections', '-Wl,--gc-sections'];

/** Compiles a C file of ours against musl. */
export const muslProgramStage: Stage<MuslProgramInput, MuslProgram> = {
  name: 'musl-program',
  version: 1,
  group: 'Programs',

  key: ({ toolchain, name, source, libraries }) => ({
    toolchain: toolchain.key,
    name,
    source: source.sha256,
    libraries: libraries.map(({ key }) => key),
  }),

  open: ({ key, path }: Made, { name }) => ({ key, path: join(path, name) }),

  async run({ toolchain, name, source, libraries }, out, { host, report, work }) {
    report.step(`compiling ${name}`);
    const folder = join(work, 'build');
    await mkdir(folder);
    await copyFile(source.path, join(folder, `${name}.c`));
    const sandbox = compileSandbox(toolchain, folder);
    const libraryMounts = libraries.map((one) => ({ source: one.path, target: `/tmp/libraries/${one.name}` }));
    const mounts = [...(sandbox.mounts ?? []), ...libraryMounts];
    const args = [
      ...[...STRICT, ...STATIC_CFLAGS, ...SECTIONS, ...STATIC_LDFLAGS],
      ...libraryMounts.flatMap(({ target }) => [`-I${target}/include`, `-L${target}/lib`]),
      ...['-o', name, `${BUILD_FOLDER}/${name}.c`],
      ...libraries.map((one) => `-l${one.name}`),
    ];
    await host.runIn({ ...sandbox, mounts }, { file: toolchain.compiler, args });
    await host.runIn(sandbox, { file: toolchain.binutil('strip'), args: [...STRIP, name] });
    await copyFile(join(folder, name), join(out, name));
  },
};
