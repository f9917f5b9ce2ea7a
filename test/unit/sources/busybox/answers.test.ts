import { expect, it } from 'vitest';
import { answers, mergeOptions, parseLinks, switches } from '../../../../src/sources/busybox/answers.js';

const base = [{ file: 'base.config', text: 'CONFIG_STATIC=y\nCONFIG_VI=y\nCONFIG_MD5_SMALL=1\n' }];

it("lets the user's lines win over the layer's, and keeps the place of each", () => {
  const own = [{ file: 'own.config', text: '# mine\n# CONFIG_VI is not set\nCONFIG_TELNETD=y\n' }];
  const { requests, problems } = mergeOptions({ base, own });
  expect(problems).toEqual([]);
  expect(requests.map(({ name, value, file, line }) => [name, value, file, line])).toEqual([
    ['CONFIG_MD5_SMALL', '1', 'base.config', 3],
    ['CONFIG_STATIC', 'y', 'base.config', 1],
    ['CONFIG_TELNETD', 'y', 'own.config', 3],
    ['CONFIG_VI', 'n', 'own.config', 2],
  ]);
});

it.each([
  ['busybox-fragment-syntax', 'CONFIG_VI = y\n', 1],
  ['busybox-fragment-conflict', 'CONFIG_VI=y\nCONFIG_VI=n\n', 2],
  ['busybox-option-fixed', 'CONFIG_STATIC=n\n', 1],
  ['busybox-option-fixed', '\n# CONFIG_INIT is not set\n', 2],
])('reports %s with its line', (code, text, line) => {
  const { problems } = mergeOptions({ base, own: [{ file: 'own.config', text }] });
  expect(problems.map((one) => [one.code, one.file, one.line])).toEqual([[code, 'own.config', line]]);
});

it('turns every option off that nobody asks for, and leaves numbers to their defaults', () => {
  const known = switches(
    'config VI\n\tbool "vi"\n\tdefault y\n\nconfig MD5_SMALL\n\tint "size"\n\nconfig LS\n\n# a note\n\tbool "ls"\n',
  );
  expect(known).toEqual(['VI', 'LS']);
  expect(answers(mergeOptions({ base, own: [] }).requests, known)).toBe(
    'CONFIG_MD5_SMALL=1\nCONFIG_STATIC=y\nCONFIG_VI=y\n# CONFIG_LS is not set\n',
  );
});

it('reads the links that BusyBox lists', () => {
  expect(parseLinks('/usr/bin/wc\n/bin/ls\n\n')).toEqual(['/bin/ls', '/usr/bin/wc']);
});
