import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CommandError, IntegrityError, NetworkError, ReswarmError } from '../errors.js';
import type { Host } from '../host/host.js';

/** A package that this machine's own apt has fetched and verified. */
export type FetchedPackage = {
  readonly name: string;
  readonly version: string;
  readonly sha256: string;
  readonly path: string;
};

export type PackageWanted = {
  readonly name: string;
  readonly suite: string;
  /** Undefined: the mirrors that mmdebstrap itself knows for the suite, security updates included. */
  readonly mirror?: string;
};

const KEYRINGS = ['/usr/share/keyrings/debian-archive-keyring.gpg', '/usr/share/keyrings/debian-archive-keyring.pgp'];
const KEYRING_HINT = "Install the package debian-archive-keyring, in a version that knows this suite's keys.";

/**
 * Fetches one package of Debian with the apt of this machine, whatever its distribution: apt's state lies in `folder`
 * alone, and nothing is installed. Signatures are checked with Debian's keyring.
 *
 * @param folder empty, on this machine
 * @throws NetworkError `archive-unreachable`, IntegrityError `archive-untrusted`, CommandError `command-not-found`
 */
export async function fetchPackage(wanted: PackageWanted, folder: string, host: Host): Promise<FetchedPackage> {
  for (const name of ['lists/partial', 'cache/archives/partial', 'log', 'parts']) {
    await mkdir(join(folder, name), { recursive: true });
  }
  await writeFile(join(folder, 'status'), '');
  await writeFile(join(folder, 'sources.list'), await sourcesList(wanted, folder, host));
  await writeFile(join(folder, 'apt.conf'), await configuration(folder, host));
  const apt = (args: readonly string[]) =>
    host.run({
      file: 'apt-get',
      args: ['--quiet', ...args],
      cwd: folder,
      env: { APT_CONFIG: join(folder, 'apt.conf') },
    });
  try {
    await apt(['update']);
    await apt(['download', wanted.name]);
  } catch (error) {
    throw error instanceof CommandError && error.code === 'command-failed' ? archiveError(error, wanted) : error;
  }
  return readPackage(wanted.name, folder);
}

/**
 * Unpacks a package below `folder` with the programs of this machine, and installs nothing. Without dpkg-deb, which
 * distributions with another packager may lack, ar and tar do the same.
 */
export async function unpackWithHost(path: string, folder: string, host: Host): Promise<string> {
  const out = join(folder, 'unpacked');
  await mkdir(out, { recursive: true });
  try {
    await host.run({ file: 'dpkg-deb', args: ['--extract', path, out] });
  } catch (error) {
    if (!(error instanceof CommandError) || error.code !== 'command-not-found') throw error;
    await host.run({ file: 'ar', args: ['x', path], cwd: folder });
    const data = (await readdir(folder)).find((name) => name.startsWith('data.tar'));
    await host.run({
      file: 'tar',
      args: ['--extract', '--file', join(folder, data ?? 'data.tar'), '--directory', out],
    });
  }
  return out;
}

/** The same archives that mmdebstrap makes the tools tree from. */
async function sourcesList({ suite, mirror }: PackageWanted, folder: string, host: Host): Promise<string> {
  const key = await keyring();
  const archives = mirror === undefined ? await archivesOfMmdebstrap(suite, folder, host) : [`${mirror} ${suite} main`];
  return archives.map((archive) => `deb [signed-by=${key}] ${archive}\n`).join('');
}

/**
 * Asks mmdebstrap which archives it takes a suite from: its first hook copies the list, and fails on purpose before
 * anything is fetched.
 *
 * @returns such as `http://MIRROR/debian trixie main`
 */
