import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { dump } from 'js-yaml';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkSeed } from '../../../../src/seeds/check-seed.js';
import { readSeedYaml } from '../../../../src/seeds/yaml/cloud-init-yaml.js';
import { composeSeed, type ComposedSeed } from '../../../../src/seeds/compose/compose-seed.js';
import { finishSeed } from '../../../../src/seeds/compose/finish-seed.js';
import { readDefaultSeed, readSeedInputs } from '../../../../src/seeds/compose/read-seed.js';
import type { SeedFiles } from '../../../../src/seeds/text/seed.js';
import { ed25519Key } from '../../../helpers/seed-keys.js';

const KEY = `${ed25519Key} me@example.org`;
const OTHER = `${ed25519Key} other@example.org`;
const defaults: SeedFiles = await readDefaultSeed('cloud-init');
const noHash = (): string => {
  throw new Error('no password is expected here');
};

const codes = ({ problems }: ComposedSeed): string[] => problems.map(({ code }) => code);
const file = (text: string): { file: string; text: string } => ({ file: 'mine', text });
const value = (text: string): unknown => readSeedYaml({ file: 'x', text }).value;

function withKeys(userData: string, sshKeys: readonly string[] = [KEY]): ComposedSeed {
  return composeSeed({ defaults, userData: file(userData), sshKeys });
}

describe('the default seed', () => {
  it('has no problems, no passwords, and says that nobody can log in without a key', () => {
    expect(checkSeed(defaults)).toMatchObject({ problems: [], warnings: [{ code: 'seed-no-login' }] });
    const { files, problems } = composeSeed({ defaults, sshKeys: [KEY] });
    expect(problems).toEqual([]);
    expect(checkSeed(files)).toEqual({ problems: [], warnings: [] });
    expect(value(files.userData.text)).toMatchObject({
      users: [{ name: 'reswarm', lock_passwd: true, ssh_authorized_keys: [KEY] }],
    });
  });

  it('comes out byte for byte where nothing is asked for', () => {
    expect(composeSeed({ defaults }).files).toEqual(defaults);
  });
});

describe('--ssh-key', () => {
  it.each([
    [
      'no users: the default user',
      '#cloud-config\n# mine\nruncmd: [ls] # x\n',
      { ssh_authorized_keys: [KEY], runcmd: ['ls'] },
    ],
    ['a text that is all comments', '#cloud-config\n# mine', { ssh_authorized_keys: [KEY] }],
    ['a list of keys', `#cloud-config\nssh_authorized_keys:\n# c\n- ${OTHER}\n`, { ssh_authorized_keys: [KEY, OTHER] }],
    [
      'a list in brackets',
      `#cloud-config\nssh_authorized_keys: [ "${OTHER}" ]\n`,
      { ssh_authorized_keys: [KEY, OTHER] },
    ],
    ['an empty list', '#cloud-config\nssh_authorized_keys: []\n', { ssh_authorized_keys: [KEY] }],
    [
      'a key without a value',
      '#cloud-config\nssh_authorized_keys:\nruncmd: []\n',
      { ssh_authorized_keys: [KEY], runcmd: [] },
    ],
    [
      'the default user in the list',
      '#cloud-config\nusers: [default, {name: a}]\n',
      { users: ['default', { name: 'a' }], ssh_authorized_keys: [KEY] },
    ],
    [
      'a default user of its own',
      '#cloud-config\nuser: {name: a}\nusers: [{name: b}]\n',
      { user: { name: 'a' }, users: [{ name: 'b' }], ssh_authorized_keys: [KEY] },
    ],
    [
      'the first user of a list',
      '#cloud-config\nusers:\n  - name: a\n    shell: /bin/sh\n  - name: b\n',
      { users: [{ ssh_authorized_keys: [KEY], name: 'a', shell: '/bin/sh' }, { name: 'b' }] },
    ],
    ['a user in braces', '#cloud-config\nusers: [{name: a}]\n', { users: [{ ssh_authorized_keys: [KEY], name: 'a' }] }],
    [
      'a user who has keys',
      `#cloud-config\nusers:\n  - name: a\n    ssh_authorized_keys:\n      - ${OTHER}\n`,
      { users: [{ name: 'a', ssh_authorized_keys: [KEY, OTHER] }] },
    ],
    ['a document in braces', '#cloud-config\n{runcmd: [ls]}\n', { ssh_authorized_keys: [KEY], runcmd: ['ls'] }],
    ['an indented document', '#cloud-config\n  runcmd: [ls]\n', { runcmd: ['ls'], ssh_authorized_keys: [KEY] }],
  ])('goes to %s', (_, text, expected) => {
    const { files, problems } = withKeys(text);
    expect(problems).toEqual([]);
    expect(value(files.userData.text)).toEqual(expected);
    // What was there is there still, in its order.
    const rest = files.userData.text.split('\n');
    for (const line of text.split('\n').filter((line) => line.startsWith('#') || line.includes('name: b'))) {
      expect(rest).toContain(line);
    }
  });

  it('is not added where it already stands', () => {
    const text = `#cloud-config\nssh_authorized_keys: ["${KEY}"]\n`;
    expect(withKeys(text).files.userData.text).toBe(text);
  });

  it.each([
    ['#!/bin/sh\n', 'ssh-key-no-cloud-config'],
    ['#cloud-config\nusers: []\n', 'ssh-key-no-user'],
    ['#cloud-config\nssh_authorized_keys: {a: b}\n', 'ssh-key-no-user'],
  ])('cannot go into %j', (text, code) => {
    expect(codes(withKeys(text))).toEqual([code]);
  });

  it.each([
    ['ssh-rsa nonsense', 'ssh-key-malformed'],
    ['ssh-dss AAAA', 'ssh-key-type'],
    ['-----BEGIN OPENSSH PRIVATE KEY-----', 'ssh-key-private'],
  ])('refuses %j', (key, code) => {
    expect(codes(withKeys('#cloud-config\n', [key]))).toEqual([code]);
  });
});

