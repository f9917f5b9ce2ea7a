import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readPlainScalar } from '../../../../src/seeds/yaml/pyyaml-scalars.js';

/** What PyYAML 6.0.2 of Debian trixie says; the script that asked it stands in the file. */
const { scalars } = JSON.parse(readFileSync('test/fixtures/pyyaml/answers.json', 'utf8')) as {
  readonly scalars: readonly (readonly [text: string, kind: string, written: string])[];
};
/** Those that are no plain scalars, but YAML's own signs. */
const SIGNS = ['-', '?', ':', '1:', '64:ff9b::', '%a%'];

describe('a plain scalar', () => {
  it('comes in a table of at least 200', () => {
    expect(scalars.length).toBeGreaterThan(200);
  });

  it.each(scalars.filter(([text]) => !SIGNS.includes(text)))(
    '%j is %s to PyYAML, written as %j',
    (text, kind, written) => {
      const read = readPlainScalar(text);
      expect(read.kind).toBe(kind);
      if (read.kind !== 'fault') expect(read.deviceText).toBe(written);
    },
  );
});
