import { readFile, readdir } from 'node:fs/promises';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { load } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import { withKeyList } from '../../../src/config/schemas/key-list.js';
import { layerJsonSchema } from '../../../src/config/schemas/layer-json-schema.js';
import { workloadJsonSchema } from '../../../src/config/schemas/workload-json-schema.js';
import { systemJsonSchema } from '../../../src/config/schemas/system-json-schema.js';

const project = new URL('../../../', import.meta.url);
const read = (path: string) => readFile(new URL(path, project), 'utf8');

const KINDS = [
  { kind: 'system', schema: systemJsonSchema(), file: 'systems/system.schema.json', page: 'docs/systems.md' },
  { kind: 'layer', schema: layerJsonSchema(), file: 'layers/layer.schema.json', page: 'docs/layers.md' },
  { kind: 'workload', schema: workloadJsonSchema(), file: 'workloads/workload.schema.json', page: 'docs/minimal.md' },
];

async function shippedFiles(kind: string): Promise<string[]> {
  if (kind !== 'layer') {
    const folder = `${kind}s/`;
    return (await readdir(new URL(folder, project)))
      .filter((name) => name.endsWith('.yaml'))
      .map((name) => `${folder}${name}`);
  }
  const entries = await readdir(new URL('layers/', project), { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => `layers/${name}/layer.yaml`);
}

describe.each(KINDS)('the schema of a $kind', ({ kind, schema, file, page }) => {
  it('is what the code generates: run `npm run schema` after a change', async () => {
    expect(JSON.parse(await read(file))).toEqual(schema);
    const text = await read(page);
    expect(withKeyList(text, schema)).toBe(text);
  });

  it('describes every key, for editors', () => {
    const undescribed: string[] = [];
    const visit = (node: unknown, path: string): void => {
      if (typeof node !== 'object' || node === null) return;
      const { properties, items, anyOf } = node as {
        properties?: Record<string, object>;
        items?: unknown;
        anyOf?: unknown[];
      };
      for (const [key, child] of Object.entries(properties ?? {})) {
        if (!('description' in child)) undescribed.push(`${path}.${key}`);
        visit(child, `${path}.${key}`);
      }
      visit(items, `${path}[]`);
      for (const one of anyOf ?? []) visit(one, path);
    };
    visit(schema, '');
    expect(undescribed).toEqual([]);
  });

  it('accepts every shipped file, each of which names it, and refuses a key that is not known', async () => {
    const validate = new Ajv2020({ strict: false }).compile(schema);
    const files = await shippedFiles(kind);
    expect(files.length).toBeGreaterThanOrEqual(1);
    for (const path of files) {
      const text = await read(path);
      const up = '../'.repeat(path.split('/').length - 2);
      expect(text.split('\n')[0]).toBe(
        `# yaml-language-server: $schema=${up === '' ? './' : up}${file.split('/')[1] ?? ''}`,
      );
      const value = load(text);
      validate(value);
      expect({ path, errors: validate.errors }).toEqual({ path, errors: null });
      expect(validate({ ...(value as object), descriptoin: 'x' })).toBe(false);
    }
  });
});
