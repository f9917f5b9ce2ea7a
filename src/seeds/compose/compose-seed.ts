import type { Problem } from '../../errors.js';
import { describePath } from '../../config/wording.js';
import type { Path, YamlSource } from '../../config/yaml-source.js';
import { changeUser } from '../user-data/change-user.js';
import { asMapping, readSeedYaml, yamlFindings } from '../yaml/cloud-init-yaml.js';
import type { Findings } from '../text/findings.js';
import { hostnameFault } from '../text/hostname.js';
import type { SeedFile, SeedFiles } from '../text/seed.js';
import { sshKeyFault } from '../text/ssh-key.js';
import { applyEdits, type TextEdit } from '../yaml/text-edit.js';
import { userDataKind } from '../text/user-data-header.js';
import { userEntries } from '../login/user-entries.js';
import { addToTopLevelList, rootMapping, setTopLevel } from '../yaml/yaml-edit.js';

/** Defaults, then a device's own files in their place, then flags worked into them. */
export type SeedInputs = {
  readonly defaults: SeedFiles;
  readonly userData?: SeedFile;
  readonly metaData?: SeedFile;
  readonly networkConfig?: SeedFile;
  readonly hostname?: string;
  /** Lines of authorized_keys. */
  readonly sshKeys?: readonly string[];
};

export type ComposedSeed = Findings & { readonly files: SeedFiles };

/**
 * Puts a seed together; every byte of a person's file that a flag does not concern stays as it is.
 *
 * Codes: `hostname-invalid`, `hostname-conflict`, `ssh-key-malformed`, `ssh-key-type`, `ssh-key-private`,
 * `ssh-key-no-user`, `ssh-key-no-cloud-config`. That the files themselves are right is for checkSeed to say: one that
 * cannot be read as YAML is handed on as it is.
 */
export function composeSeed(inputs: SeedInputs): ComposedSeed {
  const { defaults } = inputs;
  const networkConfig = inputs.networkConfig ?? defaults.networkConfig;
  const given: SeedFiles = {
    userData: inputs.userData ?? defaults.userData,
    metaData: inputs.metaData ?? defaults.metaData,
    ...(networkConfig === undefined ? {} : { networkConfig }),
  };
  const named = inputs.hostname === undefined ? unchanged(given) : withHostname(given, inputs.hostname);
  const keyed = inputs.sshKeys === undefined ? unchanged(named.files) : withSshKeys(named.files, inputs.sshKeys);
  return { files: keyed.files, problems: [...named.problems, ...keyed.problems], warnings: [] };
}

type Step = { readonly files: SeedFiles; readonly problems: readonly Problem[] };

function unchanged(files: SeedFiles): Step {
  return { files, problems: [] };
}

/**
 * `--hostname` becomes local-hostname of the meta-data. On the device a `hostname` or `fqdn` of the user-data would
 * beat that, so one that says something else is refused and not overruled silently.
 */
function withHostname(files: SeedFiles, hostname: string): Step {
  const fault = hostnameFault(hostname, true);
  if (fault !== undefined) {
    return {
      files,
      problems: [{ code: 'hostname-invalid', message: `--hostname ${JSON.stringify(hostname)} ${fault}` }],
    };
  }
  const problems = [
    ...conflicts(files.userData, ['hostname', 'fqdn'], hostname),
    ...conflicts(files.metaData, ['local-hostname'], hostname),
    ...preserved(files.userData),
  ];
  const source = readSeedYaml(files.metaData);
  const edit = yamlFindings(source).problems.length > 0 ? undefined : setTopLevel(source, 'local-hostname', hostname);
  return { files: { ...files, metaData: edited(files.metaData, edit) }, problems };
}

