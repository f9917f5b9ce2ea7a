import { followAlias, pairOf, type YamlMapping, type YamlNode, type YamlPair } from '../../config/yaml-nodes.js';
import type { YamlSource } from '../../config/yaml-source.js';
import { isShadowField } from './crypt-hash.js';
import type { TextEdit } from '../yaml/text-edit.js';

/** A password in clear text, and the edits that put its hash in its place. */
export type ClearText = {
  readonly password: string;
  /** Offset of the password in the text. */
  readonly start: number;
  /** What it is called in a message; never the password. */
  readonly name: string;
  /** undefined where the text is written in a way that no edit of ours could follow. */
  readonly edits: ((hash: string) => readonly TextEdit[]) | undefined;
};

/** How cloud-init tells a hash from a password in chpasswd.list and `password` (cc_set_passwords.py, 25.1). */
const CHPASSWD_HASH = /^\$(1|2a|2y|5|6)(\$[^:]+){2}$/;

/** In the order of cloud-init's keys; empty where it is no mapping. For the text of a cloud-config only. */
export function clearTextPasswords(source: YamlSource): ClearText[] {
  const root = source.root === undefined ? undefined : followAlias(source.root);
  if (root?.kind !== 'mapping') return [];
  const found = [...topLevelPassword(root), ...usersOf(root).flatMap(userPassword), ...chpasswd(root, source.text)];
  // What an alias repeats is found again at the same place.
  return [...new Map(found.map((password) => [password.start, password])).values()];
}

function topLevelPassword(root: YamlMapping): ClearText[] {
  const pair = pairOf(root, 'password');
  const text = pair === undefined ? undefined : textOf(pair.value);
  if (pair === undefined || text === undefined || isChpasswdHash(text)) return [];
  return [{ password: text, start: pair.value.start, name: '"password"', edits: (hash) => quotedHash(pair, hash) }];
}

/** The mappings of `user` and `users`, which may also be a mapping by name. */
function usersOf(root: YamlMapping): YamlMapping[] {
  const user = valueOf(root, 'user');
  const users = valueOf(root, 'users');
  const many =
    users?.kind === 'sequence' ? users.items : users?.kind === 'mapping' ? users.pairs.map(({ value }) => value) : [];
  return [...(user === undefined ? [] : [user]), ...many.map(followAlias)].filter((node) => node.kind === 'mapping');
}

/** plain_text_passwd becomes hashed_passwd: both are applied to an account that exists, too. */
function userPassword(user: YamlMapping): ClearText[] {
  const pair = pairOf(user, 'plain_text_passwd');
  const text = pair === undefined ? undefined : textOf(pair.value);
  if (pair === undefined || text === undefined) return [];
  const name = '"plain_text_passwd"';
  if (pairOf(user, 'hashed_passwd') !== undefined)
    return [{ password: text, start: pair.key.start, name, edits: undefined }];
  const rename: TextEdit = { start: pair.key.start, end: pair.key.end, replacement: 'hashed_passwd' };
  return [{ password: text, start: pair.value.start, name, edits: (hash) => [rename, ...quotedHash(pair, hash)] }];
}

function chpasswd(root: YamlMapping, text: string): ClearText[] {
  const settings = valueOf(root, 'chpasswd');
  if (settings?.kind !== 'mapping') return [];
  const users = valueOf(settings, 'users');
  const list = valueOf(settings, 'list');
  return [
    ...(users?.kind === 'sequence' ? users.items.flatMap((item) => chpasswdUser(followAlias(item))) : []),
    ...(list?.kind === 'sequence' ? list.items.flatMap((item) => chpasswdLines(item, text)) : []),
    ...(list?.kind === 'scalar' ? chpasswdLines(list, text) : []),
  ];
}

/** `type` is "hash" unless it is given; "text" says that the password is none. */
function chpasswdUser(user: YamlNode): ClearText[] {
  if (user.kind !== 'mapping') return [];
  const type = pairOf(user, 'type');
  const pair = pairOf(user, 'password');
  const text = pair === undefined ? undefined : textOf(pair.value);
  if (pair === undefined || text === undefined || type === undefined || textOf(type.value) !== 'text') return [];
  const { start, end } = rangeOf(type.value);
  const retype: TextEdit = { start, end, replacement: 'hash' };
  const name = '"chpasswd.users": the password';
  return [{ password: text, start: pair.value.start, name, edits: (hash) => [retype, ...quotedHash(pair, hash)] }];
}

/** Lines "user:password"; hashes and the words that ask for a random password stay. */
function chpasswdLines(node: YamlNode, text: string): ClearText[] {
  const { start, end } = rangeOf(node);
  const raw = text.slice(start, end);
  const name = '"chpasswd.list": the part after the colon';
  let searchFrom = 0;
  return (textOf(node) ?? '').split('\n').flatMap((line): ClearText[] => {
    const colon = line.indexOf(':');
    const password = line.slice(colon + 1);
    if (colon < 0 || isChpasswdHash(password)) return [];
    // Found where the line stands in the text as it is; not where it is folded or holds escapes.
    const place = raw.indexOf(line, searchFrom);
    if (place < 0 || node.kind === 'alias') return [{ password, start, name, edits: undefined }];
    searchFrom = place + line.length;
    const passwordStart = start + place + colon + 1;
    const passwordEnd = start + place + line.length;
    const edits = (hash: string): TextEdit[] => [{ start: passwordStart, end: passwordEnd, replacement: hash }];
    return [{ password, start: passwordStart, name, edits }];
  });
}

/** `passwd` and `hashed_passwd` that hold no hash. */
export function brokenHashes(source: YamlSource): YamlPair[] {
  const root = source.root === undefined ? undefined : followAlias(source.root);
  if (root?.kind !== 'mapping') return [];
  return usersOf(root).flatMap((user) =>
    ['passwd', 'hashed_passwd'].flatMap((key) => {
      const pair = pairOf(user, key);
      const text = pair === undefined ? undefined : textOf(pair.value);
      return pair === undefined || text === undefined || text === '' || isShadowField(text) ? [] : [pair];
    }),
  );
}

/** Also true for the words that ask cloud-init for a random password. */
function isChpasswdHash(text: string): boolean {
  return CHPASSWD_HASH.test(text) || text === 'R' || text === 'RANDOM';
}

/** Single quotes: the hash holds "$" and "/", which no YAML style minds, and no quote. */
function quotedHash(pair: YamlPair, hash: string): TextEdit[] {
  return [{ ...rangeOf(pair.value), replacement: `'${hash}'` }];
}

function valueOf(mapping: YamlMapping, key: string): Exclude<YamlNode, { kind: 'alias' }> | undefined {
  const pair = pairOf(mapping, key);
  return pair === undefined ? undefined : followAlias(pair.value);
}

function textOf(node: YamlNode): string | undefined {
  const target = followAlias(node);
  return target.kind === 'scalar' && target.style !== 'absent' ? target.text : undefined;
}

/** Of an alias, its own place: what it stands for may be something else, too. */
function rangeOf(node: YamlNode): { readonly start: number; readonly end: number } {
  return { start: node.start, end: node.kind === 'scalar' || node.kind === 'alias' ? node.end : node.start };
}
