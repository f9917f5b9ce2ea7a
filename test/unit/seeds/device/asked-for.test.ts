import { describe, expect, it } from 'vitest';
import { asMapping, readSeedYaml } from '../../../../src/seeds/yaml/cloud-init-yaml.js';
import type { DeviceIdentity } from '../../../../src/seeds/device/device-identity.js';
import { seedOf } from '../../../../src/seeds/device/identity.js';
import { accountsOf, type Account } from '../../../../src/seeds/login/accounts.js';
import { ed25519Key } from '../../../helpers/seed-keys.js';

const KEY = `${ed25519Key} ada@example.org`;
const HASH = `$6$saltsalt$${'a'.repeat(86)}`;
const OLD = `$6$oldsalt$${'b'.repeat(86)}`;

function accountsAfter(text: string, identity: DeviceIdentity): readonly Account[] {
  const base = { userData: { file: 'mine', text }, metaData: { file: 'meta-data', text: 'instance-id: auto\n' } };
  const { files, problems } = seedOf(identity, base);
  expect(problems).toEqual([]);
  const source = readSeedYaml(files.userData);
  return accountsOf(asMapping(source.value) ?? {});
}

function account(accounts: readonly Account[], name: string): Account | undefined {
  return accounts.find((one) => one.name === name);
}

/** Two users, ada and bob; what bob has must stay. */
const TEXTS: readonly (readonly [string, string, readonly string[]])[] = [
  [
    'the key is another user’s',
    `users:\n  - name: bob\n    ssh_authorized_keys:\n      - ${KEY}\n  - name: ada\n`,
    [KEY],
  ],
  ['the key stands in a comment', `users:\n  - name: bob\n  - name: ada\n    # ssh_authorized_keys: [${KEY}]\n`, []],
  [
    'a list is shared by an alias',
    `users:\n  - name: bob\n    ssh_authorized_keys: &k [ssh-rsa AAAA]\n  - name: ada\n    ssh_authorized_keys: *k\n`,
    ['ssh-rsa AAAA'],
  ],
  [
    'ada’s list is the one with the anchor',
    `users:\n  - name: ada\n    ssh_authorized_keys: &k\n      - ssh-rsa AAAA\n  - name: bob\n    ssh_authorized_keys: *k\n`,
    ['ssh-rsa AAAA'],
  ],
  [
    'both inherit it by "<<"',
    `x: &x\n  ssh_authorized_keys: [ssh-rsa AAAA]\nusers:\n  - <<: *x\n    name: bob\n  - <<: *x\n    name: ada\n`,
    ['ssh-rsa AAAA'],
  ],
  [
    'bob inherits all of ada',
    `users:\n  - &a\n    name: ada\n    hashed_passwd: ${OLD}\n  - <<: *a\n    name: bob\n`,
    [],
  ],
  ['ada is an alias herself', `x: &a {name: ada}\nusers:\n  - *a\n  - name: bob\n`, []],
  ['the key is one line of text', `users:\n  - name: ada\n    ssh_authorized_keys: ssh-rsa AAAA\n  - name: bob\n`, []],
  ['the spelling has hyphens', `users:\n  - {name: ada, ssh-authorized-keys: [ssh-rsa AAAA]}\n  - {name: bob}\n`, []],
  ['users are a mapping', `users:\n  ada: {shell: /bin/sh}\n  bob: {}\n`, []],
  [
    'a key of the file is there twice',
    `timezone: UTC\ntimezone: Europe/Berlin\nusers: [{name: ada}, {name: bob}]\n`,
    [],
  ],
  ['there is no ada yet', `users: [default, {name: bob}]\n`, []],
  [
    'the password is shared by an alias',
    `users:\n  - {name: bob, passwd: &p ${OLD}, lock_passwd: false}\n  - {name: ada, passwd: *p}\n`,
    [],
  ],
];

describe('what was asked for is written, to the one it was asked for, where', () => {
  it.each(TEXTS)('%s', (_, text, ofBob) => {
    const accounts = accountsAfter(`#cloud-config\n${text}`, {
      users: [{ name: 'ada', passwordHash: HASH, groups: ['sudo'] }],
      sshKeys: [KEY],
    });
    const ada = account(accounts, 'ada');
    expect(ada).toMatchObject({ password: 'set', settings: { hashed_passwd: HASH, groups: ['sudo'] } });
    expect(ada?.keys).toContain(KEY);
    const bob = account(accounts, 'bob');
    expect(bob?.keys).toEqual(ofBob);
    expect(JSON.stringify(bob)).not.toContain(HASH);
  });

  it.each(TEXTS.filter(([, text]) => /name: ada|ada: /.test(text)))(
    '%s, and a key alone is given',
    (_, text, ofBob) => {
      const accounts = accountsAfter(`#cloud-config\n${text}`, { users: [{ name: 'ada', sshKeys: [KEY] }] });
      expect(account(accounts, 'ada')?.keys).toContain(KEY);
      expect(account(accounts, 'bob')?.keys).toEqual(ofBob);
    },
  );
});

describe('the default user', () => {
  it.each([
    '',
    'users: [default]\n',
    'users: [default, {name: debian, shell: /bin/sh}]\n',
    'user: {name: debian, shell: /bin/sh}\n',
  ])('gets a password that works in %j', (text) => {
    const accounts = accountsAfter(`#cloud-config\n${text}`, { users: [{ name: 'debian', passwordHash: HASH }] });
    expect(account(accounts, 'debian')).toMatchObject({ password: 'set', settings: { hashed_passwd: HASH } });
  });

  it('gets keys at the left margin, whoever else has them', () => {
    const text = `#cloud-config\nusers: [default, {name: bob, ssh_authorized_keys: ['${KEY}']}]\n`;
    expect(account(accountsAfter(text, { sshKeys: [KEY] }), 'debian')?.keys).toEqual([KEY]);
  });
});

describe('a password that would not hold', () => {
  it('is refused where chpasswd sets another', () => {
    const text = `#cloud-config\nusers: [{name: ada}]\nchpasswd: {users: [{name: ada, password: '${OLD}'}]}\n`;
    const base = { userData: { file: 'mine', text }, metaData: { file: 'm', text: 'instance-id: auto\n' } };
    const { problems } = seedOf({ users: [{ name: 'ada', passwordHash: HASH }] }, base);
    expect(problems.map(({ code, line }) => `${code} ${line ?? ''}`)).toEqual(['identity-password-overruled 3']);
  });
});