function conflicts(file: SeedFile, keys: readonly string[], hostname: string): Problem[] {
  if (file.text.startsWith('#') && userDataKind(file) !== 'cloud-config' && keys.includes('fqdn')) return [];
  const source = readSeedYaml(file);
  const found = asMapping(source.value) ?? {};
  const bare = (name: string): string => name.split('.')[0] ?? name;
  return keys.flatMap((key): Problem[] => {
    const name = found[key];
    if (typeof name !== 'string' || bare(name) === bare(hostname)) return [];
    const message = `"${key}" is "${name}", and --hostname says "${hostname}"`;
    const hint = `Remove "${key}" from ${file.file}, or leave --hostname away.`;
    return [{ code: 'hostname-conflict', message, hint, file: file.file, ...source.locate([key]) }];
  });
}

function preserved(file: SeedFile): Problem[] {
  const source = readSeedYaml(file);
  if (asMapping(source.value)?.['preserve_hostname'] !== true) return [];
  const message = '"preserve_hostname: true" would keep --hostname from being applied';
  return [{ code: 'hostname-conflict', message, file: file.file, ...source.locate(['preserve_hostname']) }];
}

/** `--ssh-key` lets its owner in as the default user or, where there is none, as the first user that is listed. */
function withSshKeys(files: SeedFiles, keys: readonly string[]): Step {
  const faults = keys.flatMap((key): Problem[] => {
    const fault = sshKeyFault(key);
    return fault === undefined ? [] : [{ code: fault.code, message: `--ssh-key: ${fault.message}` }];
  });
  if (faults.length > 0 || keys.length === 0) return { files, problems: faults };

  const { userData } = files;
  const kind = userDataKind(userData);
  // A file whose first line is wrong is reported by checkSeed; a script cannot take a key.
  if (typeof kind !== 'string') return unchanged(files);
  if (kind !== 'cloud-config') {
    const message = '--ssh-key needs a user-data that is a #cloud-config';
    const hint = 'Put the key into authorized_keys by the script itself.';
    return {
      files,
      problems: [{ code: 'ssh-key-no-cloud-config', message, hint, file: userData.file, line: 1, column: 1 }],
    };
  }
  const source = readSeedYaml(userData);
  if (yamlFindings(source).problems.length > 0) return unchanged(files);
  const path = pathOfFirst(source);
  const changed = path === undefined ? undefined : withKeysAt(userData, path, keys);
  if (changed !== undefined) return unchanged({ ...files, userData: changed });
  const message =
    path === undefined
      ? 'there is no user that --ssh-key could let in'
      : `the ssh keys of "${describePath(path)}" are written in a way that --ssh-key cannot be added to`;
  const hint =
    path === undefined
      ? 'Add "- default" or a user with a name to "users".'
      : 'Write them as a list: "ssh_authorized_keys: [ssh-ed25519 …]".';
  const place = source.locate(path ?? ['users']);
  return { files, problems: [{ code: 'ssh-key-no-user', message, hint, file: userData.file, ...place }] };
}

/** Where the keys of the first user go: [] is the left margin, for the default user. */
function pathOfFirst(source: YamlSource): Path | undefined {
  const config = asMapping(source.value) ?? {};
  const entries = userEntries(config);
  const inUser = asMapping(config['user']);
  // cloud-init gives the keys at the left margin to the default user.
  if (entries.some(({ isDefault }) => isDefault))
    return inUser !== undefined && 'ssh_authorized_keys' in inUser ? ['user'] : [];
  const { users } = config;
  const listed = Array.isArray(users) ? (users as readonly unknown[]) : [];
  const index = listed.findIndex((user) => typeof asMapping(user)?.['name'] === 'string');
  if (index >= 0) return ['users', index];
  const named = Object.entries(asMapping(users) ?? {}).find(([, user]) => asMapping(user) !== undefined);
  return named === undefined ? undefined : ['users', named[0]];
}

function withKeysAt(userData: SeedFile, path: Path, keys: readonly string[]): SeedFile | undefined {
  const source = readSeedYaml(userData);
  if (rootMapping(source) !== undefined) return changeUser(userData, path, { sshKeys: keys });
  return edited(userData, addToTopLevelList(source, 'ssh_authorized_keys', keys));
}

function edited(file: SeedFile, edit: TextEdit | undefined): SeedFile {
  return edit === undefined ? file : { ...file, text: applyEdits(file.text, [edit]) };
}
