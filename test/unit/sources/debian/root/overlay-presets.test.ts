import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  presetUnits,
  readOverlayPresets,
  unitPattern,
} from '../../../../../src/sources/debian/root/overlay-presets.js';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reswarm-presets-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

async function write(path: string, text = ''): Promise<void> {
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await writeFile(join(folder, path), text);
}

const read = async () => readOverlayPresets([join(folder, 'layer')], [join(folder, 'one'), join(folder, 'two')]);

describe('presets of overlays', () => {
  it('are read from all folders that systemd reads, in the order of the names', async () => {
    await write('layer/etc/systemd/system-preset/50-base.preset', 'enable ssh.service\n');
    await write(
      'one/etc/systemd/system-preset/20-b.preset',
      '# a comment\n; another\n  disable  ssh.service\nenable x@.service a b\n',
    );
    await write('two/usr/lib/systemd/system-preset/10-a.preset', 'ignore y.timer\nunknown z.service\n');
    await write('two/etc/systemd/user-preset/10-u.preset', 'enable agent.service\n');
    const { rules, problems } = await read();
    expect(problems).toEqual([]);
    expect(rules.map(({ scope, verb, pattern }) => `${scope} ${verb} ${pattern}`)).toEqual([
      'system ignore y.timer',
      'system disable ssh.service',
      'system enable x@.service',
      'user enable agent.service',
    ]);
  });

  it('concern what the file of a layer named that they replace', async () => {
    await write('layer/etc/systemd/system-preset/50-base.preset', 'enable ssh.service\ndisable man-db.timer\n');
    await write('one/etc/systemd/system-preset/50-base.preset', 'enable ssh.service\n');
    expect((await read()).rules.map(({ pattern }) => pattern)).toEqual(['ssh.service', 'ssh.service', 'man-db.timer']);
  });

  it('are refused where an earlier file decides', async () => {
    await write('layer/etc/systemd/system-preset/50-base.preset', 'enable ssh.*\n');
    await write('one/etc/systemd/system-preset/90-ours.preset', 'disable ssh.service\nenable ssh.socket\n');
    expect((await read()).problems).toMatchObject([
      { code: 'overlay-preset-late', hint: 'Call the file 10-ours.preset.' },
    ]);
  });

  it('are none where an overlay brings none', async () => {
    await write('layer/etc/systemd/system-preset/50-base.preset', 'enable ssh.service\n');
    expect(await read()).toEqual({ rules: [], problems: [] });
  });
});

describe('units of a rule', () => {
  const rule = (pattern: string, scope: 'system' | 'user' = 'system') => {
    return { scope, file: '10-a.preset', verb: 'enable' as const, pattern };
  };

  it('are those of the image, templates and overlays included; the others are named', async () => {
    await write('root/usr/lib/systemd/system/a.service');
    await write('root/usr/lib/systemd/system/a.timer');
    await write('root/usr/lib/systemd/system/getty@.service');
    await write('root/etc/systemd/system/ours.service');
    await write('root/usr/lib/systemd/system/masked.service');
    await symlink('/dev/null', join(folder, 'root/etc/systemd/system/masked.service'));
    await symlink('a.service', join(folder, 'root/etc/systemd/system/alias.service'));
    await write('root/usr/lib/systemd/user/agent.service');
    const rules = ['a.*', 'getty@tty5.service', 'ours.service', 'gone.service', 'm*', 'alias.service'].map((one) =>
      rule(one),
    );
    const root = join(folder, 'root');
    expect(await presetUnits(root, [...rules, rule('agent.service', 'user')], 'system')).toEqual({
      units: ['a.service', 'a.timer', 'getty@tty5.service', 'ours.service'],
      unknown: ['gone.service', 'alias.service'],
    });
    expect((await presetUnits(root, [...rules, rule('agent.service', 'user')], 'user')).units).toEqual([
      'agent.service',
    ]);
  });

  it.each([
    ['a*.service', 'abc.service', true],
    ['a?.service', 'abc.service', false],
    ['[ab].service', 'b.service', true],
    ['[!ab].service', 'b.service', false],
    ['a.service', 'axservice', false],
    ['*', 'x.timer', true],
  ])('%s and %s: %s', (pattern, name, fits) => {
    expect(unitPattern(pattern).test(name)).toBe(fits);
  });
});
