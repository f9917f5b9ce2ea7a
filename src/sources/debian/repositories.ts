import { fileURLToPath } from 'node:url';
import type { PinnedRepository, Repository } from '../../model/packages.js';
import { keyringPath } from '../../model/packages.js';
import type { Mount } from '../../model/sandbox.js';

/** Where apt of the tools tree sees the repositories' keys, and folders that are repositories. */
const KEYS = '/run/keyrings';
const FOLDERS = '/run/repositories';

/** The same archives with the repositories behind them: where packages are fetched from. */
export function withRepositories(sourcesList: string, repositories: readonly Repository[]): string {
  return sourcesList + repositories.map((one) => `deb ${one.url} ${parts(one)}\n`).join('');
}

/** Lines for apt in a sandbox: each repository is believed what its own key signs, and nothing else. */
export function sourcesInSandbox(repositories: readonly PinnedRepository[]): string {
  return repositories
    .map((one) => {
      const url = folderOf(one) === undefined ? one.url : `file:${FOLDERS}/${one.name}`;
      return `deb [signed-by=${KEYS}/${one.name}.${one.keyFormat}] ${url} ${parts(one)}\n`;
    })
    .join('');
}

/** What that sandbox must show. */
export function repositoryMounts(repositories: readonly PinnedRepository[]): readonly Mount[] {
  return repositories.flatMap((one) => {
    const folder = folderOf(one);
    return [
      { source: one.key, target: `${KEYS}/${one.name}.${one.keyFormat}` },
      ...(folder === undefined ? [] : [{ source: folder, target: `${FOLDERS}/${one.name}` }]),
    ];
  });
}

/** A folder of this machine is nothing to a device. */
export function isOnDevice(one: Repository): boolean {
  return folderOf(one) === undefined;
}

/** The device's file for a repository, as sources.list(5) describes deb822 style. */
export function deviceSource(one: PinnedRepository): { readonly path: string; readonly text: string } {
  const lines = [
    'Types: deb',
    `URIs: ${one.url}`,
    `Suites: ${one.suite}`,
    ...(one.components.length === 0 ? [] : [`Components: ${one.components.join(' ')}`]),
    `Signed-By: ${keyringPath(one)}`,
  ];
  return { path: `etc/apt/sources.list.d/${one.name}.sources`, text: lines.map((line) => `${line}\n`).join('') };
}

function parts({ suite, components }: Repository): string {
  return [suite, ...components].join(' ');
}

function folderOf({ url }: Repository): string | undefined {
  return url.startsWith('file:') ? fileURLToPath(url) : undefined;
}
