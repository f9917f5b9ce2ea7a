import type { Place, TinyValues } from './tiny-values.js';

/** A file of `write_files`. */
export type TinyFile = {
  readonly path: string;
  /** Permission bits. */
  readonly mode: number;
  readonly isAppended: boolean;
  readonly content: Buffer;
};

const LONGEST_PATH_BYTES = 1000;
const LONGEST_NAME_BYTES = 255;

/** One entry; undefined, after a note, where anything of it is outside of the subset. */
export function writtenFile(entry: Place, values: TinyValues): TinyFile | undefined {
  const before = values.problems.length;
  const file = { path: '', mode: 0o644, isAppended: false, content: '', isBase64: false };
  const fields = values.fields(entry, {
    path: (place) => {
      file.path = values.line(place) ?? '';
      const fault = file.path === '' ? undefined : pathFault(file.path);
      if (fault !== undefined) values.refuse(place, fault);
    },
    content: (place) => {
      file.content = values.text(place) ?? '';
    },
    encoding: (place) => {
      const encoding = values.text(place);
      file.isBase64 = encoding === 'b64' || encoding === 'base64';
      if (encoding === undefined || encoding === 'text/plain' || file.isBase64) return;
      values.refuse(place, `can only be text/plain, b64 or base64 on a tiny system, not "${encoding}"`);
    },
    permissions: (place) => {
      file.mode = permissions(place, values);
    },
    append: (place) => {
      file.isAppended = values.truth(place) === true;
    },
    owner: (place) => {
      const owner = values.text(place);
      if (owner === undefined || owner === 'root' || owner === 'root:root') return;
      values.refuse(place, `can only be root:root: a tiny system has no user "${owner}"`);
    },
  });
  if (values.isMapping(entry) && !fields.has('path')) values.refuse(entry, 'must have a "path" in each entry');
  const content = file.isBase64 ? fromBase64(file.content) : Buffer.from(file.content);
  if (content === undefined) {
    const hint = 'Make it with "base64 -w0 FILE", and copy all of it with its "=".';
    values.refuse(fields.get('content') ?? entry, 'cannot be unpacked as base64', hint);
  } else if (content.subarray(0, 2).equals(Buffer.from('#!')) && content.includes('\r\n')) {
    const hint = 'Save the script with LF line ends and put it in again, as a block after "|".';
    values.refuse(fields.get('content') ?? entry, 'is a script with line ends of Windows (CR LF)', hint);
  }
  if (values.problems.length > before || content === undefined) return undefined;
  values.takeBytes(entry, content.length);
  return { path: file.path, mode: file.mode, isAppended: file.isAppended, content };
}

function pathFault(path: string): string | undefined {
  if (!path.startsWith('/')) return 'must begin with "/"';
  if (path.endsWith('/') || path.endsWith(' ')) return 'is not the path of a file';
  if (Buffer.byteLength(path) > LONGEST_PATH_BYTES) return `is longer than ${LONGEST_PATH_BYTES} bytes`;
  const isOdd = path.split('/').some((name) => name === '..' || Buffer.byteLength(name) > LONGEST_NAME_BYTES);
  return isOdd ? `must not hold ".." or a name over ${LONGEST_NAME_BYTES} bytes` : undefined;
}

/** '0644' as text, or 0644, which YAML 1.1 reads as octal; 644 without quotes would be the mode 1204. */
function permissions(place: Place, values: TinyValues): number {
  const written = values.octal(place);
  if (written !== undefined && /^(?:0?[0-7]{3}|0?[1-7][0-7]{3})$/.test(written)) return Number.parseInt(written, 8);
  values.refuse(place, 'must be a mode in octal digits', `Write it in quotes, like '0755'.`);
  return 0;
}

/** Strict about digits and padding, where Python passes over what is no base64. */
function fromBase64(text: string): Buffer | undefined {
  const digits = text.replace(/[ \t\r\n]/g, '');
  const isWhole = /^[A-Za-z0-9+/]*={0,2}$/.test(digits) && digits.length % 4 === 0;
  return isWhole ? Buffer.from(digits, 'base64') : undefined;
}
