import { gunzipSync } from 'node:zlib';
import { describePath } from '../../config/wording.js';
import type { Path, YamlSource } from '../../config/yaml-source.js';
import type { Problem } from '../../errors.js';
import { asMapping } from '../yaml/cloud-init-yaml.js';
import type { Findings } from '../text/findings.js';
import { IMAGE_GROUPS, IMAGE_USERS } from '../image/accounts.js';
import { listOf, isTrue } from '../login/plain-values.js';
import { userEntries } from '../login/user-entries.js';

/**
 * `write_files`: whether the content can be unpacked, the mode can be read, and the owner exists when the file is
 * written (cc_write_files of cloud-init 25.1). One file that fails keeps all that follow from being written.
 *
 * Codes: `write-files-undecodable`, `write-files-permissions`, `write-files-owner`; warnings `seed-unchecked`,
 * `write-files-owner-unknown`, `write-files-home`.
 */
export function writtenFiles(source: YamlSource): Findings {
  const config = asMapping(source.value) ?? {};
  const files = Array.isArray(config['write_files']) ? (config['write_files'] as readonly unknown[]) : [];
  const made = namesMade(config);
  const each = files.map((item, index) => checkFile(asMapping(item) ?? {}, ['write_files', index], source, made));
  return {
    problems: each.flatMap(({ problems }) => problems),
    warnings: each.flatMap(({ warnings }) => warnings),
  };
}

type Mapping = Readonly<Record<string, unknown>>;
type Names = { readonly users: ReadonlySet<string>; readonly groups: ReadonlySet<string> };

/** Users and groups that the seed makes; each user gets a group of its name. */
function namesMade(config: Mapping): Names {
  const entries = userEntries(config);
  const users = new Set(entries.map(({ name }) => name));
  const listed = typeof config['groups'] === 'string' ? config['groups'].split(',') : listOf(config['groups']);
  const groups = listed.flatMap((group) =>
    typeof group === 'string' ? [group.trim()] : Object.keys(asMapping(group) ?? {}),
  );
  return { users, groups: new Set([...users, ...groups]) };
}

function checkFile(file: Mapping, path: Path, source: YamlSource, made: Names): Findings {
  const at = (key: string, code: string, message: string, hint: string): Problem => {
    const place = [...path, key];
    return { code, message: `"${describePath(place)}" ${message}`, hint, file: source.file, ...source.locate(place) };
  };
  const problems: Problem[] = [];
  const warnings: Problem[] = [];
  const { content, encoding, permissions, owner } = file;
  if (typeof content === 'string' && decodedContent(content, encoding) === undefined) {
    const message = `cannot be unpacked as ${String(encoding)}: cloud-init would write neither this file nor those after it`;
    problems.push(at('content', 'write-files-undecodable', message, hintForEncoding(encoding)));
  }
  if (typeof permissions === 'string' && !isOctal(permissions)) {
    const message = 'is no mode in octal digits: cloud-init would write the file with 0644';
    problems.push(at('permissions', 'write-files-permissions', message, `Write it like '0755'.`));
  }
  if (typeof file['source'] === 'object' && file['source'] !== null) {
    const message = 'names a file elsewhere: what it holds is known on the device only, and not checked here';
    warnings.push(at('source', 'seed-unchecked', message, 'Check it on its own.'));
  }
  const home = typeof file['path'] === 'string' ? /^\/home\/([^/]+)\/./.exec(file['path'])?.[1] : undefined;
  if (home !== undefined && made.users.has(home) && !isTrue(file['defer'])) {
    const message = `is in the home of "${home}", who does not exist yet when files are written: root would own the home`;
    warnings.push(at('path', 'write-files-home', message, DEFER));
  }
  if (typeof owner === 'string') {
    const unknown = unknownOwner(owner, isTrue(file['defer']), made);
    if (unknown?.isMade === true) {
      const message = `is "${unknown.name}", which does not exist yet when files are written: neither this file's owner nor the files after it would be right`;
      problems.push(at('owner', 'write-files-owner', message, DEFER));
    } else if (unknown !== undefined) {
      const message = `is "${unknown.name}", and neither the image nor the seed has such a name: files after this one are not written`;
      warnings.push(
        at(
          'owner',
          'write-files-owner-unknown',
          message,
          'A package of the build may bring it; otherwise add it to "users" or "groups".',
        ),
      );
    }
  }
  return { problems, warnings };
}

/**
 * The bytes that a file gets; undefined where they cannot be unpacked. Python's base64 passes over what is no base64
 * and minds the padding; an encoding that cloud-init does not know is none.
 */
export function decodedContent(content: string, encoding: unknown): Buffer | undefined {
  const name = typeof encoding === 'string' ? encoding.toLowerCase().trim() : '';
  const isBase64 = /^((gz|gzip)\+)?(b64|base64)$/.test(name);
  const isGzip = /^(gz|gzip)(\+(b64|base64))?$/.test(name);
  const bytes = isBase64 ? pythonBase64(content) : Buffer.from(content);
  if (bytes === undefined || !isGzip) return bytes;
  // `!!binary` is read as characters of Latin-1.
  return gunzipped(bytes) ?? (isBase64 ? undefined : gunzipped(Buffer.from(content, 'latin1')));
}

function gunzipped(bytes: Buffer): Buffer | undefined {
  try {
    return gunzipSync(bytes);
  } catch {
    return undefined;
  }
}

/** binascii.a2b_base64 without strict mode: groups of four characters, the last one filled up with "=". */
function pythonBase64(text: string): Buffer | undefined {
  let digits = '';
  let padding = 0;
  for (const character of text) {
    if (character === '=') {
      padding += 1;
      if (digits.length % 4 >= 2 && (digits.length % 4) + padding >= 4) return Buffer.from(digits, 'base64');
    } else if (/[A-Za-z0-9+/]/.test(character)) {
      digits += character;
      padding = 0;
    }
  }
  return digits.length % 4 === 0 ? Buffer.from(digits, 'base64') : undefined;
}

const DEFER = 'Add "defer: true": the file is then written after users are made.';

function hintForEncoding(encoding: unknown): string {
  const isBase64 = typeof encoding === 'string' && /b(ase)?64/i.test(encoding);
  return isBase64
    ? 'Make it with "base64 -w0 FILE" (or "gzip -c FILE | base64 -w0" for gz+b64), and copy all of it with its "=".'
    : 'Text cannot hold gzip: write "encoding: gz+b64" and the output of "gzip -c FILE | base64 -w0".';
}

/** What Python's int(text, 8) reads. */
function isOctal(text: string): boolean {
  return /^\s*[+-]?(0[oO]_?)?[0-7]+(_[0-7]+)*\s*$/.test(text);
}

/** The first part of "user:group" that is not there when the file is written. `root`'s numbers are what a file gets anyway. */
function unknownOwner(
  owner: string,
  isDeferred: boolean,
  made: Names,
): { readonly name: string; readonly isMade: boolean } | undefined {
  const [user = '', group = ''] = owner.split(':', 2).map((name) => name.trim());
  const missing = (name: string, present: ReadonlySet<string>, later: ReadonlySet<string>): boolean =>
    name !== '' && !/^(0|-1|none)$/i.test(name) && !present.has(name) && !(isDeferred && later.has(name));
  if (missing(user, IMAGE_USERS, made.users)) return { name: user, isMade: made.users.has(user) };
  if (missing(group, IMAGE_GROUPS, made.groups)) return { name: group, isMade: made.groups.has(group) };
  return undefined;
}
