import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readSeedYaml, yamlFindings } from '../../../../src/seeds/yaml/cloud-init-yaml.js';

/** What PyYAML 6.0.2 of Debian trixie says of whole documents; null where it fails. */
const { documents } = JSON.parse(readFileSync('test/fixtures/pyyaml/answers.json', 'utf8')) as {
  readonly documents: readonly (readonly [text: string, value: unknown])[];
};
/** PyYAML takes a comment right behind a quote or a bracket, and `?` without a key; nobody means that, and we do not. */
const NO_YAML = ['? \n: a\n', "a: 'b'#c\n", 'a: [b]#c\n'];
const problems = (text: string) => yamlFindings(readSeedYaml({ file: 'x', text })).problems;

/** Numbers are compared as numbers: how they are written down again is tested with the scalars. */
function same(value: unknown, answer: unknown): boolean {
  if (Array.isArray(value)) {
    return Array.isArray(answer) && value.length === answer.length && value.every((item, at) => same(item, answer[at]));
  }
  if (value instanceof Date) return value.toISOString().startsWith(String(answer));
  if (typeof value === 'object' && value !== null) {
    const expected = Object.entries(answer as Readonly<Record<string, unknown>>);
    const found = value instanceof Set ? [...value].map((key) => [String(key), null] as const) : Object.entries(value);
    return (
      expected.length === found.length &&
      found.every(([key, item], at) =>
        key === expected[at]?.[0] || Number(key) === Number(expected[at]?.[0]) ? same(item, expected[at]?.[1]) : false,
      )
    );
  }
  if (typeof value === 'number') return answer === '.inf' ? value === Infinity : value === Number(answer);
  return (value === null || value === undefined ? 'null' : (value as string | boolean).toString()) === answer;
}

describe('a YAML document', () => {
  it.each([...documents.filter(([, value]) => value === null), ...NO_YAML.map((text) => [text, null] as const)])(
    '%j is refused, as PyYAML does',
    (text) => {
      expect(problems(text)).not.toEqual([]);
    },
  );

  it.each(documents.filter(([text, value]) => value !== null && !NO_YAML.includes(text)))(
    '%j is read, as PyYAML does',
    (text, answer) => {
      expect(problems(text)).toEqual([]);
      const { value } = readSeedYaml({ file: 'x', text });
      if (answer !== 'recursive') expect(same(value, answer), JSON.stringify({ value, answer })).toBe(true);
    },
  );
});

describe('a key that is no text', () => {
  it.each([
    ['On: a\n', 'the key On is a truth value to cloud-init, not text: on the device it is "true"'],
    ['0123: a\n', 'the key 0123 is a number to cloud-init, not text: on the device it is "83"'],
    ['12:34: a\n', 'the key 12:34 is a number to cloud-init, not text: on the device it is "754"'],
    ['~: a\n', 'the key ~ is nothing to cloud-init, not text: on the device it is "null"'],
    ['2024-01-01: a\n', 'the key 2024-01-01 is a date to cloud-init, not text'],
    ['a: {1.50: b}\n', 'the key 1.50 is a number to cloud-init, not text: on the device it is "1.5"'],
  ])('%j has a warning that says what comes of it', (text, message) => {
    const { problems: refused, warnings } = yamlFindings(readSeedYaml({ file: 'x', text }));
    expect(refused).toEqual([]);
    expect(warnings).toMatchObject([{ code: 'yaml-key-not-text', message, line: 1 }]);
  });

  it('has none in quotes', () => {
    expect(yamlFindings(readSeedYaml({ file: 'x', text: '"On": a\n' })).warnings).toEqual([]);
  });
});

describe('places in a document', () => {
  it('are those of the text where a bracket is indented less than its key', () => {
    const text = 'a: [\n1,\n]\nb: {\n  c: d\n}\ne: f\n';
    const source = readSeedYaml({ file: 'x', text });
    expect(source.value).toEqual({ a: [1], b: { c: 'd' }, e: 'f' });
    expect([source.locate(['a', 0]), source.locate(['b', 'c']), source.locate(['e'])]).toEqual([
      { line: 2, column: 1 },
      { line: 5, column: 6 },
      { line: 7, column: 4 },
    ]);
  });
});
