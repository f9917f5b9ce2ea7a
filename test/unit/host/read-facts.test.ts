import { execFile } from 'node:child_process';
import { chown, mkdtemp, rm } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { homeFolder, readHostFacts } from '../../../src/host/read-facts.js';

const run = promisify(execFile);
const home = userInfo().homedir;
const isRoot = process.getuid?.() === 0;

describe("the store's folder", () => {
  it.each<[string, Record<string, string>, string]>([
    ['XDG_CACHE_HOME', { HOME: '/home/ada', XDG_CACHE_HOME: '/srv/cache' }, '/srv/cache/reswarm-os'],
    ['HOME', { HOME: '/home/ada' }, '/home/ada/.cache/reswarm-os'],
    ['HOME when XDG_CACHE_HOME is relative', { HOME: '/home/ada', XDG_CACHE_HOME: 'x' }, '/home/ada/.cache/reswarm-os'],
    ['/etc/passwd when HOME is empty', { HOME: '' }, join(home, '.cache/reswarm-os')],
    ['/etc/passwd when HOME is relative', { HOME: 'ada' }, join(home, '.cache/reswarm-os')],
    ['/etc/passwd when HOME is not set', {}, join(home, '.cache/reswarm-os')],
  ])('is where %s says', (_, environment, expected) => {
    expect(readHostFacts(environment).cacheDir).toBe(expected);
  });

  it.runIf(isRoot)('is not in the home of the user who calls sudo -E', async () => {
    const theirs = await mkdtemp(join(tmpdir(), 'reswarm-home-'));
    await chown(theirs, 4321, 4321);
    expect(readHostFacts({ HOME: theirs, SUDO_UID: '4321' }).cacheDir).toBe(join(home, '.cache/reswarm-os'));
    expect(readHostFacts({ HOME: theirs }).cacheDir).toBe(join(theirs, '.cache/reswarm-os'));
    await rm(theirs, { recursive: true });
  });

  it.runIf(isRoot)('is refused with a code to a user without an entry in /etc/passwd and without HOME', async () => {
    const module = join(import.meta.dirname, '../../../src/host/read-facts.ts');
    const script = `import { readHostFacts, userName, hasPasswdEntry } from ${JSON.stringify(module)};
      process.setgid(54321); process.setuid(54321);
      const facts = readHostFacts({});
      let code; try { facts.cacheDir } catch (error) { code = error.code }
      console.log(JSON.stringify({ code, name: userName(), known: hasPasswdEntry(), set: readHostFacts({ HOME: '/x' }).cacheDir }));`;
    const { stdout } = await run(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', script]);
    expect(JSON.parse(stdout)).toEqual({
      code: 'home-unknown',
      name: '54321',
      known: false,
      set: '/x/.cache/reswarm-os',
    });
  });
});

describe('the home folder', () => {
  it('is the one that HOME names, also under sudo -E', () => {
    expect(homeFolder({ HOME: '/home/ada', SUDO_UID: '1000' })).toBe('/home/ada');
  });
});
