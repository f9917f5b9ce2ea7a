import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Problem } from '../../errors.js';
import { UserError } from '../../errors.js';
import type { Host } from '../../host/host.js';
import type { PinnedPackageFile } from '../../model/packages.js';
import type { Mount } from '../../model/sandbox.js';
import type { LockedPackage } from './packages.js';

/** Where the sandboxes of apt and dpkg-deb see the files. */
export function packageFileMounts(files: readonly PinnedPackageFile[]): readonly Mount[] {
  return files.map((file) => ({ source: file.path, target: pathInSandbox(file) }));
}

/** What apt is asked to install for one of these. */
export function pathInSandbox({ sha256 }: PinnedPackageFile): string {
  return `/run/${sha256.slice(0, 16)}.deb`;
}

/**
 * The files as packages of a lock, from their own control fields. Throws UserError `package-file-invalid`,
 * `package-file-architecture` and `package-file-twice`.
 */
export async function readPackageFiles(
  files: readonly PinnedPackageFile[],
  architecture: string,
  toolsRoot: string,
  host: Host,
): Promise<readonly LockedPackage[]> {
  const problems: Problem[] = [];
  const read: LockedPackage[] = [];
  for (const file of files) {
    const fields = await controlFields(file, toolsRoot, host);
    const found = fields === undefined ? undefined : await asLocked(file, fields);
    const problem = found === undefined ? invalid(file) : unfit(found, file, architecture, read);
    if (problem !== undefined) problems.push(problem);
    else if (found !== undefined) read.push(found);
  }
  if (problems.length > 0) throw UserError.fromProblems(problems);
  return read;
}

async function controlFields(file: PinnedPackageFile, root: string, host: Host): Promise<string | undefined> {
  const args = ['--field', pathInSandbox(file)];
  const sandbox = { root, mounts: packageFileMounts([file]) };
  const { exitCode, stdout } = await host.runIn(sandbox, { file: 'dpkg-deb', args }, { okExitCodes: [0, 2] });
  return exitCode === 0 ? stdout : undefined;
}

async function asLocked({ path, sha256 }: PinnedPackageFile, fields: string): Promise<LockedPackage | undefined> {
  const field = (name: string): string => new RegExp(`^${name}: (.+)$`, 'm').exec(fields)?.[1]?.trim() ?? '';
  const [name, version, architecture] = [field('Package'), field('Version'), field('Architecture')];
  if (name === '' || version === '' || architecture === '') return undefined;
  const { size: sizeBytes } = await stat(path);
  return { name, version, architecture, filename: basename(path), sizeBytes, sha256, local: true };
}

function invalid({ path, at }: PinnedPackageFile): Problem {
  const hint = 'It must be a .deb that `dpkg-deb --info` can read.';
  return { code: 'package-file-invalid', message: `${path} is not a Debian package`, hint, ...at };
}

function unfit(
  { name, architecture: own }: LockedPackage,
  { path, at }: PinnedPackageFile,
  architecture: string,
  before: readonly LockedPackage[],
): Problem | undefined {
  if (own !== 'all' && own !== architecture) {
    const message = `${path} is for ${own}, and the image is ${architecture}`;
    return { code: 'package-file-architecture', message, hint: `Take the package for ${architecture}.`, ...at };
  }
  if (!before.some((one) => one.name === name)) return undefined;
  const message = `${path} is the package ${name}, and so is another file`;
  return { code: 'package-file-twice', message, hint: 'Keep one of the two.', ...at };
}
