import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { load } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import { withKeyList } from '../../../src/config/schemas/key-list.js';
import { columnTitles } from '../../../src/fleet/definition/csv-columns.js';
import { deviceJsonSchema, fleetJsonSchema } from '../../../src/fleet/definition/fleet-json-schema.js';
import { readDefaultSeed } from '../../../src/seeds/compose/read-seed.js';
import { checkFleet } from '../../../src/fleet/check-fleet.js';

const read = async (name: string): Promise<string> => readFile(name, 'utf8');

describe('fleets/fleet.schema.json', () => {
  it('is what the code generates: run `npm run schema` after a change', async () => {
    expect(JSON.parse(await read('fleets/fleet.schema.json'))).toEqual(fleetJsonSchema());
  });

  it('accepts the example, which names it', async () => {
    const text = await read('fleets/example/gates.yaml');
    expect(text.split('\n')[0]).toBe('# yaml-language-server: $schema=../fleet.schema.json');
    const validate = new Ajv2020({ strict: false }).compile(fleetJsonSchema());
    validate(load(text));
    expect(validate.errors).toBeNull();
    validate({ devices: [{ name: 'a', hostnme: 'b' }] });
    expect(validate.errors).not.toBeNull();
  });
});

describe('docs/fleets.md', () => {
  it('lists every key as the code describes it: run `npm run schema` after a change', async () => {
    const text = await read('docs/fleets.md');
    expect(withKeyList(text, deviceJsonSchema())).toBe(text);
    for (const title of columnTitles()) expect(text).toContain(`- \`${title}\` (`);
  });
});

describe('the example', () => {
  it.each(['gates.yaml', 'gates.csv'])('%s is right, without a warning', async (name) => {
    const base = { seed: await readDefaultSeed('cloud-init') };
    const options = { path: join('fleets/example', name), workingFolder: '.' };
    expect(await checkFleet(options, base, new AbortController().signal)).toEqual({ devices: 3, warnings: [] });
  });
});
