import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkMetaData } from '../../../src/seeds/compose/meta-data.js';
import { checkSeed } from '../../../src/seeds/check-seed.js';
import { checkUserData } from '../../../src/seeds/user-data/user-data.js';
import { readSeedFile } from '../../../src/seeds/text/text-file.js';
import { sshKeyFault } from '../../../src/seeds/text/ssh-key.js';
import { hostnameFault } from '../../../src/seeds/text/hostname.js';
import type { Findings } from '../../../src/seeds/text/findings.js';
import { cutKey, ed25519Key } from '../../helpers/seed-keys.js';

/** "code line:column" of each problem. */
function problems({ problems }: Findings): string[] {
  return problems.map(({ code, line, column }) => `${code} ${line}:${column}`);
}

function warnings({ warnings }: Findings): string[] {
  return warnings.map(({ code, line, column }) => `${code} ${line}:${column}`);
}

const userData = (text: string): Findings => checkUserData({ file: 'user-data', text });
const metaData = (text: string): Findings => checkMetaData({ file: 'meta-data', text });

describe('user-data that cloud-init would not even look at', () => {
  it.each([
    ['hostname: x\n', 'seed-no-header 1:1'],
    ['\n\n# comment\nhostname: x\n', 'seed-no-header 3:1'],
    ['# a comment first\n#cloud-config\nhostname: x\n', 'seed-no-header 1:1'],
    ['# cloud-config\nhostname: x\n', 'seed-no-header 1:1'],
    ['#clod-config\nhostname: x\n', 'seed-no-header 1:1'],
    ['---\n#cloud-config\nhostname: x\n', 'seed-marker-first 1:1'],
    ['\uFEFF#cloud-config\nhostname: x\n', 'seed-bom 1:1'],
  ])('refuses %j', (text, expected) => {
    expect(problems(userData(text))).toEqual([expected]);
  });

  it('says which header was probably meant', () => {
    expect(userData('# cloud-config\n').problems[0]?.hint).toContain('"#cloud-config"');
    expect(userData('# a comment\n#cloud-config\n').problems[0]?.message).toContain('line 2');
  });

  it.each([
    '#cloud-config\nhostname: x\n',
    '\n  #Cloud-Config\nhostname: x\n',
    '#cloud-config\n---\nhostname: x\n',
    '#cloud-config\n',
    '',
    '#!/bin/sh\necho "not: yaml: at all"\n',
    '#cloud-boothook\n#!/bin/sh\n',
    '#cloud-config-archive\n- content: "hostname: x"\n',
    'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="x"\n\n--x\nContent-Type: text/cloud-config\n\nhostname: x\n--x--\n',
  ])('takes %j', (text) => {
    expect(userData(text)).toMatchObject({ problems: [], warnings: [] });
  });

  it.each([
    '## template: jinja\n#cloud-config\nhostname: {{ x }}\n',
    '#include\nhttps://example.org/user-data\n',
    '#cloud-config-jsonp\n[]\n',
    '#part-handler\n',
  ])('says that it cannot look into %j', (text) => {
    expect(userData(text)).toMatchObject({ problems: [], warnings: [{ code: 'seed-unchecked' }] });
  });
});

