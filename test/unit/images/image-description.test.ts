import { readFile } from 'node:fs/promises';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { imageDescriptionJsonSchema, parseImageDescription } from '../../../src/images/image-description.js';
import { exampleDescription } from '../../helpers/example-description.js';

const SCHEMA = new URL('../../../docs/schemas/image.schema.json', import.meta.url);
const example = exampleDescription({ name: 'a.img', sizeBytes: 5 });

describe('docs/schemas/image.schema.json', () => {
  it('is what the code generates: run `npm run schema` after a change', async () => {
    expect(JSON.parse(await readFile(SCHEMA, 'utf8'))).toEqual(imageDescriptionJsonSchema());
  });

  it('tells what each key means', () => {
    const undescribed: string[] = [];
    const visit = (node: unknown, path: string): void => {
      if (typeof node !== 'object' || node === null) return;
      const { properties, items } = node as { properties?: Record<string, object>; items?: unknown };
      for (const [key, child] of Object.entries(properties ?? {})) {
        if (!('description' in child) && !('const' in child)) undescribed.push(`${path}.${key}`);
        visit(child, `${path}.${key}`);
      }
      visit(items, `${path}[]`);
    };
    visit(imageDescriptionJsonSchema(), '');
    expect(undescribed).toEqual([]);
  });

  it('accepts a description and refuses one with an unknown key', () => {
    const validate = new Ajv2020().compile(imageDescriptionJsonSchema());
    expect(validate(example), JSON.stringify(validate.errors)).toBe(true);
    expect(validate({ ...example, seed: 'x' })).toBe(false);
  });
});

describe('a description that is read', () => {
  it('is the one that was written', () => {
    expect(parseImageDescription(JSON.stringify(example))).toEqual(example);
  });

  it.each(['', '{', '[]', '{"format":2}', JSON.stringify({ ...example, key: 'k' })])('is not taken from %j', (text) => {
    expect(parseImageDescription(text)).toBeUndefined();
  });
});
