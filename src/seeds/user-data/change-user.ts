import { isDeepStrictEqual } from 'node:util';
import { followAlias, pairOf, type YamlMapping, type YamlNode } from '../../config/yaml-nodes.js';
import type { Path, YamlSource } from '../../config/yaml-source.js';
import type { Json } from '../../model/json.js';
import { asMapping, readSeedYaml } from '../yaml/cloud-init-yaml.js';
import type { Mapping } from '../login/plain-values.js';
import type { SeedFile } from '../text/seed.js';
import { applyEdits, type TextEdit } from '../yaml/text-edit.js';
import { withoutAliases } from '../yaml/yaml-aliases.js';
import { addToList, ownPair, renameKey, rootMapping, setKey } from '../yaml/yaml-edit.js';

/** What one user, or with an empty path the default user, is to get. */
export type UserChange = {
  /** Lines of authorized_keys; those that the user's own list has already are left out. */
  readonly sshKeys?: readonly string[];
  /** Keys in the place of those that the user has. */
  readonly values?: Readonly<Record<string, Json>>;
  /** Keys that mean the same as one of `values`, which takes the place of any of them. */
  readonly instead?: readonly string[];
};

/**
 * Changes a mapping of a cloud-config that stands at `path`, and nothing else: what the document says afterwards is
 * compared with what was asked. Where YAML aliases would carry the change to another user, they are written out first.
 * undefined where the text is written in a way that cannot be changed.
 */
export function changeUser(file: SeedFile, path: Path, change: UserChange): SeedFile | undefined {
  const wanted = changedValue(readSeedYaml(file).value ?? {}, path, change);
  if (wanted === undefined) return undefined;
  const attempt = (start: SeedFile | undefined): SeedFile | undefined => {
    const result = start === undefined ? undefined : applied(start, path, change);
    return result !== undefined && isDeepStrictEqual(readSeedYaml(result).value, wanted) ? result : undefined;
  };
  return attempt(file) ?? attempt(withoutAliases(file));
}

/** The keys of a list that is not there yet, of one line, or of a list; undefined for a mapping. */
function keysOf(value: unknown): readonly unknown[] | undefined {
  if (value === undefined || value === null) return [];
  if (typeof value === 'string') return [value];
  return Array.isArray(value) ? (value as readonly unknown[]) : undefined;
}

function missingKeys(sshKeys: readonly string[], present: readonly unknown[]): readonly string[] {
  return sshKeys.filter((key) => !present.some((other) => typeof other === 'string' && other.trim() === key.trim()));
}

/** Both spellings are the same to cloud-init. */
function keysName(user: Mapping): string {
  return 'ssh-authorized-keys' in user && !('ssh_authorized_keys' in user)
    ? 'ssh-authorized-keys'
    : 'ssh_authorized_keys';
}

function changedValue(value: unknown, path: Path, change: UserChange): unknown {
  const [segment, ...rest] = path;
  if (segment === undefined) return changedUser(asMapping(value), change);
  if (Array.isArray(value)) {
    const items = value as readonly unknown[];
    const inner = changedValue(items[Number(segment)], rest, change);
    return inner === undefined ? undefined : items.map((item, index) => (index === segment ? inner : item));
  }
  const inner = changedValue(asMapping(value)?.[segment], rest, change);
  return inner === undefined ? undefined : { ...asMapping(value), [segment]: inner };
}

function changedUser(user: Mapping | undefined, { sshKeys = [], values = {}, instead = [] }: UserChange): unknown {
  if (user === undefined) return undefined;
  const name = keysName(user);
  const present = keysOf(user[name]);
  if (present === undefined) return undefined;
  const missing = missingKeys(sshKeys, present);
  const kept = Object.fromEntries(Object.entries(user).filter(([key]) => !instead.includes(key)));
  return { ...kept, ...values, ...(missing.length === 0 ? {} : { [name]: [...missing, ...present] }) };
}

type Step = (source: YamlSource, mapping: YamlMapping, user: Mapping) => TextEdit | undefined;

/** Each step reads the text anew, for the one before has moved what follows. */
function applied(
  file: SeedFile,
  path: Path,
  { sshKeys = [], values = {}, instead = [] }: UserChange,
): SeedFile | undefined {
  const steps: Step[] = [
    ...(instead.length === 0 ? [] : [renameInstead(instead, Object.keys(values))]),
    ...Object.entries(values).map(
      ([key, value]): Step =>
        (source, mapping) =>
          setKey(source, mapping, key, value),
    ),
    (source, mapping, user) => addKeys(source, mapping, user, sshKeys),
  ];
  let current = file;
  for (const step of steps) {
    const source = readSeedYaml(current);
    const mapping = path.length === 0 ? rootMapping(source) : mappingAt(source, path);
    if (mapping === undefined) return undefined;
    const edit = step(source, mapping, asMapping(valueAt(source.value, path)) ?? {});
    if (edit !== undefined) current = { ...current, text: applyEdits(current.text, [edit]) };
  }
  return current;
}

/** A user has one password: the key of the old one becomes that of the new one. */
function renameInstead(instead: readonly string[], keys: readonly string[]): Step {
  return (_, mapping) => {
    const key = keys.find((name) => !instead.includes(name)) ?? '';
    const other = instead.find((name) => ownPair(mapping, name) !== undefined);
    return ownPair(mapping, key) !== undefined || other === undefined ? undefined : renameKey(mapping, other, key);
  };
}

function addKeys(
  source: YamlSource,
  mapping: YamlMapping,
  user: Mapping,
  sshKeys: readonly string[],
): TextEdit | undefined {
  const name = keysName(user);
  const present = keysOf(user[name]) ?? [];
  const missing = missingKeys(sshKeys, present);
  if (missing.length === 0) return undefined;
  const own = ownPair(mapping, name);
  const isList = own !== undefined && followAlias(own.value).kind === 'sequence';
  if (own !== undefined && isList) return addToList(source, mapping, name, missing);
  const all = [...missing, ...present.filter((key) => typeof key === 'string')];
  // One line becomes a list; a list that is inherited by "<<" stays with those who share it.
  return own === undefined ? addToList(source, mapping, name, all) : setKey(source, mapping, name, all);
}

function mappingAt(source: YamlSource, path: Path): YamlMapping | undefined {
  let node: YamlNode | undefined = source.root;
  for (const segment of path) {
    const holder: YamlNode | undefined = node === undefined ? undefined : followAlias(node);
    if (holder?.kind === 'sequence') node = holder.items[Number(segment)];
    else node = holder?.kind === 'mapping' ? pairOf(holder, segment.toString())?.value : undefined;
  }
  const found = node === undefined ? undefined : followAlias(node);
  return found?.kind === 'mapping' ? found : undefined;
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((holder, segment) => {
    if (Array.isArray(holder)) return (holder as readonly unknown[])[Number(segment)];
    return asMapping(holder)?.[segment];
  }, value);
}