describe('a flag worked into any document', () => {
  const word = fc.stringMatching(/^[a-z]{1,6}$/);
  const user = fc.record({ name: word, gecos: fc.string(), groups: fc.array(word) }, { requiredKeys: ['name'] });
  const config = fc.record(
    {
      users: fc.oneof(fc.array(user, { minLength: 1 }), fc.constant(['default'])),
      ssh_authorized_keys: fc.array(fc.constant(OTHER)),
      write_files: fc.array(fc.record({ path: word, content: fc.string({ unit: 'grapheme' }) })),
    },
    { requiredKeys: [] },
  );
  const style = fc.record({
    flowLevel: fc.constantFrom(-1, 0, 1, 2, 3),
    indent: fc.constantFrom(1, 2, 4),
    seqNoIndent: fc.boolean(),
  });

  it('changes nothing but what it says', () => {
    fc.assert(
      fc.property(config, style, (before, options) => {
        const text = `#cloud-config\n# mine\n${dump(before, options)}`;
        const { files, problems } = withKeys(text);
        expect(problems).toEqual([]);
        const [first, ...others] = before.users ?? [];
        const toFirst = typeof first === 'object';
        const expected = toFirst
          ? { ...before, users: [{ ...first, ssh_authorized_keys: [KEY] }, ...others] }
          : { ...before, ssh_authorized_keys: [KEY, ...(before.ssh_authorized_keys ?? [])] };
        expect(value(files.userData.text)).toEqual(expected);
        // Taking out what was put in gives the very text back.
        const after = files.userData.text;
        let same = 0;
        while (same < text.length && text.charAt(same) === after.charAt(same)) same += 1;
        expect(after.slice(0, same) + after.slice(same + after.length - text.length)).toBe(text);
      }),
      { numRuns: 300 },
    );
  });
});