describe('user-data with broken content', () => {
  it.each([
    ['#cloud-config\nusers:\n\t- name: x\n', 'yaml-tab 3:1'],
    ['#cloud-config\nusers:\n  - name: x\n   shell: y\n', 'yaml-syntax 4:4'],
    ['#cloud-config\nruncmd: [a, b\nhostname: x\n', 'yaml-syntax 3:1'],
    ['#cloud-config\n- a\n', 'wrong-type 2:1'],
    ['#cloud-config\nhostname: "12345"\n', 'hostname-invalid 2:11'],
    ['#cloud-config\nfqdn: under_score.example.org\n', 'hostname-invalid 2:7'],
    ['#cloud-config\nssh_authorized_keys:\n  - ssh-ed25519 AAAA\n', 'ssh-key-malformed 3:5'],
    ['#cloud-config\nusers:\n  - name: x\n    ssh_authorized_keys: ["ssh-dss AAAA"]\n', 'ssh-key-type 4:27'],
    ['#cloud-config\nusers:\n  - name: x\n    passwd: not a hash\n', 'seed-password-not-a-hash 4:13'],
    ['#cloud-config\nuser: {name: x, hashed_passwd: abc}\n', 'seed-password-not-a-hash 2:32'],
    ['#cloud-config-archive\nhostname: x\n', 'wrong-type 2:1'],
    ['#cloud-config\npassword: $y$j9T$abc$def\n', 'seed-password-form 2:11'],
  ])('refuses %j', (text, expected) => {
    expect(problems(userData(text))).toEqual([expected]);
  });

  it('refuses more than 1 MiB', () => {
    expect(problems(userData(`#cloud-config\n# ${'x'.repeat(1024 * 1024)}\n`))).toEqual([
      'seed-too-large undefined:undefined',
    ]);
  });

  it('takes lines that end in CR LF, counts them right and says that they are changed', () => {
    const found = userData('#cloud-config\r\nruncmd: [a]\r\nruncmd: [b]\r\n');
    expect(problems(found)).toEqual([]);
    expect(warnings(found)).toEqual(['seed-crlf 1:14', 'yaml-duplicate-key 3:1']);
  });

  it('reads YAML as Python does: `y` is text, `yes` is not', () => {
    const text =
      '#cloud-config\nhostname: y\nmanage_etc_hosts: yes\nwrite_files: [{path: /x, content: !!binary YWJj}]\n';
    expect(userData(text).problems).toEqual([]);
  });
});

describe('meta-data', () => {
  it.each([
    ['', 'meta-data-no-instance-id 1:1'],
    ['local-hostname: x\n', 'meta-data-no-instance-id 1:1'],
    ['instance-id:\n', 'meta-data-no-instance-id 1:1'],
    ['instance-id: 42\n', 'wrong-type 1:14'],
    ['instance-id: x\nlocal-hostname: 5\n', 'wrong-type 2:17'],
    ['instance-id: x\nlocal-hostname: "5"\n', 'hostname-invalid 2:17'],
    ['instance-id: x\nlocal_hostname: a\n', 'unknown-key 2:1'],
    ['instance-id: x\ndsmode: locale\n', 'invalid-value 2:9'],
    ['- a\n', 'wrong-type 1:1'],
    ['\uFEFFinstance-id: x\n', 'seed-bom 1:1'],
  ])('refuses %j', (text, expected) => {
    expect(problems(metaData(text))).toEqual([expected]);
  });

  it('refuses instance_id with an underscore and says how it is written', () => {
    const found = metaData('instance_id: rpios-image\n');
    expect(problems(found)).toEqual(['unknown-key 1:1', 'meta-data-no-instance-id 1:1']);
    expect(found.problems[0]?.hint).toBe('Write "instance-id".');
  });

  it.each(['instance-id: x\n', '{"instance-id": "x", "local-hostname": "pi-1", "my_own_key": 1}\n'])(
    'takes %j',
    (text) => {
      expect(metaData(text)).toEqual({ problems: [], warnings: [] });
    },
  );
});

describe('a key that is there twice', () => {
  it.each([
    ['user-data', userData('#cloud-config\nruncmd: [a]\nruncmd: [b]\n'), 'yaml-duplicate-key 3:1'],
    ['meta-data', metaData('instance-id: x\ninstance-id: y\n'), 'yaml-duplicate-key 2:1'],
  ])('in a %s is a warning that names the first one and says which one counts', (_, found, expected) => {
    expect(problems(found)).toEqual([]);
    expect(warnings(found)).toEqual([expected]);
    expect(found.warnings[0]?.message).toMatch(/already stands in line [12]$/);
    expect(found.warnings[0]?.hint).toContain('cloud-init takes the last one');
  });
});

