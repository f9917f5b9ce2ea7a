import type { Position } from '../../config/yaml-source.js';
import type { Problem } from '../../errors.js';
import { NOTHING_FOUND } from '../text/findings.js';
import type { SeedFile } from '../text/seed.js';
import type { Part, Parts } from './parts.js';

/** cloud-init looks for the words in the first 4096 bytes only (convert_string of cloudinit/user_data.py, 25.1). */
const MARK = 'mime-version:';
const MARK_WITHIN = 4096;

/**
 * The parts of a MIME message, those of nested messages among them. Codes: `mime-not-recognised`, `mime-broken`,
 * `mime-no-parts`.
 */
export function mimeParts(file: SeedFile): Parts {
  const problem = (code: string, message: string, hint: string, line = 1): Problem => ({
    code,
    message,
    hint,
    file: file.file,
    line,
    column: 1,
  });
  if (!file.text.slice(0, MARK_WITHIN).toLowerCase().includes(MARK)) {
    const message =
      'there is no "MIME-Version" in the header: cloud-init would not take this for a MIME message, and ignore it';
    const found = problem('mime-not-recognised', message, 'Add the line "MIME-Version: 1.0" to the header.');
    return { parts: [], findings: { problems: [found], warnings: [] } };
  }
  const lines = file.text.split('\n').map((text, index) => ({ text: text.replace(/\r$/, ''), number: index + 1 }));
  const problems: Problem[] = [];
  const parts = readEntity(lines, (message, hint, line) => problems.push(problem('mime-broken', message, hint, line)));
  if (parts.length === 0 && problems.length === 0) {
    problems.push(
      problem('mime-no-parts', 'there is no part in this MIME message', 'Begin each part with "--" and the boundary.'),
    );
  }
  return { parts, findings: problems.length === 0 ? NOTHING_FOUND : { problems, warnings: [] } };
}

type Line = { readonly text: string; readonly number: number };
type Report = (message: string, hint: string, line: number) => void;

function readEntity(lines: readonly Line[], report: Report): Part[] {
  const blank = lines.findIndex(({ text }) => text === '');
  const header = readHeader(blank < 0 ? lines : lines.slice(0, blank));
  const body = blank < 0 ? [] : lines.slice(blank + 1);
  const contentType = header.get('content-type') ?? 'text/plain';
  const type = contentType.split(';')[0]?.trim().toLowerCase() ?? '';
  const start = body[0]?.number ?? lines[0]?.number ?? 1;
  if (type.startsWith('multipart/')) {
    const boundary = /boundary\s*=\s*(?:"([^"]*)"|([^\s;]+))/i.exec(contentType);
    const name = boundary?.[1] ?? boundary?.[2];
    if (name === undefined) {
      report('this multipart names no boundary', 'Write boundary="…" after its Content-Type.', lines[0]?.number ?? 1);
      return [];
    }
    return split(body, name).flatMap((part) => readEntity(part, report));
  }
  const raw = body.map(({ text }) => text).join('\n');
  const encoding = (header.get('content-transfer-encoding') ?? '7bit').trim().toLowerCase();
  if (encoding === 'base64' || encoding === 'quoted-printable') {
    const text = encoding === 'base64' ? Buffer.from(raw, 'base64').toString('utf8') : fromQuotedPrintable(raw);
    return [{ text, type, place: () => ({ line: start, column: 1 }) }];
  }
  const place = (inner: Position = { line: 1, column: 1 }): Position => ({ ...inner, line: start + inner.line - 1 });
  return [{ text: raw, type, place }];
}

function readHeader(lines: readonly Line[]): ReadonlyMap<string, string> {
  const unfolded = lines
    .map(({ text }) => text)
    .join('\n')
    .replaceAll(/\n[ \t]+/g, ' ');
  return new Map(
    unfolded.split('\n').flatMap((line): [string, string][] => {
      const colon = line.indexOf(':');
      return colon < 0 ? [] : [[line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()]];
    }),
  );
}

/** What stands between the delimiter lines; a message that misses its last one ends with the text. */
function split(body: readonly Line[], boundary: string): (readonly Line[])[] {
  const parts: Line[][] = [];
  let current: Line[] | undefined;
  for (const line of body) {
    const text = line.text.trimEnd();
    if (text === `--${boundary}--`) return parts;
    if (text === `--${boundary}`) {
      current = [];
      parts.push(current);
    } else current?.push(line);
  }
  return parts;
}

function fromQuotedPrintable(text: string): string {
  const bytes = text
    .replaceAll(/=\n/g, '')
    .replaceAll(/=([0-9A-F]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1').toString('utf8');
}
