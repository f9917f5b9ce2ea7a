import { describe, expect, it } from 'vitest';
import { describeProblem } from '../../../../src/errors.js';
import { readSeedYaml } from '../../../../src/seeds/yaml/cloud-init-yaml.js';
import { derivedSalt, hashClearTextPasswords, type PasswordHash } from '../../../../src/seeds/passwords/passwords.js';
import { checkUserData } from '../../../../src/seeds/user-data/user-data.js';

const SECRET = 'correct horse';

/** Shaped like crypt's, so that what is hashed once is taken for a hash the next time. */
const hash: PasswordHash = (password, salt) => `$6$${salt}$${Buffer.from(password).toString('hex').toUpperCase()}`;
const HASHED = Buffer.from(SECRET).toString('hex').toUpperCase();

function hashed(text: string, context = ''): string {
  return hashClearTextPasswords({ file: 'user-data', text }, context, hash).text;
}

/** The text with each hash's salt left out: what is around the hash is what these tests are about. */
function around(text: string): string {
  return hashed(text).replaceAll(/\$6\$[./0-9A-Za-z]{16}\$/g, '$6$SALT$');
}

const USERS = `#cloud-config
# who may log in
users:
  - name: a   # the boss
    plain_text_passwd: "${SECRET}"  # change me
    lock_passwd: false
  - {name: b, plain_text_passwd: '${SECRET}', groups: [x]}
`;

describe('hashing passwords in place', () => {
  it('changes the key and the value and nothing else', () => {
    expect(around(USERS)).toBe(
      USERS.replaceAll('plain_text_passwd', 'hashed_passwd')
        .replace(`"${SECRET}"`, `'$6$SALT$${HASHED}'`)
        .replace(`'${SECRET}'`, `'$6$SALT$${HASHED}'`),
    );
  });

  it.each([
    [`password: ${SECRET}\n`, `password: '$6$SALT$${HASHED}'\n`],
    [`user:\n  name: x\n  plain_text_passwd: ${SECRET}\n`, `user:\n  name: x\n  hashed_passwd: '$6$SALT$${HASHED}'\n`],
    [
      `chpasswd:\n  users:\n    - {name: x, password: ${SECRET}, type: text}\n`,
      `chpasswd:\n  users:\n    - {name: x, password: '$6$SALT$${HASHED}', type: hash}\n`,
    ],
    [
      `chpasswd:\n  list: |\n    root:${SECRET}\n    # c\n    a:RANDOM\n    b:${SECRET}\nruncmd: []\n`,
      `chpasswd:\n  list: |\n    root:$6$SALT$${HASHED}\n    # c\n    a:RANDOM\n    b:$6$SALT$${HASHED}\nruncmd: []\n`,
    ],
    [`chpasswd: {list: ["a:${SECRET}", 'b:R']}\n`, `chpasswd: {list: ["a:$6$SALT$${HASHED}", 'b:R']}\n`],
    [
      `chpasswd: {list: "a:${SECRET}\\nb:${SECRET}"}\n`,
      `chpasswd: {list: "a:$6$SALT$${HASHED}\\nb:$6$SALT$${HASHED}"}\n`,
    ],
    [
      `users:\n  - {name: x, plain_text_passwd: &p ${SECRET}}\n  - {name: y, plain_text_passwd: *p}\n`,
      `users:\n  - {name: x, hashed_passwd: &p '$6$SALT$${HASHED}'}\n  - {name: y, hashed_passwd: '$6$SALT$${HASHED}'}\n`,
    ],
    [
      `x-base: &b {plain_text_passwd: ${SECRET}}\nusers:\n  - {<<: *b, name: x}\n`,
      `x-base: &b {hashed_passwd: '$6$SALT$${HASHED}'}\nusers:\n  - {<<: *b, name: x}\n`,
    ],
    [
      `users:\n  - name: x\n    plain_text_passwd: >-  # a | b\n      ${SECRET}\n    shell: /bin/sh\n`,
      `users:\n  - name: x\n    hashed_passwd: '$6$SALT$${HASHED}'\n    shell: /bin/sh\n`,
    ],
  ])('%j', (text, expected) => {
    const result = around(`#cloud-config\n${text}`);
    expect(result).toBe(`#cloud-config\n${expected}`);
    expect(readSeedYaml({ file: 'x', text: result }).problems).toEqual([]);
  });

  it.each([
    '#cloud-config\npassword: $6$salt$hash\n',
    '#cloud-config\nchpasswd: {users: [{name: x, password: $y$j9T$a$b}, {name: y, type: RANDOM}]}\n',
    '#cloud-config\nusers: [{name: x, passwd: $y$j9T$a$b}, {name: y, hashed_passwd: "!"}]\n',
    `#!/bin/sh\n# password: ${SECRET}\n`,
    '#cloud-config\nbroken: [\n',
  ])('leaves %j as it is', (text) => {
    expect(hashed(text)).toBe(text);
  });

  it('finds nothing left to hash the second time', () => {
    const once = hashed(USERS);
    expect(hashed(once)).toBe(once);
    expect(once).not.toContain(SECRET);
  });
});

describe('the salt', () => {
  it('is the same for the same seed and another for each password, device and text', () => {
    const salts = (text: string): string[] =>
      Array.from(text.matchAll(/\$6\$([./0-9A-Za-z]{16})\$/g), (m) => m[1] ?? '');
    const [first, second] = salts(hashed(USERS));
    expect(salts(hashed(USERS))).toEqual([first, second]);
    expect(second).not.toBe(first);
    expect(salts(hashed(USERS, 'local-hostname: other'))[0]).not.toBe(first);
    expect(salts(hashed(`${USERS}# more\n`))[0]).not.toBe(first);
  });

  it('does not depend on the password', () => {
    const salt = (text: string): string | undefined => /\$6\$([./0-9A-Za-z]{16})\$/.exec(text)?.[1];
    expect(salt(hashed(USERS.replaceAll(SECRET, 'another one')))).toBe(salt(hashed(USERS)));
  });

  it('has sixteen characters of the alphabet of crypt', () => {
    expect(derivedSalt(['a'])).toMatch(/^[./0-9A-Za-z]{16}$/);
  });
});

describe('what is said about passwords', () => {
  const check = (text: string): ReturnType<typeof checkUserData> => checkUserData({ file: 'user-data', text });

  it('warns about each one in clear text, with its place and without the password', () => {
    const { problems, warnings } = check(USERS);
    expect(problems).toEqual([]);
    expect(warnings.map(({ code, line, column }) => `${code} ${line}:${column}`)).toEqual([
      'seed-clear-text-password 5:24',
      'seed-clear-text-password 7:34',
    ]);
    expect(JSON.stringify(warnings)).not.toContain(SECRET);
  });

  it.each([
    `chpasswd:\n  list: >\n    root:${SECRET}\n    more\n`,
    `users: [{name: x, plain_text_passwd: ${SECRET}, hashed_passwd: $6$a$b}]\n`,
    `users: [{name: x, passwd: ${SECRET}}]\n`,
  ])('refuses what cannot become a hash: %j', (text) => {
    const { problems } = check(`#cloud-config\n${text}`);
    expect(problems).toHaveLength(1);
    expect(problems[0]?.code).toMatch(/^seed-password-(form|not-a-hash)$/);
    expect(problems.map(describeProblem).join() + JSON.stringify(problems)).not.toContain(SECRET);
  });
});
