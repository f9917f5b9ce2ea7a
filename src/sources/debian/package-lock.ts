import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { nearestWord } from '../../config/wording.js';
import { aptConfiguration, aptFolders } from './apt-options.js';
import { shownPackages, simulatedInstalls, twinsOf, unknownPackages } from './apt-output.js';
import { withComponents } from './apt-sources.js';
import type { LockedPackage, PackageLock } from './packages.js';
import type { Packages } from './packages-of-image.js';
import { openPackages } from './packages-of-image.js';
import type { Sandbox } from '../../model/sandbox.js';
import { needsTwin, programKind } from './native-programs.js';
import type { Problem } from '../../errors.js';
import { CommandError, NetworkError, UserError } from '../../errors.js';
import type { Host, Output } from '../../host/host.js';
import type { Stage } from '../../pipeline/stage.js';
import { together } from '../../pipeline/together.js';
import type { ToolsTree } from '../../tools/tools-tree.js';

export type PackageLockInput = {
  readonly tools: ToolsTree;
  readonly suite: string;
  /** Of the image. */
  readonly architecture: string;
  readonly hostArchitecture: string;
  /** Text of a sources.list; `readAptSources` has the tools tree's. */
  readonly sources: string;
  /** The archive is looked at once for this moment (ISO 8601), until a refresh is asked for. */
  readonly archiveAsOf: string;
  /** To install; the essential packages and everything that is depended on come by themselves. */
  readonly packages: readonly string[];
  /** To unpack at build time only, without what they depend on. */
  readonly fetched: readonly string[];
};

/** What apt decides for the image, pinned by digest. Writes `lock.json`; nothing is downloaded but package lists. */
export const packageLockStage: Stage<PackageLockInput, Packages> = {
  name: 'package-lock',
  version: 1,
  group: 'Package lists and seed',
  key: ({ suite, architecture, hostArchitecture, sources, archiveAsOf, packages, fetched }) => ({
    suite,
    architecture,
    hostArchitecture,
    sources,
    archiveAsOf,
    packages: packages.toSorted(),
    fetched: fetched.toSorted(),
  }),
  open: async ({ path }, { sources }) => openPackages(await readPackageLock(path), sources),

  async run(input, out, { host, report, work, offline }) {
    if (offline) {
      throw new NetworkError('offline', 'The package lists are not in the store, and --offline forbids to fetch them', {
        hints: ['Build once with the network; later builds find the resolved packages in the store.'],
      });
    }
    report.step('fetching package lists');
    const wantsTwins =
      input.architecture !== input.hostArchitecture && programKind(input.hostArchitecture) !== undefined;
    const [image, twin] = await together([
      Apt.open(input, input.architecture, join(work, 'image'), host),
      wantsTwins ? Apt.open(input, input.hostArchitecture, join(work, 'twin'), host) : undefined,
    ]);

    report.step('resolving packages');
    const essential = simulatedInstalls(await image.simulateInstall(['?essential'])).map(({ name }) => name);
    const wanted = simulatedInstalls(await image.simulateInstall(['?essential', ...input.packages]));
    const install = inOrder(
      await image.show(wanted.map(({ name, version }) => `${name}=${version}`)),
      wanted.map(({ name }) => name),
    );
    const fetched = input.fetched.length === 0 ? [] : await image.showAll(input.fetched);
    const native = install.filter((one) => one.architecture !== 'all' && needsTwin(one)).map(({ name }) => name);
    const lock: PackageLock = {
      suite: input.suite,
      architecture: input.architecture,
      install,
      essential,
      twins: twin === undefined ? [] : twinsOf(install, await twin.show(native)),
      fetched,
    };
    await writeFile(join(out, 'lock.json'), JSON.stringify(lock, undefined, 1));
  },
};

async function readPackageLock(out: string): Promise<PackageLock> {
  return JSON.parse(await readFile(join(out, 'lock.json'), 'utf8')) as PackageLock;
}

