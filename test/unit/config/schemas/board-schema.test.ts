import { readFile, readdir } from 'node:fs/promises';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { load } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import { boardJsonSchema } from '../../../../src/config/schemas/board-json-schema.js';
import { withKeyList } from '../../../../src/config/schemas/key-list.js';

const boards = new URL('../../../../boards/', import.meta.url);

async function read(name: string): Promise<string> {
  return readFile(new URL(name, boards), 'utf8');
}

async function yamlFiles(): Promise<string[]> {
  const shipped = await readdir(boards);
  const families = await readdir(new URL('families/', boards));
  return [...shipped, ...families.map((name) => `families/${name}`)].filter((name) => name.endsWith('.yaml'));
}

describe('docs/boards.md', () => {
  it('lists every key as the code describes it: run `npm run schema` after a change', async () => {
    const text = await readFile(new URL('../docs/boards.md', boards), 'utf8');
    expect(withKeyList(text)).toBe(text);
    expect(text).toContain('- `partitions.boot.size` (text, default `auto`): ');
  });
});

describe('boards/board.schema.json', () => {
  it('is what the code generates: run `npm run schema` after a change', async () => {
    expect(JSON.parse(await read('board.schema.json'))).toEqual(boardJsonSchema());
  });

  it('describes every key, for editors', () => {
    const undescribed: string[] = [];
    const visit = (node: unknown, path: string): void => {
      if (typeof node !== 'object' || node === null) return;
      const { properties, items } = node as { properties?: Record<string, object>; items?: unknown };
      for (const [key, child] of Object.entries(properties ?? {})) {
        if (!('description' in child)) undescribed.push(`${path}.${key}`);
        visit(child, `${path}.${key}`);
      }
      visit(items, `${path}[]`);
    };
    visit(boardJsonSchema(), '');
    expect(undescribed).toEqual([]);
  });

  it('accepts every shipped board and family, each of which names it', async () => {
    const ajv = new Ajv2020({ strict: false });
    const validate = ajv.compile(boardJsonSchema());
    const files = await yamlFiles();
    expect(files.length).toBeGreaterThanOrEqual(3);
    for (const file of files) {
      const text = await read(file);
      const schema = file.includes('/') ? '../board.schema.json' : './board.schema.json';
      expect(text.split('\n')[0]).toBe(`# yaml-language-server: $schema=${schema}`);
      validate(load(text));
      expect({ file, errors: validate.errors }).toEqual({ file, errors: null });
    }
  });

  it('refuses a key that is not known, also below', () => {
    const validate = new Ajv2020({ strict: false }).compile(boardJsonSchema());
    expect(validate({ partitions: { root: { headrom: '1M' } } })).toBe(false);
    expect(validate({ partitions: { root: { headroom: '1M' } } })).toBe(true);
  });
  it('lets a board change a part of a profile that it takes over', () => {
    const validate = new Ajv2020({ strict: false }).compile(boardJsonSchema());
    const image = { name: 'tiny.img', compression: 'none' };
    expect(validate({ kernel: { profiles: { tiny: { image } } } })).toBe(true);
    expect(validate({ kernel: { profiles: { tiny: { imgae: image } } } })).toBe(false);
    expect(validate({ kernel: { profiles: { Tiny: { image } } } })).toBe(false);
  });
});
