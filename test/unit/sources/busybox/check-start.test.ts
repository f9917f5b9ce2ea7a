import { execFileSync } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { inittabProblems, scriptProblems } from '../../../../src/sources/busybox/check-start.js';
import { shellCommands } from '../../../../src/sources/busybox/shell-commands.js';

const names = (script: string): readonly string[] => shellCommands(script).map(({ name }) => name);

describe('commands of a script', () => {
  it.each([
    ['ls -l; cat x | grep y && wc', ['ls', 'cat', 'grep', 'wc']],
    [
      'if mount x; then sync; elif ! umount y; then sleep 1; else free; fi',
      ['mount', 'umount', 'sync', 'sleep', 'free'],
    ],
    ['A=1 B="x y" env', ['env']],
    ['x=$(date +%s) y="$(id -u) z"', ['date', 'id']],
    ['[ "$(date "+%s" | cut -c1)" -ge 1 ] || reboot', ['date', 'cut', 'reboot']],
    [
      'case $1 in\n  a | b) ls ;;\n  c)\n    case $2 in *) df ;; esac\n    ps\n    ;;\nesac\nwc',
      ['ls', 'df', 'ps', 'wc'],
    ],
    ['f() {\n  df\n}\nf x', ['df']],
    ['ls >out 2>&1 </dev/null; >file cat', ['ls', 'cat']],
    ['echo \'rm x; mv y\' "cp z" # cp\nexec ntpd -n', ['ntpd']],
    ['for x in ls cat; do\n  stat "$x"\ndone', ['stat']],
    ['ls \\\n  cat\nprintf x', ['ls']],
    ['"$program" x; $other; ./own', ['./own']],
    ['echo $((1 + 2)) ${x#ls} && tail', ['tail']],
    ['(cd /x && tar c) | { gzip; }', ['tar', 'gzip']],
  ])('%s', (script, expected) => {
    expect([...names(script)].sort()).toEqual([...expected].sort());
  });

  it('knows the line of each', () => {
    expect(shellCommands('#!/bin/sh\n\n: "a\nb"\nls\n')).toEqual([{ name: 'ls', line: 5 }]);
  });
});

describe('inittab', () => {
  const exists = (path: string): boolean => ['sbin/syslogd', 'bin/sh', 'bin/umount'].includes(path);
  it.each([
    ['::respawn:/sbin/syslogd -n\ntty1::askfirst:-/bin/sh\n# x\n\n::shutdown:umount -a -r\n', []],
    ['\n::respawn:/usr/sbin/httpd -f\n', [['inittab-command-missing', 2]]],
    ['::respwan:/bin/sh\n', [['inittab-action-unknown', 1]]],
    [
      'respawn /bin/sh\n::respawn:\n',
      [
        ['inittab-syntax', 1],
        ['inittab-syntax', 2],
      ],
    ],
    ['::respawn:httpd\n', [['inittab-command-missing', 1]]],
  ])('%j', (text, expected) => {
    const problems = inittabProblems({ path: 'etc/inittab', file: 'overlay/etc/inittab', text }, exists);
    expect(problems.map(({ code, line }) => [code, line])).toEqual(expected);
    expect(problems.every(({ file, hint }) => file === 'overlay/etc/inittab' && hint !== undefined)).toBe(true);
  });
});

it('names the script and the line of a command that BusyBox lost', () => {
  const layer = fileURLToPath(new URL('../../../../layers/tiny/files', import.meta.url));
  const script = async (path: string) => ({ path, file: path, text: await readFile(join(layer, path), 'utf8') });
  return Promise.all(['usr/lib/reswarm/functions', 'usr/lib/reswarm/network'].map(script)).then((scripts) => {
    const problems = scriptProblems(scripts, (path) => !path.endsWith('/udhcpc'));
    expect(problems.map(({ code, message }) => [code, message])).toEqual([
      ['start-command-missing', '/usr/lib/reswarm/network calls udhcpc, which the root does not have'],
    ]);
  });
});

it('every script of the layer is one that /bin/sh reads', async () => {
  const layers = ['tiny', 'tiny-dropbear'].map((name) =>
    fileURLToPath(new URL(`../../../../layers/${name}/files`, import.meta.url)),
  );
  const files = await Promise.all(
    layers.map(async (layer) => (await readdir(layer, { recursive: true })).map((path) => join(layer, path))),
  );
  const texts = await Promise.all(
    files.flat().map(async (file) => [file, await readFile(file, 'utf8').catch(() => '')] as const),
  );
  const scripts = texts.filter(([, text]) => text.startsWith('#!/bin/sh')).map(([file]) => file);
  expect(scripts.length).toBeGreaterThan(5);
  for (const script of scripts) execFileSync('/bin/sh', ['-n', script]);
});
