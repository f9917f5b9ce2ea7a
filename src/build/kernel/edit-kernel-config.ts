import { readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import type { ConfigChange } from '../../sources/kernel/config-change.js';
import type { FragmentFile } from '../../sources/kernel/fragments.js';
import { configChanges, contradicted, formatFragment } from '../../sources/kernel/config-change.js';
import { formatRequests, mergeFragments, parseFragment, parseResolvedConfig } from '../../sources/kernel/fragments.js';
import { UserError } from '../../errors.js';
import type { Host } from '../../host/host.js';
import type { Reporter } from '../../pipeline/reporter.js';
import type { Node } from '../../pipeline/graph.js';
import { stepNode } from '../../pipeline/graph.js';
import type { Stage, StageContext } from '../../pipeline/stage.js';
import type { Board } from '../../model/board.js';
import { kernelKey } from '../../sources/kernel/kernel.js';
import type { SourceDeb } from '../../sources/debian/packages.js';
import type { Packages } from '../../sources/debian/packages-of-image.js';
import { lockNode } from '../debian-nodes.js';
import { lostOptions, readKconfig, resolveConfig } from '../../sources/kernel/configure.js';
import type { KernelBuild, KernelInput } from '../../sources/kernel/kernel-build.js';
import { inside, makeCommand, startBuild } from '../../sources/kernel/kernel-build.js';
import { prepareSource } from '../../sources/kernel/source.js';
import { unpackDeb } from '../../sources/debian/unpack-deb.js';
import type { KernelOptions, PreparedKernel } from './prepare-kernel.js';
import { withKernel } from './prepare-kernel.js';

export type EditOptions = KernelOptions & {
  /** File that the changes are written to. */
  readonly fragment: string;
  /** Lines of a fragment that are answered instead of asking a person. */
  readonly script?: string;
  /** Of the terminal that menuconfig draws on. */
  readonly term: string;
};

export type EditedConfig = {
  readonly board: string;
  /** Undefined when nothing was changed, and nothing written. */
  readonly fragment?: string;
  readonly changes: readonly ConfigChange[];
  /** `file:line` of requests that the changes contradict: the board cannot have both. */
  readonly contradicts: readonly string[];
};

const TITLE = 'Changes to the kernel of board';

/**
 * Lets a person change a board's resolved configuration with menuconfig, and writes what is different afterwards as a
 * fragment. Throws UserError `fragment-exists`, `output-folder-missing`, `kernel-option-lost` for an answer of the script
 * that Kconfig did not take, and what the fragments and the script are refused for.
 */
export async function editKernelConfig(options: EditOptions, host: Host, reporter: Reporter): Promise<EditedConfig> {
  const fragment = resolve(options.workingFolder, options.fragment);
  const script = options.script === undefined ? undefined : await readScript(options, options.script);
  await requireOwnFragment(fragment);
  await requireFolder(dirname(fragment));
  return withKernel(options, host, reporter, async (kernel) => {
    const { board, runner, tools } = kernel;
    const ncurses = script === undefined ? ncursesNode(kernel) : undefined;
    const edit = stepNode(editStage, { tools, input: kernel.input, ncurses }, (made) => {
      return { kernel: made.input, ncurses: made.ncurses?.deb(NCURSES), script, term: options.term };
    });
    const edited = await runner.make(edit);
    const { fragments } = await runner.run(kernel.input);
    const requests = contradicted(edited, mergeFragments(fragments).requests);
    const contradicts = requests.map(({ file, line, name, value }) => {
      return `${relative(options.workingFolder, file)}:${line}: ${name}=${value}`;
    });
    if (edited.length === 0) return { board: board.id, changes: [], contradicts };
    await writeFile(fragment, formatFragment(edited, `${TITLE} ${board.id}.`));
    return { board: board.id, fragment, changes: edited, contradicts };
  });
}

const NCURSES = 'libncurses-dev';

/** The tools have no headers of ncurses: only menuconfig wants them. */
function ncursesNode({ tools, surroundings, board }: PreparedKernel): Node<Packages> {
  const ofHost = { ...board, architecture: surroundings.hostArchitecture as Board['architecture'] };
  const request = { board: ofHost, suite: 'trixie', packages: [], fetched: [NCURSES] };
  return lockNode(request, tools, surroundings);
}

type EditInput = {
  readonly kernel: KernelInput;
  /** For menuconfig; without it the script answers. */
  readonly ncurses: SourceDeb | undefined;
  readonly script: FragmentFile | undefined;
  readonly term: string;
};

/** What is different after somebody changed the resolved configuration. */
const editStage: Stage<EditInput, readonly ConfigChange[]> = {
  name: 'kernel-config',
  version: 1,
  group: 'Kernel',
  key: ({ kernel, script }) => ({ kernel: kernelKey(kernel), script: script?.text ?? null }),

  async run({ kernel, ncurses, script, term }, out, context) {
    const build = await startBuild(kernel, context);
    await prepareSource(kernel, build, context);
    const before = await resolveConfig(kernel.fragments, build, context);
    if (script !== undefined) await answer(script, build);
    else if (ncurses !== undefined) await menuconfig(kernel, ncurses, term, build, context);
    const after = parseResolvedConfig(await readFile(join(build.folder, 'objects', '.config'), 'utf8'));
    if (script !== undefined) {
      const lost = await lostOptions([script], after, build);
      if (lost.length > 0) throw UserError.fromProblems(lost);
    }
    const prompts = await promptsOf(join(build.folder, 'source'));
    const changes = configChanges(before, after, (name) => prompts.has(name.replace(/^CONFIG_/, '')));
    await writeFile(join(out, 'changes.json'), JSON.stringify(changes));
  },

  open: async ({ path }) => JSON.parse(await readFile(join(path, 'changes.json'), 'utf8')) as readonly ConfigChange[],
};

async function readScript({ workingFolder }: EditOptions, path: string): Promise<FragmentFile> {
  const file = resolve(workingFolder, path);
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new UserError('file-missing', `The script ${file} cannot be read`, { cause: error });
  });
  const { problems } = parseFragment({ file, text });
  if (problems.length > 0) throw UserError.fromProblems(problems);
  return { file, text };
}