/** The archives that the tools tree came from, firmware of radios and boards included. */
export async function readAptSources(tools: ToolsTree): Promise<string> {
  const etc = join(tools.root, 'etc/apt');
  const parts = (await readdir(join(etc, 'sources.list.d'))).filter((name) => name.endsWith('.list')).toSorted();
  const files = [join(etc, 'sources.list'), ...parts.map((name) => join(etc, 'sources.list.d', name))];
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8').catch(() => '')));
  return withComponents(texts.join('\n'), ['non-free-firmware']);
}

/** apt of the tools tree, working for one architecture in a folder of its own. */
class Apt {
  private constructor(
    private readonly sandbox: Sandbox,
    private readonly host: Host,
  ) {}

  /** Throws NetworkError `archive-unreachable`. */
  static async open(input: PackageLockInput, architecture: string, folder: string, host: Host): Promise<Apt> {
    for (const name of aptFolders) await mkdir(join(folder, name), { recursive: true });
    await writeFile(join(folder, 'status'), '');
    await writeFile(join(folder, 'sources.list'), input.sources);
    await writeFile(join(folder, 'apt.conf'), aptConfiguration(architecture, '/mnt'));
    const mounts = [{ source: folder, target: '/mnt', writable: true }];
    const apt = new Apt({ root: input.tools.root, mounts, network: true }, host);
    await apt.update();
    return apt;
  }

  private async run(file: string, args: readonly string[], okExitCodes = [0]): Promise<Output> {
    return this.host.runIn(this.sandbox, { file, args, env: { APT_CONFIG: '/mnt/apt.conf' } }, { okExitCodes });
  }

  private async update(): Promise<void> {
    try {
      await this.run('apt-get', ['--quiet', '--error-on=any', 'update']);
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      throw new NetworkError('archive-unreachable', 'The package lists of the Debian archive could not be fetched', {
        details: error.details,
        hints: ['Check the network and the proxy variables, or name another mirror with --mirror.'],
        cause: error,
      });
    }
  }

  /** Throws UserError `unknown-package` or `packages-conflict`: nothing has been unpacked then. */
  async simulateInstall(names: readonly string[]): Promise<string> {
    const output = await this.run('apt-get', ['--quiet', '--simulate', 'install', ...names], [0, 100]);
    if (output.exitCode === 0) return output.stdout;
    await this.refuseUnknown(output.stderr);
    throw new UserError('packages-conflict', 'These packages cannot be installed together', {
      details: [...output.stdout.split('\n').slice(-20), ...output.stderr.split('\n')].filter((line) => line !== ''),
      hints: ['Leave out the one that you added: what every image has is in layers/base/layer.yaml.'],
    });
  }

  /** Of the names that the archive has; the others are left out. */
  async show(names: readonly string[]): Promise<readonly LockedPackage[]> {
    if (names.length === 0) return [];
    return shownPackages((await this.run('apt-cache', ['--no-all-versions', 'show', ...names], [0, 100])).stdout);
  }

  /** Throws UserError `unknown-package` when one is missing. */
  async showAll(names: readonly string[]): Promise<readonly LockedPackage[]> {
    const found = await this.show(names);
    const missing = names.filter((name) => !found.some((one) => one.name === name));
    if (missing.length > 0)
      await this.refuseUnknown(missing.map((name) => `E: Unable to locate package ${name}\n`).join(''));
    return inOrder(found, names);
  }

  private async refuseUnknown(messages: string): Promise<void> {
    const unknown = unknownPackages(messages);
    if (unknown.length === 0) return;
    const known = (await this.run('apt-cache', ['pkgnames'])).stdout.trimEnd().split('\n').toSorted();
    throw UserError.fromProblems(
      unknown.map((name): Problem => {
        const nearest = nearestWord(name, known);
        const hint =
          nearest === undefined ? 'Look for its name with: apt-cache search WORD' : `Did you mean "${nearest}"?`;
        return { code: 'unknown-package', message: `Debian has no package "${name}"`, hint };
      }),
    );
  }
}

/** apt-cache shows packages in the order asked for, but twice in two suites; a lock names each one once. */
function inOrder(packages: readonly LockedPackage[], names: readonly string[]): readonly LockedPackage[] {
  const byName = new Map(packages.map((one) => [one.name, one]));
  return names.flatMap((name) => byName.get(name) ?? []);
}
