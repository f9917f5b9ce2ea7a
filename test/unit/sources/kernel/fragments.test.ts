import { describe, expect, it } from 'vitest';
import {
  formatRequests,
  lostRequests,
  mergeFragments,
  parseFragment,
  parseResolvedConfig,
} from '../../../../src/sources/kernel/fragments.js';

const parse = (text: string) => parseFragment({ file: 'a.config', text });
const lost = (requested: string, resolved: string) =>
  lostRequests(parse(requested).requests, parseResolvedConfig(resolved)).map(({ problem: { line, message } }) => [
    line,
    message,
  ]);

describe('parseFragment', () => {
  it.each([
    ['CONFIG_EXT4_FS=y', 'CONFIG_EXT4_FS', 'y'],
    ['CONFIG_BRCMFMAC=m', 'CONFIG_BRCMFMAC', 'm'],
    ['CONFIG_SOUND=n', 'CONFIG_SOUND', 'n'],
    ['# CONFIG_RT_GROUP_SCHED is not set', 'CONFIG_RT_GROUP_SCHED', 'n'],
    ['CONFIG_NR_CPUS=4', 'CONFIG_NR_CPUS', '4'],
    ['CONFIG_MAGIC_SYSRQ_DEFAULT_ENABLE=0x01b6', 'CONFIG_MAGIC_SYSRQ_DEFAULT_ENABLE', '0x01b6'],
    ['CONFIG_LOCALVERSION="-reswarm"', 'CONFIG_LOCALVERSION', '"-reswarm"'],
    ['CONFIG_CMDLINE="a=\\"b c\\""', 'CONFIG_CMDLINE', '"a=\\"b c\\""'],
    ['CONFIG_UEVENT_HELPER_PATH=""', 'CONFIG_UEVENT_HELPER_PATH', '""'],
    ['CONFIG_9P_FS=m\r', 'CONFIG_9P_FS', 'm'],
  ])('reads %j', (line, name, value) => {
    expect(parse(line)).toEqual({ requests: [{ name, value, file: 'a.config', line: 1 }], problems: [] });
  });

  it('reads comments and empty lines as nothing', () => {
    expect(parse('# Why: see CONFIG_X=y\n\n#\n')).toEqual({ requests: [], problems: [] });
  });

  it.each(['EXT4_FS=y', 'CONFIG_A = y', 'CONFIG_A=yes', 'CONFIG_A=', 'CONFIG_A="open', ' CONFIG_A=y', 'select A'])(
    'refuses %j with its line',
    (line) => {
      expect(parse(`# fine\n${line}\n`)).toMatchObject({
        requests: [],
        problems: [{ code: 'kernel-fragment-syntax', file: 'a.config', line: 2 }],
      });
    },
  );

  it('refuses an "is not set" that kconfig would take for a comment', () => {
    expect(parse('#CONFIG_A is not set').problems).toMatchObject([{ code: 'kernel-fragment-syntax', line: 1 }]);
  });
});

describe('mergeFragments', () => {
  it('sorts by name and keeps one of two equal requests', () => {
    const merged = mergeFragments([
      { file: 'a.config', text: 'CONFIG_B=y\nCONFIG_A=m\n' },
      { file: 'b.config', text: 'CONFIG_B=y\n' },
    ]);
    expect(merged.problems).toEqual([]);
    expect(formatRequests(merged.requests)).toBe('CONFIG_A=m\nCONFIG_B=y\n');
  });

  it('reports two fragments that disagree, with both places', () => {
    const merged = mergeFragments([
      { file: 'a.config', text: 'CONFIG_A=m\n' },
      { file: 'b.config', text: '\n# CONFIG_A is not set\n' },
    ]);
    expect(merged.problems).toMatchObject([{ code: 'kernel-fragment-conflict', file: 'b.config', line: 2 }]);
    expect(merged.problems[0]?.message).toContain('a.config:1');
  });

  it('reports the problems of all fragments at once', () => {
    const files = ['a.config', 'b.config'].map((file) => ({ file, text: 'nonsense' }));
    expect(mergeFragments(files).problems.map(({ file }) => file)).toEqual(['a.config', 'b.config']);
  });
});

describe('formatRequests', () => {
  it('writes an option that is off in the form kconfig knows', () => {
    expect(formatRequests(parse('CONFIG_A=n\n').requests)).toBe('# CONFIG_A is not set\n');
  });
});

describe('lostRequests', () => {
  it('finds nothing when everything survived', () => {
    const text = 'CONFIG_A=y\nCONFIG_B=m\n# CONFIG_C is not set\nCONFIG_D="x"\nCONFIG_E=4\n';
    expect(lost(text, text)).toEqual([]);
  });

  it('takes an absent option for one that is off', () => {
    expect(lost('# CONFIG_A is not set', '')).toEqual([]);
  });

  it.each([
    ['an option whose dependency is missing', 'CONFIG_A=y', '# CONFIG_A is not set', 'has n'],
    ['an option this kernel does not know', 'CONFIG_A=y', '', 'has n'],
    ['built in that became a module', 'CONFIG_A=y', 'CONFIG_A=m', 'has m'],
    ['off that something else selected', '# CONFIG_A is not set', 'CONFIG_A=y', 'has y'],
    ['another number', 'CONFIG_A=4', 'CONFIG_A=8', 'has 8'],
  ])('names %s and the line that asked', (_case, requested, resolved, text) => {
    expect(lost(`# why\n${requested}`, resolved)).toEqual([[2, expect.stringContaining(text)]]);
  });
});