async function archivesOfMmdebstrap(suite: string, folder: string, host: Host): Promise<readonly string[]> {
  const list = join(folder, 'mmdebstrap.list');
  const output = join(folder, 'mmdebstrap.tar');
  const hook = 'cp "$1/etc/apt/sources.list" "$RESWARM_SOURCES_LIST"; exit 1';
  const details: string[] = [];
  try {
    await host.run({
      file: 'mmdebstrap',
      args: ['--mode=chrootless', '--variant=custom', `--setup-hook=${hook}`, suite, output],
      env: { RESWARM_SOURCES_LIST: list },
    });
  } catch (error) {
    if (!(error instanceof CommandError) || error.code !== 'command-failed') throw error;
    details.push(...error.details);
  }
  await rm(output, { force: true });
  const text = (await isThere(list)) ? await readFile(list, 'utf8') : '';
  const archives = text.split('\n').flatMap((line) => /^deb\s+(?:\[[^\]]*\]\s*)?(\S.*)$/.exec(line)?.[1] ?? []);
  if (archives.length > 0) return archives;
  throw new NetworkError('archive-unreachable', `mmdebstrap does not say which archives it takes ${suite} from`, {
    details,
    hints: ['Name a Debian mirror with --mirror.'],
  });
}

async function keyring(): Promise<string> {
  for (const path of KEYRINGS) if (await isThere(path)) return path;
  throw new IntegrityError('archive-untrusted', "Debian's keyring is not on this machine; no package can be trusted", {
    hints: [KEYRING_HINT],
  });
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/**
 * Nothing of the host's apt configuration counts but how it reaches the network (proxies, certificates, logins): its
 * hooks would run, and they clean the host's own cache.
 */
async function configuration(folder: string, host: Host): Promise<string> {
  const { stdout } = await host.run({ file: 'apt-config', args: ['dump'] });
  const network = stdout
    .split('\n')
    .filter((line) => /^Acquire::(?!IndexTargets|Languages|Changelogs)\S*\w "/.test(line));
  const own: readonly (readonly [string, string])[] = [
    ['APT::Architecture', host.facts.architecture],
    ['APT::Architectures', host.facts.architecture],
    // Its own user could not write into a folder of ours.
    ['APT::Sandbox::User', host.facts.privilege === 'root' ? 'root' : ''],
    // One list that cannot be had is an error. apt before 2.1 does not know it and goes on with the others.
    ['APT::Update::Error-Mode', 'any'],
    ['Acquire::Languages', 'none'],
    ['Dir::State', folder],
    ['Dir::State::status', join(folder, 'status')],
    ['Dir::Cache', join(folder, 'cache')],
    ['Dir::Log', join(folder, 'log')],
    ['Dir::Etc', folder],
    ['Dir::Etc::main', '/dev/null'],
    ['Dir::Etc::parts', join(folder, 'parts')],
    ['Dir::Etc::sourcelist', join(folder, 'sources.list')],
    ['Dir::Etc::sourceparts', '/dev/null'],
    ['Dir::Etc::preferences', '/dev/null'],
    ['Dir::Etc::preferencesparts', '/dev/null'],
  ];
  return [...network, ...own.map(([name, value]) => `${name} "${value}";`)].map((line) => `${line}\n`).join('');
}

function archiveError(error: CommandError, { name, suite }: PackageWanted): ReswarmError {
  const { details } = error;
  if (details.some((line) => /NO_PUBKEY|is not signed|signature|Sub-process \S*(gpgv|sqv) /i.test(line))) {
    const message = `The Debian archive of ${suite} is not signed by a key that this machine knows`;
    return new IntegrityError('archive-untrusted', message, { details, hints: [KEYRING_HINT], cause: error });
  }
  return new NetworkError('archive-unreachable', `The package ${name} could not be fetched from the Debian archive`, {
    details,
    hints: ['Check the network and the proxy variables, or name another mirror with --mirror.'],
    cause: error,
  });
}

async function readPackage(name: string, folder: string): Promise<FetchedPackage> {
  const file = (await readdir(folder)).find((entry) => entry.startsWith(`${name}_`) && entry.endsWith('.deb'));
  // apt names it PACKAGE_VERSION_ARCHITECTURE.deb, with an epoch's colon as %3a.
  const version = file?.split('_')[1]?.replaceAll('%3a', ':');
  if (file === undefined || version === undefined) {
    throw new ReswarmError('archive-unreachable', `apt has fetched ${name}, but its file is not in ${folder}`);
  }
  const path = join(folder, file);
  const sha256 = createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
  return { name, version, sha256, path };
}
