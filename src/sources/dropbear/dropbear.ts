import { copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { kernelTarget } from '../../model/kernel-target.js';
import { sha256 } from '../../model/sha256.js';
import type { Made, Stage, StageContext } from '../../pipeline/stage.js';
import type { SourcePackage } from '../debian/source-packages.js';
import { sourceKey, unpackSource } from '../debian/source-packages.js';
import { compileSandbox, STATIC_CFLAGS, STATIC_LDFLAGS, STRIP } from '../musl/compile.js';
import type { MuslToolchain } from '../musl/toolchain.js';

/** Debian's source package. */
export const DROPBEAR_SOURCE = 'dropbear';

export type DropbearInput = {
  readonly toolchain: MuslToolchain;
  readonly source: SourcePackage;
  /** Text of dropbear's localoptions.h. */
  readonly options: string;
};

/** The ssh server as one static program with several names. */
export type Dropbear = {
  readonly key: string;
  /** The program. */
  readonly path: string;
  /** Absolute paths on the device that lead to the program. */
  readonly links: readonly string[];
};

const PROGRAMS = ['dropbear', 'dropbearkey'];
const LINKS = ['/usr/sbin/dropbear', '/usr/bin/dropbearkey'];

/** A tiny system has no zlib, no PAM, and no records of who logged in. */
const CONFIGURE = [
  '--enable-static',
  '--enable-bundled-libtom',
  ...['zlib', 'pam', 'lastlog', 'utmp', 'utmpx', 'wtmp', 'wtmpx', 'loginfunc', 'pututline', 'pututxline'].map(
    (name) => `--disable-${name}`,
  ),
];

/** Compiles Debian's dropbear: an ssh server that takes keys only. */
export const dropbearStage: Stage<DropbearInput, Dropbear> = {
  name: 'dropbear',
  version: 1,
  group: 'Programs',
  key: ({ toolchain, source, options }) => ({
    toolchain: toolchain.key,
    source: sourceKey(source),
    options: sha256(options),
  }),
  open: ({ key, path }: Made) => ({ key, path: join(path, 'dropbear'), links: LINKS }),

  async run(input, out, context) {
    const { toolchain, source } = input;
    await unpackSource(source, context.work, toolchain.tools, context);
    await compile(input, join(context.work, 'source'), context);
    const sandbox = compileSandbox(toolchain, join(context.work, 'source'));
    await context.host.runIn(sandbox, { file: toolchain.binutil('strip'), args: [...STRIP, 'dropbearmulti'] });
    await copyFile(join(context.work, 'source/dropbearmulti'), join(out, 'dropbear'));
  },
};

async function compile({ toolchain, options }: DropbearInput, folder: string, context: StageContext): Promise<void> {
  const { host, jobs, report, work } = context;
  const sandbox = compileSandbox(toolchain, folder);
  const logFile = join(work, 'make.log');
  await writeFile(join(folder, 'localoptions.h'), options);
  report.step('configuring dropbear');
  const env = {
    CC: toolchain.compiler,
    ...Object.fromEntries(['ar', 'ranlib', 'strip'].map((name) => [name.toUpperCase(), toolchain.binutil(name)])),
    CFLAGS: [...STATIC_CFLAGS, '-ffunction-sections', '-fdata-sections'].join(' '),
    LDFLAGS: [...STATIC_LDFLAGS, '-Wl,--gc-sections'].join(' '),
  };
  const target = `--host=${kernelTarget(toolchain.architecture).triplet}`;
  await host.runIn(sandbox, { file: './configure', args: [target, ...CONFIGURE], env }, { logFile });
  report.step('compiling dropbear');
  const make = [`--jobs=${jobs}`, `PROGRAMS=${PROGRAMS.join(' ')}`, 'MULTI=1', 'STATIC=1'];
  await host.runIn(sandbox, { file: 'make', args: make }, { logFile });
}
