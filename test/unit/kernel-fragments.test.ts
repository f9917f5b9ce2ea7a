import { readdirSync, readFileSync } from 'node:fs';
import { load } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import { mergeFragments } from '../../src/domain/kernel-config.js';

type Requirements = {
  readonly source: string;
  readonly on?: readonly (readonly string[])[];
  readonly builtIn?: readonly (readonly string[])[];
  readonly off?: readonly string[];
  readonly except?: Readonly<Record<string, string>>;
};

const folder = new URL('../../boards/kernel/', import.meta.url);
const fixture = new URL('../fixtures/kernel-requirements.yaml', import.meta.url);
const fragments = readdirSync(folder)
  .filter((name) => name.endsWith('.config'))
  .map((name) => ({ file: `boards/kernel/${name}`, text: readFileSync(new URL(name, folder), 'utf8') }));
const merged = mergeFragments(fragments);
const asked = new Map(merged.requests.map(({ name, value }) => [name.replace(/^CONFIG_/, ''), value]));
const isOn = (name: string) => ['y', 'm'].includes(asked.get(name) ?? 'n');
const lists = load(readFileSync(fixture, 'utf8')) as readonly Requirements[];

describe('kernel fragments', () => {
  it('are free of malformed lines and of contradictions', () => {
    expect(merged.problems).toEqual([]);
  });

  it('start with a comment that says what they are for', () => {
    expect(fragments.filter(({ text }) => !text.startsWith('# ')).map(({ file }) => file)).toEqual([]);
  });

  it.each(lists)('satisfy: $source', ({ on = [], builtIn = [], off = [], except = {} }) => {
    const missing = {
      on: on.flat().filter((name) => !isOn(name)),
      builtIn: builtIn.flat().filter((name) => asked.get(name) !== 'y'),
      off: off.filter(isOn),
      // An exception that has been lifted should not stay on the list.
      except: Object.keys(except).filter(isOn),
    };
    expect(missing).toEqual({ on: [], builtIn: [], off: [], except: [] });
  });
});
