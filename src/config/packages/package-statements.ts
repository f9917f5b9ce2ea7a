import { dirname, resolve } from 'node:path';
import { fileCapability } from '../../formats/file-capabilities.js';
import type { PackageFile, Repository } from '../../model/packages.js';
import type { FileChain } from '../file-chain.js';
import { kindOf } from '../present.js';
import type { Problem } from '../../errors.js';
import type { Said } from '../said.js';
import type { Path } from '../yaml-source.js';
import type { PackageDefinition } from '../schemas/package-schema.js';
import { isPackageFile } from '../package-word.js';

/** What a board, a system or the command line says of packages, each with its place. Paths are absolute. */
export type PackageStatements = {
  /** Words for apt: `name`, `name=version`, `name/release`. */
  readonly packages: readonly string[];
  readonly packageFiles: readonly PackageFile[];
  readonly withoutPackages: readonly Said<string>[];
  readonly repositories: readonly Repository[];
  /** By absolute path on the device, as `security.capability` holds them, in hex. */
  readonly capabilities: Readonly<Record<string, string>>;
};

export type PackageRead = { readonly packages: PackageStatements; readonly problems: readonly Problem[] };

/**
 * The keys of packages below `path` of a file. Codes: `package-file-not-found`, `capability-invalid`,
 * `repository-key-not-found`, `repository-components`.
 */
export async function readPackages(
  definition: PackageDefinition,
  chain: Pick<FileChain, 'locate'>,
  path: Path,
): Promise<PackageRead> {
  const problems: Problem[] = [];
  const packages: string[] = [];
  const packageFiles: PackageFile[] = [];
  for (const [index, item] of (definition.packages ?? []).entries()) {
    const at = chain.locate([...path, 'packages', index]);
    if (typeof item === 'string' && !isPackageFile(item)) {
      packages.push(item);
      continue;
    }
    const { file, sha256 } = typeof item === 'string' ? { file: item, sha256: undefined } : item;
    const found = resolve(dirname(at.file), file);
    packageFiles.push({ path: found, ...(sha256 === undefined ? {} : { sha256 }), at });
    problems.push(...(await missingPackageFile(found, at)));
  }
  const repositories = (definition.repositories ?? []).map((one, index): Repository => {
    const at = chain.locate([...path, 'repositories', index]);
    return { ...one, key: resolve(dirname(at.file), one.key), at };
  });
  const places = repositories.map((_, index) => [...path, 'repositories', index]);
  for (const [index, one] of repositories.entries()) {
    problems.push(...(await repositoryProblems(one, chain, places[index] ?? path)));
  }
  const { capabilities, problems: ofCapabilities } = readCapabilities(definition, chain, path);
  return {
    packages: {
      packages,
      packageFiles,
      withoutPackages: (definition.withoutPackages ?? []).map((value, index) => ({
        value,
        at: chain.locate([...path, 'withoutPackages', index]),
      })),
      repositories,
      capabilities,
    },
    problems: [...problems, ...ofCapabilities],
  };
}

/** Code: `package-file-not-found`. */
export async function missingPackageFile(file: string, at: PackageFile['at']): Promise<Problem[]> {
  if ((await kindOf(file)) === 'file') return [];
  const hint = 'Check the path; in a board or a system it begins at that file.';
  return [{ code: 'package-file-not-found', message: `there is no package file ${file}`, hint, ...at }];
}

/** Two repositories of one name would share their files on the device. Code: `repository-twice`. */
export function repositoriesTwice(repositories: readonly Repository[]): Problem[] {
  return repositories.flatMap(({ name, at }, index) => {
    if (!repositories.slice(0, index).some((one) => one.name === name)) return [];
    const message = `there is another repository called "${name}"`;
    return [{ code: 'repository-twice', message, hint: 'Give it another name.', ...at }];
  });
}

async function repositoryProblems(one: Repository, chain: Pick<FileChain, 'locate'>, path: Path): Promise<Problem[]> {
  const problems: Problem[] = [];
  if ((await kindOf(one.key)) !== 'file') {
    problems.push({
      code: 'repository-key-not-found',
      message: `there is no key file ${one.key}`,
      hint: "Fetch the repository's public key, check its fingerprint, and keep it beside this file.",
      ...chain.locate([...path, 'key']),
    });
  }
  if (one.suite.endsWith('/') !== (one.components.length === 0)) {
    const message = one.suite.endsWith('/')
      ? `the suite ${one.suite} is a path, and such a repository has no components`
      : `the suite ${one.suite} needs components`;
    const hint = 'suite: trixie with components: [main], or suite: ./ without any.';
    problems.push({ code: 'repository-components', message, hint, ...chain.locate([...path, 'suite']) });
  }
  return problems;
}

function readCapabilities(
  { capabilities: written = {} }: PackageDefinition,
  chain: Pick<FileChain, 'locate'>,
  path: Path,
): { readonly capabilities: Readonly<Record<string, string>>; readonly problems: readonly Problem[] } {
  const capabilities: Record<string, string> = {};
  const problems: Problem[] = [];
  for (const [file, text] of Object.entries(written)) {
    const value = fileCapability(text);
    if (value !== undefined) capabilities[file] = value;
    else {
      problems.push({
        code: 'capability-invalid',
        message: `"${text}" names no file capabilities`,
        hint: 'As setcap takes them: cap_net_bind_service+ep, or cap_net_raw,cap_net_admin=ep.',
        ...chain.locate([...path, 'capabilities', file]),
      });
    }
  }
  return { capabilities, problems };
}
