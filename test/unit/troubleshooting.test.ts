import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Codes as they are thrown or reported: `new UserError('code', …`, `code: 'code'`, `refuse('code', …`, `at('code', …`. */
const THROWN = /\b(?:UserError|ReswarmError|CommandError|IntegrityError|NetworkError)\(\s*'([a-z0-9-]+)'/g;
const REPORTED = /[{ ]code: '([a-z0-9-]+)'/g;
/** Shorthands of one file each; the code is the first word in quotes with a hyphen in it. */
const SHORTHAND = /\b(?:refuse|at|label)\((?:[^'\n]*\[[^\]\n]*\], |'\w+', \d+, )?\s*'([a-z]+(?:-[a-z]+)+)'/g;
/** What ends a boot check. */
const FATAL = /(?<=type FatalCode = [^;]*)'([a-z-]+)'/g;

async function codesInSource(): Promise<Set<string>> {
  const folder = join(root, 'src');
  const files = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.ts'));
  const texts = await Promise.all(files.map((name) => readFile(join(folder, name), 'utf8')));
  const matches = texts.flatMap((text) =>
    [THROWN, REPORTED, SHORTHAND, FATAL].flatMap((pattern) => [...text.matchAll(pattern)]),
  );
  return new Set(matches.map((match) => match[1] ?? ''));
}

it('docs/troubleshooting.md explains every code that an error can have', async () => {
  const document = await readFile(join(root, 'docs', 'troubleshooting.md'), 'utf8');
  const codes = await codesInSource();
  expect(codes.size).toBeGreaterThan(50);
  expect([...codes].filter((code) => !document.includes(`\`${code}\``)).sort()).toEqual([]);
});
