import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { nearestWord } from '../../config/wording.js';
import type { Problem } from '../../errors.js';
import { CommandError, NetworkError, UserError } from '../../errors.js';
import type { Host, Output } from '../../host/host.js';
import type { PinnedRepository } from '../../model/packages.js';
import type { Mount, Sandbox } from '../../model/sandbox.js';
import { aptConfiguration, aptFolders } from './apt-options.js';
import { kernelDependency, shownPackages, unavailablePackages, unknownPackages } from './apt-output.js';
import type { LockedPackage } from './packages.js';
import { repositoryMounts, sourcesInSandbox } from './repositories.js';

/** Where apt looks for packages, and what else it may see. */
export type AptPlaces = {
  readonly toolsRoot: string;
  readonly architecture: string;
  /** Text of a sources.list. */
  readonly sources: string;
  readonly repositories: readonly PinnedRepository[];
  readonly mounts: readonly Mount[];
};

/** apt of the tools tree, working for one architecture in a folder of its own. */
export class Apt {
  private constructor(
    private readonly sandbox: Sandbox,
    private readonly repositories: readonly PinnedRepository[],
    private readonly host: Host,
  ) {}

  /** Throws NetworkError `archive-unreachable` or `repository-unreachable`, UserError `repository-untrusted`. */
  static async open(places: AptPlaces, folder: string, host: Host): Promise<Apt> {
    const { toolsRoot, architecture, sources, repositories } = places;
    for (const name of aptFolders) await mkdir(join(folder, name), { recursive: true });
    await writeFile(join(folder, 'status'), '');
    await writeFile(join(folder, 'sources.list'), sources + sourcesInSandbox(repositories));
    await writeFile(join(folder, 'apt.conf'), aptConfiguration(architecture, '/mnt'));
    const mounts = [{ source: folder, target: '/mnt', writable: true }, ...repositoryMounts(repositories)];
    const sandbox = { root: toolsRoot, mounts: [...mounts, ...places.mounts], network: true };
    const apt = new Apt(sandbox, repositories, host);
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
      throw this.blamedRepository(error) ?? archiveUnreachable(error);
    }
  }

  /** The failure of a repository of the user's; undefined: it was Debian's archive. */
  private blamedRepository(error: CommandError): Error | undefined {
    const failed = error.details.filter((line) => /^(?:E|W|Err):/.test(line.trim()));
    const blamed = this.repositories.find(({ name, url }) =>
      failed.some((line) => line.includes(url) || line.includes(`/run/repositories/${name}`)),
    );
    if (blamed === undefined) return undefined;
    const options = { details: error.details, cause: error };
    if (failed.some((line) => UNTRUSTED.test(line))) {
      const message = `The key of the repository "${blamed.name}" does not sign what lies at ${blamed.url}`;
      const hint = `Fetch the key that the repository publishes, check its fingerprint, and name it as "key"; ${blamed.key} is another one.`;
      return new UserError('repository-untrusted', message, {
        ...options,
        hints: [hint],
        problems: [{ code: 'repository-untrusted', message, hint, ...blamed.at }],
      });
    }
    return new NetworkError(
      'repository-unreachable',
      `The repository "${blamed.name}" at ${blamed.url} has no package lists for the suite ${blamed.suite}`,
      { ...options, hints: ['Check url, suite and components, and the network.'] },
    );
  }

  /** What `install` of these words would do; undefined where apt finds no way. Throws UserError as `refuseUnknown` does. */
  async trySimulate(words: readonly string[]): Promise<{ readonly output: Output; readonly possible: boolean }> {
    const output = await this.run('apt-get', ['--quiet', '--simulate', 'install', ...words], [0, 100]);
    if (output.exitCode !== 0) await this.refuseUnknown(output.stderr);
    return { output, possible: output.exitCode === 0 };
  }

  /** Throws UserError `unknown-package` or `packages-conflict`: nothing has been unpacked then. */
  async simulateInstall(words: readonly string[]): Promise<string> {
    const { output, possible } = await this.trySimulate(words);
    if (possible) return output.stdout;
    throw new UserError('packages-conflict', 'These packages cannot be installed together', {
      details: [...output.stdout.split('\n').slice(-20), ...output.stderr.split('\n')].filter((line) => line !== ''),
      hints: [
        'Leave out the one that you added. Or leave out the one of the image that it cannot stand beside: withoutPackages in the board or the system; layers/base/layer.yaml lists what every image has.',
      ],
    });
  }

  /** Of the names that the archive has; the others are left out. */
  async show(names: readonly string[]): Promise<readonly LockedPackage[]> {
    return shownPackages(await this.stanzas(names));
  }

  /**
   * The files of source packages, in the version that would be fetched. For an apt whose sources are `sourceArchives`.
   * Throws UserError `unknown-package`.
   */
  async sourceFiles(name: string): Promise<string> {
    const args = ['--quiet', '--print-uris', '--only-source', 'source', name];
    const { exitCode, stdout } = await this.run('apt-get', args, [0, 100]);
    if (exitCode === 0) return stdout;
    throw new UserError('unknown-package', `Debian has no source package "${name}"`, {
      hints: ['A mirror may have left out the source packages: name another one with --mirror.'],
    });
  }

  /** What the archive says of these packages. */
  async stanzas(names: readonly string[]): Promise<string> {
    if (names.length === 0) return '';
    return (await this.run('apt-cache', ['--no-all-versions', 'show', ...names], [0, 100])).stdout;
  }

  /**
   * The newest kernel that a package such as `linux-image-arm64` depends on. Throws UserError `unknown-package`, and
   * `kernel-package-empty` for a package that leads to no kernel.
   */
  async kernelBehind(name: string): Promise<string> {
    await this.showAll([name]);
    const found = kernelDependency(await this.stanzas([name]));
    if (found !== undefined) return found;
    throw new UserError('kernel-package-empty', `The package ${name} depends on no kernel of Debian`, {
      hints: ['kernel.debian.package of the board names one such as linux-image-arm64.'],
    });
  }

  /** Throws UserError `unknown-package` when one is missing. */
  async showAll(names: readonly string[]): Promise<readonly LockedPackage[]> {
    const found = await this.show(names);
    const missing = names.filter((name) => !found.some((one) => one.name === name));
    if (missing.length > 0)
      await this.refuseUnknown(missing.map((name) => `E: Unable to locate package ${name}\n`).join(''));
    return inOrder(found, names);
  }

  /** Codes: `unknown-package`, `package-version-unknown`, `package-release-unknown`. */
  private async refuseUnknown(messages: string): Promise<void> {
    const unavailable = unavailablePackages(messages);
    if (unavailable.length > 0) {
      throw UserError.fromProblems(await Promise.all(unavailable.map((one) => this.unavailable(one))));
    }
    const unknown = unknownPackages(messages);
    if (unknown.length === 0) return;
    const known = (await this.run('apt-cache', ['pkgnames'])).stdout.trimEnd().split('\n').toSorted();
    throw UserError.fromProblems(
      unknown.map((name): Problem => {
        const nearest = nearestWord(name, known);
        const hint =
          nearest === undefined ? 'Look for its name with: apt-cache search WORD' : `Did you mean "${nearest}"?`;
        const where = this.repositories.length === 0 ? 'Debian has' : 'Debian and the repositories have';
        return { code: 'unknown-package', message: `${where} no package "${name}"`, hint };
      }),
    );
  }

  private async unavailable({ kind, name, wanted }: ReturnType<typeof unavailablePackages>[number]): Promise<Problem> {
    const { stdout } = await this.run('apt-cache', ['madison', name], [0, 100]);
    const there = stdout
      .split('\n')
      .map((line) => line.split('|').map((cell) => cell.trim()))
      .flatMap(([, version = '', archive = '']) =>
        version === '' ? [] : [`${version} (${archive.split(' ')[1] ?? ''})`],
      );
    const hint = there.length === 0 ? 'Check the name.' : `There is: ${[...new Set(there)].join(', ')}.`;
    return kind === 'version'
      ? { code: 'package-version-unknown', message: `no archive has ${name} in version ${wanted}`, hint }
      : { code: 'package-release-unknown', message: `no archive has ${name} of the release ${wanted}`, hint };
  }
}

/** What apt says when the signature is missing, or another key's. */
const UNTRUSTED = /NO_PUBKEY|[Mm]issing key|not signed|signature|OpenPGP|GPG error|EXPKEYSIG/;

function archiveUnreachable(cause: CommandError): NetworkError {
  return new NetworkError('archive-unreachable', 'The package lists of the Debian archive could not be fetched', {
    details: cause.details,
    hints: ['Check the network and the proxy variables, or name another mirror with --mirror.'],
    cause,
  });
}

/** apt-cache shows packages in the order asked for, but twice in two suites; a lock names each one once. */
export function inOrder(packages: readonly LockedPackage[], names: readonly string[]): readonly LockedPackage[] {
  const byName = new Map(packages.map((one) => [one.name, one]));
  return names.flatMap((name) => byName.get(name) ?? []);
}
