import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { describeProblem } from '../../../../src/errors.js';
import { readSeedYaml } from '../../../../src/seeds/yaml/cloud-init-yaml.js';
import { loadCloudInitSchemas } from '../../../../src/seeds/schemas/cloud-init-schemas.js';
import { problemsFromSchema } from '../../../../src/seeds/schemas/schema-problems.js';
import { schemaValidator } from '../../../../src/seeds/schemas/schema-validator.js';

/** Built like cloud-init's: parts by allOf and $ref, alternatives, words of its own, and one definition in a circle. */
const SCHEMA = {
  $schema: 'http://json-schema.org/draft-04/schema#',
  $defs: {
    user: {
      type: 'object',
      oneOf: [{ required: ['name'] }, { required: ['snapuser'] }],
      additionalProperties: false,
      properties: {
        name: { type: 'string' },
        snapuser: { type: 'string' },
        uid: {
          oneOf: [
            { type: 'integer' },
            {
              type: 'string',
              deprecated: true,
              deprecated_version: '22.3',
              deprecated_description: 'Use **integer**.',
            },
          ],
        },
        friends: { type: 'array', items: { $ref: '#/$defs/user' }, minItems: 1 },
        token: { enum: ['a', 'b'] },
      },
    },
    part_a: { type: 'object', properties: { hostname: { type: 'string' }, until: { type: 'string', format: 'date' } } },
    part_b: {
      type: 'object',
      properties: {
        users: { type: ['array', 'string'], items: { oneOf: [{ type: 'string' }, { $ref: '#/$defs/user' }] } },
        devices: {
          type: 'array',
          items: {
            anyOf: [
              {
                type: 'object',
                required: ['type', 'name'],
                additionalProperties: false,
                properties: { type: { enum: ['bond'] }, name: { type: 'string' } },
              },
              {
                type: 'object',
                required: ['type', 'name', 'id'],
                additionalProperties: false,
                properties: { type: { enum: ['vlan'] }, name: { type: 'string' }, id: { type: 'integer' } },
              },
            ],
          },
        },
        sudo: { oneOf: [{ type: 'boolean' }, { enum: ['template'] }] },
        mode: { enum: ['poweroff', 'reboot'] },
        password: { type: 'string' },
      },
    },
  },
  allOf: [{ $ref: '#/$defs/part_a' }, { $ref: '#/$defs/part_b' }],
  properties: { hostname: {}, until: {}, users: {}, devices: {}, sudo: {}, mode: {}, password: {} },
  additionalProperties: false,
};
const validate = schemaValidator(SCHEMA);

function check(text: string): { problems: string[]; warnings: string[] } {
  const source = readSeedYaml({ file: 'u', text });
  const { problems, warnings } = problemsFromSchema(validate(source.value), source, 'test');
  return { problems: problems.map(describeProblem), warnings: warnings.map(describeProblem) };
}

describe('issues of a JSON schema', () => {
  it.each([
    ['hostnme: x', ['u:1:1: "hostnme" is not a test key']],
    ['hostname: 5', ['u:1:11: "hostname" must be text, found the number 5']],
    ['users: {a: b}', ['u:1:8: "users" must be a list or text, found a mapping']],
    ['users: [5]', ['u:1:9: "users[0]" must be text or a mapping, found the number 5']],
    ['users: [{name: a, snapuser: b}]', ['u:1:9: "users[0]" fits several forms of which it can have one only']],
    ['users: [{nme: x}]', ['u:1:10: "nme" is not a key that "users[0]" can have']],
    ['users: [{uid: 5}]', ['u:1:9: "users[0]" needs "name" or "snapuser"']],
    ['users: [{name: a, uid: [1]}]', ['u:1:24: "users[0].uid" must be a whole number or text, found a list']],
    [
      'users: [{name: a, friends: [{name: b, friends: [{name: 7}]}]}]',
      ['u:1:56: "users[0].friends[0].friends[0].name" must be text, found the number 7'],
    ],
    ['users: [{name: a, friends: []}]', ['u:1:28: "users[0].friends" must have at least 1 item']],
    ['devices: [{type: vlan, name: v, idd: 5}]', ['u:1:33: "idd" is not a key that "devices[0]" can have']],
    ['devices: [{type: bond, id: 5, name: x}]', ['u:1:24: "id" is not a key that "devices[0]" can have']],
    ['sudo: maybe', ['u:1:7: "sudo" must be true or false or "template", found the text "maybe"']],
    ['mode: rebot', ['u:1:7: "mode" must be "poweroff" or "reboot", found the text "rebot"']],
    ['until: tomorrow', ['u:1:8: "until" must be a valid date, found the text "tomorrow"']],
    [
      'hostnme: x\nmode: 1',
      ['u:1:1: "hostnme" is not a test key', 'u:2:7: "mode" must be "poweroff" or "reboot", found the number 1'],
    ],
  ])('%s is explained', (text, expected) => {
    expect(check(text).problems.toSorted()).toEqual(expected);
  });

  it('lets a deprecated alternative pass, with a warning', () => {
    expect(check('users: [{name: a, uid: "5"}]')).toEqual({
      problems: [],
      warnings: ['u:1:19: "users[0].uid" is deprecated in cloud-init since 22.3'],
    });
  });

  it.each(['password: 87654321', 'users: [{name: a, token: topsecret}]'])('never shows a secret, as in %j', (text) => {
    const { problems } = check(text);
    expect(problems).toHaveLength(1);
    expect(problems.join()).not.toMatch(/87654321|topsecret/);
  });
});

describe('schema files', () => {
  it.each([
    ['are missing', undefined],
    ['are no JSON', '{'],
    ['are no object', '[]'],
  ])('that %s are refused', async (_, text) => {
    const folder = await mkdtemp(join(tmpdir(), 'schemas-'));
    try {
      if (text !== undefined) await writeFile(join(folder, 'schema-cloud-config-v1.json'), text);
      await expect(loadCloudInitSchemas(folder)).rejects.toMatchObject({ code: 'cloud-init-schema' });
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
