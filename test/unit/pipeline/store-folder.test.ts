import { execFile } from 'node:child_process';
import { chmod, chown, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeStoreFolders } from '../../../src/pipeline/store-folder.js';

const run = promisify(execFile);
const isRoot = process.getuid?.() === 0;
const USER = 54_321;

let folder: string;
let root: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reswarm-store-folder-'));
  await chmod(folder, 0o755);
  root = join(folder, '.cache/reswarm-os/v1');
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

const modeOf = async (path: string): Promise<number> => (await stat(path)).mode & 0o7777;

/** As a user, in a process of its own. */
async function makeAsUser(): Promise<{ code?: string; details?: string[]; hints?: string[] }> {
  const module = join(import.meta.dirname, '../../../src/pipeline/store-folder.ts');
  const script = `import { makeStoreFolders } from ${JSON.stringify(module)};
    process.setgroups([]); process.setgid(${USER}); process.setuid(${USER});
    try { await makeStoreFolders(${JSON.stringify(root)}); console.log('{}'); }
    catch ({ code, details, hints }) { console.log(JSON.stringify({ code, details, hints })); }`;
  const { stdout } = await run(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', script]);
  return JSON.parse(stdout) as object;
}

describe('the folders of the store', () => {
  it('are private, and hand on no group of a setgid folder above', async () => {
    await chmod(folder, 0o2775);
    await makeStoreFolders(root);
    expect(await modeOf(root)).toBe(0o700);
    expect(await modeOf(join(root, 'tmp'))).toBe(0o755);
  });

  it('that cannot be made because a file is in the way are refused with a code', async () => {
    await writeFile(join(folder, '.cache'), '');
    await expect(makeStoreFolders(root)).rejects.toMatchObject({ code: 'store-not-writable' });
  });

  it.runIf(isRoot)('leave ~/.cache to the user whose home root makes it in', async () => {
    await chown(folder, USER, USER);
    await makeStoreFolders(root);
    expect((await stat(join(folder, '.cache'))).uid).toBe(USER);
  });

  it.runIf(isRoot)('that root made are refused to a user with a code and the way to get them back', async () => {
    await chown(folder, USER, USER);
    await makeStoreFolders(root);
    const refused = await makeAsUser();
    expect(refused.code).toBe('store-not-writable');
    expect(refused.details?.join()).toContain('belongs to root');
    expect(refused.hints?.join()).toMatch(/sudo chown -R .*reswarm-os/);
    await run('chown', ['-R', `${USER}:${USER}`, join(folder, '.cache')]);
    expect(await makeAsUser()).toEqual({});
  });

  it.runIf(isRoot)("that root made a stage's entries in are refused too, before anything is made", async () => {
    await chown(folder, USER, USER);
    expect(await makeAsUser()).toEqual({});
    await mkdir(join(root, 'kernel'));
    const refused = await makeAsUser();
    expect(refused.code).toBe('store-not-writable');
    expect(refused.details?.join()).toContain('v1/kernel belongs to root');
  });
});
