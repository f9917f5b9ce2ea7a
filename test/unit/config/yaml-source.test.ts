import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { YAML11_SCHEMA } from 'js-yaml';
import { describeProblem } from '../../../src/errors.js';
import { readYamlSource } from '../../../src/config/yaml-source.js';
import { problemsFromZod } from '../../../src/config/zod-problems.js';

const BOARD = `# a comment
id: rpi4
kernel:
  fragments:
    - base
    - name: docker
      on: {why: "it's needed", "a key": [1, 2]}
note: |
  two
  lines
empty:
`;

describe('locate', () => {
  const source = readYamlSource(BOARD, 'rpi4.yaml');

  it.each([
    [['id'], 'value', 2, 5],
    [['id'], 'key', 2, 1],
    [['kernel'], 'value', 3, 1],
    [['kernel', 'fragments'], 'value', 4, 3],
    [['kernel', 'fragments', 0], 'value', 5, 7],
    [['kernel', 'fragments', 1, 'name'], 'value', 6, 13],
    [['kernel', 'fragments', 1, 'on'], 'value', 7, 11],
    [['kernel', 'fragments', 1, 'on', 'why'], 'value', 7, 17],
    [['kernel', 'fragments', 1, 'on', 'a key'], 'key', 7, 32],
    [['kernel', 'fragments', 1, 'on', 'a key', 1], 'value', 7, 45],
    [['note'], 'value', 8, 7],
    [['empty'], 'value', 11, 1],
  ] as const)('finds %j (%s) in line %i, column %i', (path, part, line, column) => {
    expect(source.locate(path, part)).toEqual({ line, column });
  });

  it.each([
    [['kernel', 'modules', 'x'], 3, 1],
    [['kernel', 'fragments', 7], 4, 3],
    [['nothing'], 2, 1],
    [['id', 'below-a-scalar'], 2, 5],
  ] as const)('shows the deepest part that exists of %j', (path, line, column) => {
    expect(source.locate(path)).toEqual({ line, column });
  });

  it('counts lines that end in CR LF once, and a BOM not at all', () => {
    expect(readYamlSource('a: 1\r\nb:\r\n  c: 2\r\n', 'x').locate(['b', 'c'])).toEqual({ line: 3, column: 6 });
    expect(readYamlSource('\uFEFFa: 1\nb: 2\n', 'x').locate(['b'])).toEqual({ line: 2, column: 4 });
  });

  it('follows aliases and merge keys to what they stand for', () => {
    const text = 'base: &base\n  size: 3\none: *base\ntwo:\n  <<: *base\n  name: x\n';
    const source = readYamlSource(text, 'x', { schema: YAML11_SCHEMA });
    expect(source.locate(['one', 'size'])).toEqual({ line: 2, column: 9 });
    expect(source.locate(['two', 'size'])).toEqual({ line: 2, column: 9 });
    expect(source.value).toMatchObject({ two: { size: 3, name: 'x' } });
  });
});

describe('readYamlSource', () => {
  it.each(['', '\n', '# only a comment\n'])('gives no value and no problem for %j', (text) => {
    expect(readYamlSource(text, 'x')).toMatchObject({ value: undefined, problems: [] });
  });

  it.each([
    ['a: 1\nb:\n\tc: 1\n', 'yaml-tab', 3, 1],
    ['a: 1\nb: [1, 2\nc: 3\n', 'yaml-syntax', 3, 1],
    ['a: b: c\n', 'yaml-syntax', 1, 5],
    ['a: "open\n', 'yaml-syntax', 2, 1],
    ['- 1\nb: 2\n', 'yaml-syntax', 2, 1],
    ['a: *nobody\n', 'yaml-syntax', 1, 5],
    ['a: 1\nb: 2\na: 3\n', 'yaml-duplicate-key', 3, 1],
    ['a:\n  - x: 1\n    "x": 2\n', 'yaml-duplicate-key', 3, 5],
    ['a: 1\n---\nb: 2\n', 'yaml-many-documents', 3, 1],
  ])('reports %j as %s at its place', (text, code, line, column) => {
    const { problems } = readYamlSource(text, 'seed.yaml');
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatchObject({ code, line, column, file: 'seed.yaml' });
    expect(problems[0]?.hint).toBeTruthy();
  });

  it('reports every duplicate key and still gives the value', () => {
    const source = readYamlSource('a: 1\na: 2\nb: {c: 1, c: 2}\n', 'x');
    expect(source.problems.map(({ line, column }) => [line, column])).toEqual([
      [2, 1],
      [3, 11],
    ]);
    expect(source.value).toEqual({ a: 2, b: { c: 2 } });
  });

  it('survives an anchor that holds itself', () => {
    expect(readYamlSource('a: &a [*a]\n', 'x').locate(['a', 0])).toMatchObject({ line: 1 });
  });
});

