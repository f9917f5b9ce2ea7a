/**
 * apt.conf for packages of another architecture: state and cache in a folder of its own, so that neither the
 * host's nor the tools' installed packages play a part. Signatures are checked with the tools' Debian keyring.
 *
 * @param folder where apt may write, as apt sees it; the folders of `aptFolders` must be in it
 */
export function aptConfiguration(architecture: string, folder: string): string {
  const options: readonly (readonly [string, string])[] = [
    ['APT::Architecture', architecture],
    ['APT::Architectures', architecture],
    ['APT::Install-Recommends', 'false'],
    // The sandbox has no user for it, and its files belong to us.
    ['APT::Sandbox::User', 'root'],
    ['Acquire::Languages', 'none'],
    ['Acquire::Retries', '3'],
    ['Dir::State', `${folder}/state`],
    ['Dir::State::status', `${folder}/status`],
    ['Dir::Cache', `${folder}/cache`],
    ['Dir::Log', `${folder}/log`],
    ['Dir::Etc::sourcelist', `${folder}/sources.list`],
    ['Dir::Etc::sourceparts', '/dev/null'],
    ['Dir::Etc::preferencesparts', '/dev/null'],
  ];
  return options.map(([name, value]) => `${name} "${value}";\n`).join('');
}

/** Folders that apt wants to find, below the one given to `aptConfiguration`. */
export const aptFolders = ['state/lists/partial', 'cache/archives/partial', 'log'] as const;