/** Later lines win over earlier ones of the same option. */
async function answer(script: FragmentFile, build: KernelBuild): Promise<void> {
  const config = join(build.folder, 'objects', '.config');
  await writeFile(config, `${await readFile(config, 'utf8')}${formatRequests(parseFragment(script).requests)}`);
  await build.make(['olddefconfig']);
}

async function menuconfig(
  input: KernelInput,
  deb: SourceDeb,
  term: string,
  build: KernelBuild,
  context: StageContext,
): Promise<void> {
  const ncurses = await unpackDeb(deb, input.tools, context);
  const [library = ''] = (await readdir(join(ncurses, 'usr/lib'))).filter((name) => name.endsWith('-linux-gnu'));
  // What the package has under these names leads to shared libraries of other packages.
  for (const name of ['libncurses', 'libncursesw']) {
    await writeFile(join(ncurses, 'usr/lib', library, `${name}.so`), `INPUT(${name}.a libtinfo.a)\n`);
  }
  const sandbox = {
    ...build.sandbox,
    mounts: [...(build.sandbox.mounts ?? []), { source: join(ncurses, 'usr'), target: '/mnt' }],
  };
  const command = makeCommand([`HOSTCC=gcc -I/mnt/include -L/mnt/lib/${library}`, 'menuconfig'], {
    ...input,
    jobs: context.jobs,
  });
  const exit = await context.host.attachIn(sandbox, { ...command, env: { ...command.env, TERM: term } });
  if (exit.exitCode === 0) return;
  throw new UserError('menuconfig-failed', `menuconfig ended with exit code ${exit.exitCode ?? 'unknown'}`, {
    hints: [`It needs a terminal of 80 columns and 19 lines; objects lay in ${inside.objects}.`],
  });
}

/** Names of all options that a person can set. */
async function promptsOf(source: string): Promise<ReadonlySet<string>> {
  const entries = [...(await readKconfig(source)).values()].flatMap((file) => file.entries);
  return new Set(entries.flatMap(({ name, hasPrompt }) => (hasPrompt ? [name] : [])));
}

/** A person's answers must not be lost because there is no place for them. */
async function requireFolder(folder: string): Promise<void> {
  if ((await stat(folder).catch(() => undefined))?.isDirectory() === true) return;
  throw new UserError('output-folder-missing', `The folder ${folder} for the fragment is not there`, {
    hints: ['Make it, or name another file with --fragment.'],
  });
}

/** Somebody's own text is never replaced. */
async function requireOwnFragment(path: string): Promise<void> {
  const present = await readFile(path, 'utf8').catch(() => undefined);
  if (present?.startsWith(`# ${TITLE}`) !== false) return;
  throw new UserError('fragment-exists', `${path} exists and was not written by kernel config`, {
    hints: ['Name another file with --fragment.'],
  });
}