describe('--hostname', () => {
  it('becomes local-hostname of the meta-data', () => {
    const { files, problems } = composeSeed({ defaults, hostname: 'pi-7' });
    expect(problems).toEqual([]);
    expect(value(files.metaData.text)).toEqual({ 'instance-id': 'auto', 'local-hostname': 'pi-7' });
    expect(files.metaData.text).toContain('# Tells cloud-init');
  });

  it.each([
    ['#cloud-config\nhostname: other\n', undefined, ['hostname-conflict']],
    ['#cloud-config\nfqdn: other.example.org\n', undefined, ['hostname-conflict']],
    ['#cloud-config\npreserve_hostname: true\n', undefined, ['hostname-conflict']],
    ['#cloud-config\nhostname: pi-7\nfqdn: pi-7.example.org\n', undefined, []],
    ['#!/bin/sh\nhostname other\n', undefined, []],
    [undefined, 'instance-id: a\nlocal-hostname: other\n', ['hostname-conflict']],
    [undefined, 'instance-id: a\nlocal-hostname: pi-7\n', []],
  ])('with user-data %j and meta-data %j gives %j', (userData, metaData, expected) => {
    const composed = composeSeed({
      defaults,
      hostname: 'pi-7',
      ...(userData === undefined ? {} : { userData: file(userData) }),
      ...(metaData === undefined ? {} : { metaData: file(metaData) }),
    });
    expect(codes(composed)).toEqual(expected);
  });

  it.each(['123', 'a b', 'a_b', ''])('refuses %j', (hostname) => {
    expect(codes(composeSeed({ defaults, hostname }))).toEqual(['hostname-invalid']);
  });
});

describe('finishing a seed', () => {
  const id = (files: SeedFiles): unknown =>
    (value(finishSeed(files, noHash).metaData) as Record<string, unknown>)['instance-id'];

  it('gives the same seed the same instance-id and a changed one another', () => {
    const first = id(defaults);
    expect(first).toMatch(/^reswarm-[0-9a-f]{16}$/);
    expect(id(defaults)).toBe(first);
    for (const name of ['userData', 'metaData', 'networkConfig'] as const) {
      const text = `${defaults[name]?.text ?? ''}# changed\n`;
      expect(id({ ...defaults, [name]: file(text) })).not.toBe(first);
    }
  });

  it('keeps an instance-id that a person gave', () => {
    expect(id({ ...defaults, metaData: file('instance-id: mine-1\n') })).toBe('mine-1');
  });

  it('writes lines that end in LF', () => {
    const files = { ...defaults, userData: file('#cloud-config\r\nruncmd: [a]\r\n') };
    expect(finishSeed(files, noHash).userData).toBe('#cloud-config\nruncmd: [a]\n');
  });
});

describe('reading what the flags name', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'seed-'));
  });
  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  it('takes keys from files, several in one, and as they are', async () => {
    await writeFile(join(folder, 'keys'), `# mine\n${KEY}\n\n${OTHER}\n`);
    const { inputs, problems } = await readSeedInputs({ sshKeys: [join(folder, 'keys'), ed25519Key] }, 'cloud-init');
    expect(problems).toEqual([]);
    expect(inputs.sshKeys).toEqual([KEY, OTHER, ed25519Key]);
  });

  it('reports every file that cannot be read', async () => {
    await writeFile(join(folder, 'empty'), '# nothing\n');
    const missing = join(folder, 'missing');
    const options = {
      userData: missing,
      metaData: folder,
      networkConfig: missing,
      sshKeys: [join(folder, 'empty'), missing],
    };
    const { problems } = await readSeedInputs(options, 'cloud-init');
    expect(problems.map(({ code }) => code)).toEqual([
      'file-missing',
      'file-is-folder',
      'file-missing',
      'ssh-key-empty',
      'file-missing',
    ]);
  });

  it('refuses a private key without showing any of it', async () => {
    await writeFile(
      join(folder, 'id'),
      '-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1r\n-----END OPENSSH PRIVATE KEY-----\n',
    );
    const { inputs } = await readSeedInputs({ sshKeys: [join(folder, 'id')] }, 'cloud-init');
    const composed = composeSeed(inputs);
    expect(codes(composed)).toEqual(['ssh-key-private']);
    expect(JSON.stringify(composed.problems)).not.toContain('b3BlbnNzaC1r');
  });
});
