import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const PROJECT = join(import.meta.dirname, '../..');

it('docs/writing-to-cards.md explains every reason to refuse a drive, and no other', async () => {
  const source = await readFile(join(PROJECT, 'src/drives/refusals.ts'), 'utf8');
  const union = /type RefusalReason =([^;]*);/.exec(source)?.[1] ?? '';
  const reasons = [...union.matchAll(/'([a-z-]+)'/g)].map((match) => match[1]);
  expect(reasons.length).toBeGreaterThan(10);
  const document = await readFile(join(PROJECT, 'docs/writing-to-cards.md'), 'utf8');
  const explained = [...document.matchAll(/^\| `([a-z-]+)` /gm)].map((match) => match[1]);
  expect(explained.sort()).toEqual(reasons.sort());
});