describe('what lies between the files of a seed', () => {
  const seed = (user: string, meta = 'instance-id: x\n'): Findings =>
    checkSeed({ userData: { file: 'u', text: user }, metaData: { file: 'm', text: meta } });

  it('warns when nobody could log in', () => {
    expect(warnings(seed('#cloud-config\nusers: [{name: x}]\n'))).toEqual(['seed-no-login 2:8']);
  });

  it.each([
    [`#cloud-config\nssh_authorized_keys: ["${ed25519Key}"]\n`, undefined],
    ['#cloud-config\nssh_pwauth: true\nuser: {name: x, hashed_passwd: $6$a$b, lock_passwd: false}\n', undefined],
    ['#!/bin/sh\n', undefined],
    ['#cloud-config\n', `instance-id: x\npublic-keys: ["${ed25519Key}"]\n`],
  ])('finds a way in by %j and %j', (user, meta) => {
    expect(warnings(seed(user, meta))).toEqual([]);
  });

  it('warns when two files name the device differently', () => {
    const found = seed(
      '#cloud-config\nhostname: a\nssh_pwauth: true\npassword: $6$a$b\n',
      'instance-id: x\nlocal-hostname: b\n',
    );
    expect(warnings(found)).toEqual(['seed-two-hostnames 2:11']);
  });
});

describe('an ssh key', () => {
  it.each([
    [ed25519Key, undefined],
    [`${ed25519Key} somebody@example.org with a long comment`, undefined],
    [`restrict,command="echo hello there" ${ed25519Key}`, undefined],
    [cutKey, 'ssh-key-malformed'],
    ['ssh-ed25519', 'ssh-key-malformed'],
    ['ssh-rsa AAAAB3Nz...', 'ssh-key-malformed'],
    [ed25519Key.replace('ssh-ed25519', 'ssh-rsa'), 'ssh-key-malformed'],
    ['ssh-dss AAAAB3NzaC1kc3M=', 'ssh-key-type'],
    ['ed25519 AAAA', 'ssh-key-type'],
    ['hello', 'ssh-key-malformed'],
    ['-----BEGIN OPENSSH PRIVATE KEY-----\nsecret\n', 'ssh-key-private'],
  ])('%j is judged %s', (line, code) => {
    expect(sshKeyFault(line)?.code).toBe(code);
  });
});

describe('a host name', () => {
  it.each(['pi', 'pi-4', 'a', '4b', 'x'.repeat(63)])('may be %s', (name) => {
    expect(hostnameFault(name)).toBeUndefined();
  });
  it.each(['', '123', '-a', 'a-', 'a_b', 'a b', 'ä', 'a.b', 'x'.repeat(64)])('must not be %j', (name) => {
    expect(hostnameFault(name)).toBeDefined();
  });
  it('may hold dots with its domain', () => {
    expect(hostnameFault('a.example.org', true)).toBeUndefined();
    expect(hostnameFault('10.0.0.1', true)).toBeDefined();
  });
});

describe('reading a file of a seed', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'seed-'));
  });
  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  it.each([
    ['a file that is not there', 'file-missing', undefined],
    ['a gzip file', 'seed-not-text', Buffer.from([0x1f, 0x8b, 8])],
    ['Latin-1', 'seed-not-text', Buffer.from('caf\u00e9', 'latin1')],
    ['UTF-16', 'seed-not-text', Buffer.from('\ufeffabc', 'utf16le')],
    ['too many bytes', 'seed-too-large', Buffer.alloc(101, 'x')],
  ])('refuses %s', async (_, code, content) => {
    const path = join(folder, 'file');
    if (content !== undefined) await writeFile(path, content);
    expect(await readSeedFile(path, 100)).toMatchObject({ problem: { code, file: path } });
  });

  it('refuses a file that cannot be read', async () => {
    await symlink('file', join(folder, 'file'));
    expect(await readSeedFile(join(folder, 'file'), 100)).toMatchObject({ problem: { code: 'file-unreadable' } });
  });

  it('refuses a folder', async () => {
    await mkdir(join(folder, 'file'));
    expect(await readSeedFile(join(folder, 'file'), 100)).toMatchObject({ problem: { code: 'file-is-folder' } });
  });

  it('keeps a byte order mark, for the check to find', async () => {
    await writeFile(join(folder, 'file'), '\uFEFFa: 1\n');
    expect(await readSeedFile(join(folder, 'file'), 100)).toMatchObject({ file: { text: '\uFEFFa: 1\n' } });
  });
});
