import { copyFile, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Problem } from '../../errors.js';
import { UserError } from '../../errors.js';
import type { Made, Stage, StageContext } from '../../pipeline/stage.js';
import type { SourcePackage } from '../debian/source-packages.js';
import { sourceKey, unpackSource } from '../debian/source-packages.js';
import { lostRequests, parseResolvedConfig } from '../kernel/fragments.js';
import type { KconfigFile } from '../kernel/kconfig.js';
import { entriesOf, explainLoss, parseKconfig } from '../kernel/kconfig.js';
import { compileSandbox, STATIC_CFLAGS, STATIC_LDFLAGS, STRIP } from '../musl/compile.js';
import type { MuslToolchain } from '../musl/toolchain.js';
import type { BusyboxOptions } from './answers.js';
import { answers, BUSYBOX, mergeOptions, parseLinks, switches } from './answers.js';

/** Debian's source package. */
export const BUSYBOX_SOURCE = 'busybox';

export type BusyboxInput = BusyboxOptions & {
  readonly toolchain: MuslToolchain;
  readonly source: SourcePackage;
  /** Seconds since 1970, in UTC: BusyBox says when it was built. */
  readonly sourceDateEpoch: number;
};

/** BusyBox as one static program. */
export type Busybox = {
  readonly key: string;
  /** The program. */
  readonly path: string;
  /** Absolute paths on the device that lead to the program, sorted: "/bin/ls". */
  links(): Promise<readonly string[]>;
};

/** Debian lets systemd open syslogd's socket; that code is glibc's C, and there is no systemd here. */
const WITHOUT_PATCHES = ['syslogd-make-it-optionally-systemd-socket-activated.patch'];

/** Compiles Debian's BusyBox with our own configuration. Throws UserError `busybox-option-lost`. */
export const busyboxStage: Stage<BusyboxInput, Busybox> = {
  name: 'busybox',
  version: 1,
  group: 'Programs',
  check: (input) => mergeOptions(input).problems,

  key: (input) => ({
    toolchain: input.toolchain.key,
    source: sourceKey(input.source),
    // The options, not the files: another comment or order makes the same program.
    options: Object.fromEntries(mergeOptions(input).requests.map(({ name, value }) => [name, value])),
    sourceDateEpoch: input.sourceDateEpoch,
  }),

  open: ({ key, path }: Made) => ({
    key,
    path: join(path, 'busybox'),
    links: async () => parseLinks(await readFile(join(path, 'busybox.links'), 'utf8')),
  }),

  async run(input, out, context) {
    const { toolchain, source } = input;
    await unpackSource(source, context.work, toolchain.tools, context, WITHOUT_PATCHES);
    const folder = join(context.work, 'source');
    await configure(input, folder, context);
    context.report.step('compiling BusyBox');
    await make(['busybox', 'busybox.links'], input, folder, context);
    const strip = [...STRIP, '-o', 'busybox.stripped', 'busybox'];
    await context.host.runIn(compileSandbox(toolchain, folder), { file: toolchain.binutil('strip'), args: strip });
    await copyFile(join(folder, 'busybox.stripped'), join(out, 'busybox'));
    for (const name of ['busybox.links', '.config']) {
      await copyFile(join(folder, name), join(out, name.replace(/^\./, '')));
    }
  },
};

async function configure(input: BusyboxInput, folder: string, context: StageContext): Promise<void> {
  context.report.step('configuring BusyBox');
  await make(['gen_build_files'], input, folder, context);
  const files = await readConfigFiles(folder);
  const known = [...files.values()].flatMap((text) => switches(text));
  const { requests } = mergeOptions(input);
  await writeFile(join(folder, '.config'), answers(requests, known));
  await make(['oldconfig'], input, folder, context, DEFAULTS);
  const resolved = parseResolvedConfig(await readFile(join(folder, '.config'), 'utf8'));
  const parsed = new Map([...files].map(([file, text]) => [file, parseKconfig(text, file)]));
  const lost = lostRequests(requests, resolved, BUSYBOX).map(({ name, problem }) => explain(name, problem));
  if (lost.length > 0) throw UserError.fromProblems(lost);

  function explain(name: string, problem: Problem): Problem {
    const option = name.replace(/^CONFIG_/, '');
    return { ...problem, hint: hintFor(option, parsed, resolved) };
  }
}

function hintFor(
  option: string,
  files: ReadonlyMap<string, KconfigFile>,
  resolved: ReadonlyMap<string, string>,
): string {
  const valueOf = (name: string): string => resolved.get(`CONFIG_${name}`) ?? 'n';
  return explainLoss(option, entriesOf(option, files), valueOf, 'BusyBox');
}

/** Enter, for each number and text that nobody asked for. */
const DEFAULTS = '\n'.repeat(2000);

/** All Config.in of the sources by their path in them. Debian's patches leave copies of some below .pc. */
async function readConfigFiles(folder: string): Promise<ReadonlyMap<string, string>> {
  const names = (await readdir(folder, { recursive: true })).filter(
    (path) => /(^|\/)(Config|\.platform)\.in$/.test(path) && !path.startsWith('.pc/'),
  );
  const texts = names.toSorted().map(async (name) => [name, await readFile(join(folder, name), 'utf8')] as const);
  return new Map(await Promise.all(texts));
}

async function make(
  targets: readonly string[],
  { toolchain, sourceDateEpoch }: BusyboxInput,
  folder: string,
  { host, jobs, work }: StageContext,
  stdin = '',
): Promise<void> {
  const args = [
    `--jobs=${jobs}`,
    'HOSTCC=gcc',
    `CC=${toolchain.compiler}`,
    ...['ar', 'nm', 'objcopy', 'strip'].map((name) => `${name.toUpperCase()}=${toolchain.binutil(name)}`),
    'SKIP_STRIP=y',
    `CONFIG_EXTRA_CFLAGS=${STATIC_CFLAGS.join(' ')}`,
    `CONFIG_EXTRA_LDFLAGS=${STATIC_LDFLAGS.join(' ')}`,
    ...targets,
  ];
  const env = { KCONFIG_NOTIMESTAMP: '1', SOURCE_DATE_EPOCH: sourceDateEpoch.toString() };
  const command = { file: 'make', args, env, stdin };
  await host.runIn(compileSandbox(toolchain, folder), command, { logFile: join(work, 'make.log') });
}
