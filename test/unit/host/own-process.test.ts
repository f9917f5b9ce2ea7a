import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { programEnvironment } from '../../../src/host/caller-environment.js';
import { prlimitOptions } from '../../../src/host/own-process.js';

const run = promisify(execFile);
const isRoot = process.getuid?.() === 0;

const USUAL = `Limit                     Soft Limit           Hard Limit           Units
Max cpu time              unlimited            unlimited            seconds
Max file size             unlimited            unlimited            bytes
Max data size             unlimited            unlimited            bytes
Max stack size            8388608              unlimited            bytes
Max core file size        0                    unlimited            bytes
Max processes             31523                31523                processes
Max open files            1024                 1048576              files
Max address space         unlimited            unlimited            bytes
`;

describe('the resource limits of the caller', () => {
  it('stay where they are the usual ones, or cannot be read', () => {
    expect(prlimitOptions(USUAL)).toEqual([]);
    expect(prlimitOptions('')).toEqual([]);
  });

  it.each([
    ['of files', /(?<=Max file size +)unlimited/, '1048576', '--fsize=unlimited:'],
    ['of memory', /(?<=Max address space +)unlimited/, '4194304', '--as=unlimited:'],
    ['of processes', /(?<=Max processes +)31523/, '100', '--nproc=31523:'],
    ['of the stack', /8388608 /, 'unlimited ', '--stack=8388608:'],
    ['of a small stack', /8388608 +unlimited/, '65536 1048576', '--stack=1048576:'],
    ['of core files', /(?<=Max core file size +)0 /, 'unlimited ', '--core=0:'],
  ])('%s are set to the usual ones', (_, limit, odd, option) => {
    expect(prlimitOptions(USUAL.replace(limit, odd))).toEqual([option]);
  });

  it('reach no program, nor do umask and groups', async () => {
    const module = join(import.meta.dirname, '../../../src/host/own-process.ts');
    const script = `import { shedCallersSettings } from ${JSON.stringify(module)};
      import { execFileSync } from 'node:child_process';
      await shedCallersSettings();
      console.log(execFileSync('sh', ['-c', 'umask; ulimit -c; ulimit -f; ulimit -s; id -g; id -G'], { encoding: 'utf8' }));`;
    const odd = 'umask 077; ulimit -S -c 100 -f 100000 -s 4096; exec "$@"';
    const node = [process.execPath, '--import', 'tsx', '--input-type=module', '--eval', script];
    const groups = isRoot ? ['setpriv', '--regid=4321', '--groups=4321,5'] : [];
    const { stdout } = await run('bash', ['-c', odd, 'bash', ...groups, ...node]);
    const [umask, core, file, stack, ...ids] = stdout.trim().split('\n');
    expect([umask, core, file, stack]).toEqual(['0022', '0', 'unlimited', '8192']);
    if (isRoot) expect(ids).toEqual(['0', '0']);
  });
});

describe('the environment of programs', () => {
  it("has the system's programs first, and none of the working folder's", () => {
    const { PATH, HOME } = programEnvironment({ PATH: '/home/ada/bin:.:/usr/bin::bin:/opt/x', HOME: '/home/ada' });
    expect(PATH).toBe('/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/home/ada/bin:/opt/x');
    expect(HOME).toBe('/home/ada');
    expect(programEnvironment({}).PATH).toContain('/usr/sbin');
  });
});
