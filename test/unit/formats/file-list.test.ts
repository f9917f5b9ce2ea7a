import { describe, expect, it } from 'vitest';
import { formatFileList, parseFileList } from '../../../src/formats/file-list.js';

const TEXT = `# Files of the workload web.
# node 20.1
/usr/bin/node
/var/lib/web/

# People read the date.
+ /usr/share/zoneinfo/Europe/*
-/usr/lib/big.so
`;

describe('a list of files', () => {
  it('has paths with their lines, and lines of people with their comments', () => {
    const { list, problems } = parseFileList(TEXT, 'web.list');
    expect(problems).toEqual([]);
    expect(list.header).toEqual(['# Files of the workload web.', '# node 20.1']);
    expect(list.paths).toEqual([
      { path: '/usr/bin/node', line: 3 },
      { path: '/var/lib/web/', line: 4 },
    ]);
    expect(list.byHand).toEqual([
      { sign: '+', glob: '/usr/share/zoneinfo/Europe/*', line: 7, comments: ['# People read the date.'] },
      { sign: '-', glob: '/usr/lib/big.so', line: 8, comments: [] },
    ]);
  });

  it('is written sorted and without doubles, and keeps what people wrote', () => {
    const { list } = parseFileList(TEXT, 'web.list');
    const text = formatFileList(['# new'], ['/b', '/a', '/b'], list.byHand);
    expect(text).toBe('# new\n/a\n/b\n\n# People read the date.\n+ /usr/share/zoneinfo/Europe/*\n- /usr/lib/big.so\n');
    expect(parseFileList(text, 'x').list.byHand.map(({ glob }) => glob)).toEqual(list.byHand.map(({ glob }) => glob));
  });

  it.each([
    { text: '/a\nusr/bin\n', code: 'file-list-line', line: 2 },
    { text: '+ usr/bin\n', code: 'file-list-line', line: 1 },
    { text: '/a\n/b\n/a\r\n', code: 'file-list-twice', line: 3 },
  ])('refuses $code', ({ text, code, line }) => {
    const { problems } = parseFileList(text, 'web.list');
    expect(problems).toEqual([expect.objectContaining({ code, line, file: 'web.list' })]);
  });
});
