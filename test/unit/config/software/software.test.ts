import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadSoftwareFile } from '../../../../src/config/software/software.js';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reswarm-software-'));
  await writeFile(join(folder, 'agent'), 'agent');
  await writeFile(join(folder, 'bad.service'), '[Service]\nType=simple\nnonsense\n');
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

async function load(text: string) {
  const file = join(folder, 'software.yaml');
  await writeFile(file, text);
  return { file, ...(await loadSoftwareFile(file)) };
}

const PIN = 'a'.repeat(64);
const UNIT = 'text: "[Service]\\nExecStart=/usr/local/bin/agent\\n[Install]\\nWantedBy=multi-user.target\\n"';

describe('a file that names software', () => {
  it('gives files with absolute sources, modes as bits, and units', async () => {
    const { software, problems } = await load(`software:
  - name: agent
    files:
      - { url: 'https://example.org/agent', sha256: ${PIN}, to: /usr/local/bin/agent, mode: 0755 }
      - { file: ./agent, to: /etc/agent/x, owner: 'root:video' }
      - { file: agent, to: /opt/agent, unpack: true, strip: 1 }
    units:
      - { name: agent.service, ${UNIT} }
`);
    expect(problems).toEqual([]);
    expect(software[0]?.files).toMatchObject([
      { source: { url: 'https://example.org/agent' }, mode: 0o755, owner: 'root', at: { line: 4 } },
      { source: { path: join(folder, 'agent') }, mode: 0o644, owner: 'root:video', at: { line: 5 } },
      { source: { path: join(folder, 'agent') }, unpack: { strip: 1 } },
    ]);
    expect(software[0]?.units).toMatchObject([{ name: 'agent.service', enable: true, at: { line: 8 } }]);
  });

  const FILE = `{ file: agent, to: /usr/local/bin/agent }`;
  const bad: readonly (readonly [string, string, string, number])[] = [
    ['an unknown key', 'unknown-key', `      - { file: agent, to: /x, mod: '0755' }`, 4],
    ['no source', 'software-source', '      - { to: /usr/local/bin/agent }', 4],
    [
      'two sources',
      'software-source',
      `      - { file: agent, url: 'https://example.org/a', sha256: ${PIN}, to: /x }`,
      4,
    ],
    ['no digest of a URL', 'software-not-pinned', `      - { url: 'https://example.org/a', to: /x }`, 4],
    ['a digest that is none', 'invalid-value', `      - { url: 'https://example.org/a', sha256: abc, to: /x }`, 4],
    ['another protocol', 'invalid-value', `      - { url: 'ftp://example.org/a', sha256: ${PIN}, to: /x }`, 4],
    ['a relative destination', 'software-destination', '      - { file: agent, to: usr/bin/agent }', 4],
    ['a destination with ..', 'software-destination', '      - { file: agent, to: /usr/../etc/x }', 4],
    ['a destination on the FAT', 'software-destination', '      - { file: agent, to: /boot/agent }', 4],
    ['a folder as destination', 'software-destination', '      - { file: agent, to: /usr/local/bin/ }', 4],
    ['bits that are none', 'invalid-value', `      - { file: agent, to: /x, mode: '0799' }`, 4],
    ['a user that cannot be', 'invalid-value', `      - { file: agent, to: /x, owner: 'a b' }`, 4],
    ['strip without unpack', 'software-strip', '      - { file: agent, to: /x, strip: 1 }', 4],
    ['a file that is not there', 'software-file-not-found', `      - ${FILE}\n      - { file: gone, to: /x }`, 5],
    ['a place twice', 'software-twice', `      - ${FILE}\n      - ${FILE}`, 5],
    [
      'one place by two names',
      'software-twice',
      `      - { file: agent, to: /bin/a }\n      - { file: agent, to: /usr/bin/a }`,
      5,
    ],
  ];
  it.each(bad)('is refused with %s: %s', async (_, code, files, line) => {
    const { file, problems } = await load(`software:\n  - name: agent\n    files:\n${files}\n`);
    expect(problems).toMatchObject([{ code, file, line }]);
  });

  const badUnits: readonly (readonly [string, string, string])[] = [
    ['a name without a type', 'software-unit-name', `{ name: agent, ${UNIT} }`],
    ['no text', 'software-source', '{ name: agent.service }'],
    ['no ExecStart', 'software-unit-invalid', '{ name: a.service, text: "[Install]\\nWantedBy=a.target\\n" }'],
    ['a file that is not there', 'software-file-not-found', '{ name: a.service, file: gone.service }'],
  ];
  it.each(badUnits)('is refused with a unit with %s: %s', async (_, code, unit) => {
    const { file, problems } = await load(`software:\n  - name: agent\n    units:\n      - ${unit}\n`);
    expect(problems).toMatchObject([{ code, file, line: 4 }]);
  });

  it('shows the line in a unit that is a file of its own', async () => {
    const { problems } = await load(
      'software:\n  - name: agent\n    units:\n      - { name: bad.service, file: bad.service }\n',
    );
    expect(problems).toMatchObject([{ code: 'software-unit-invalid', file: join(folder, 'bad.service'), line: 3 }]);
  });

  it.each([
    ['nothing', '', 'missing-key'],
    ['an empty list', 'software: []\n', 'invalid-value'],
    ['software of nothing', 'software:\n  - name: agent\n', 'software-empty'],
    ['a list without its key', '- name: agent\n', 'wrong-type'],
    ['no YAML', 'software: [\n', 'yaml-syntax'],
  ])('is refused when it holds %s', async (_, text, code) => {
    expect((await load(text)).problems[0]?.code).toBe(code);
  });

  it('is refused when it is not there', async () => {
    const { problems } = await loadSoftwareFile(join(folder, 'none.yaml'));
    expect(problems).toMatchObject([{ code: 'software-file-not-found' }]);
  });
});