describe('problemsFromZod', () => {
  const schema = z.strictObject({
    name: z.string(),
    size: z.union([z.literal('auto'), z.number().int().positive()]).optional(),
    fs: z.enum(['fat32', 'ext4']).optional(),
    parts: z.array(z.strictObject({ label: z.string().max(11), on: z.boolean().optional() })).optional(),
    source: z.union([z.string(), z.strictObject({ package: z.string(), path: z.string() })]).optional(),
    extra: z.record(z.string().regex(/^[a-z]+$/), z.number()).optional(),
    password: z.string().optional(),
    step: z
      .number()
      .refine((value) => value % 4 === 0, {
        error: 'not a multiple of 4',
        params: { code: 'not-aligned', hint: 'Take 8.' },
      })
      .optional(),
  });

  function check(text: string): string[] {
    const source = readYamlSource(text, 'b.yaml');
    const result = schema.safeParse(source.value);
    if (result.success) return [];
    const options = { schema, isSecret: (path: readonly (string | number)[]) => path.at(-1) === 'password' };
    return problemsFromZod(result.error, source, 'b.yaml', options).map(
      (problem) => `${problem.code} ${describeProblem(problem)}${problem.hint === undefined ? '' : ` ${problem.hint}`}`,
    );
  }

  it.each([
    ['name: x\nsise: 1\n', 'unknown-key b.yaml:2:1: "sise" is not a key that is known Did you mean "size"?'],
    [
      'name: x\nparts:\n  - label: a\n    onn: true\n',
      'unknown-key b.yaml:4:5: "onn" is not a key that is known in "parts[0]" Did you mean "on"?',
    ],
    ['size: auto\n', 'missing-key b.yaml:1:1: "name" is missing'],
    ['nmae: x\n', 'unknown-key b.yaml:1:1: "nmae" is not a key that is known Did you mean "name"?'],
    ['name: 5\n', 'wrong-type b.yaml:1:7: "name" must be text, found the number 5 Put it in quotes.'],
    ['name: x\nsize: big\n', 'wrong-type b.yaml:2:7: "size" must be "auto" or a number, found the text "big"'],
    [
      'name: x\nfs: ext5\n',
      'invalid-value b.yaml:2:5: "fs" must be "fat32" or "ext4", found the text "ext5" Did you mean "ext4"?',
    ],
    [
      'name: x\nsource: {package: p, paht: q}\n',
      'unknown-key b.yaml:2:22: "paht" is not a key that is known in "source" Did you mean "path"?',
    ],
    ['name: x\nparts:\n', 'wrong-type b.yaml:2:1: "parts" must be a list, found nothing'],
    ['name: x\nstep: 6\n', 'not-aligned b.yaml:2:7: not a multiple of 4 Take 8.'],
    ['name: x\npassword: 12345\n', 'wrong-type b.yaml:2:11: "password" must be text, found a number Put it in quotes.'],
  ])('turns %j into a problem with its place', (text, expected) => {
    expect(check(text)).toEqual([expected]);
  });

  it('reports all problems of a file at once', () => {
    expect(
      check('name: 5\nfs: q\nparts: [{label: abcdefghijklmnop}]\nextra: {A: 1}\n').map((line) => line.split(' ')[0]),
    ).toEqual(['wrong-type', 'invalid-value', 'invalid-value', 'invalid-value']);
  });
});
