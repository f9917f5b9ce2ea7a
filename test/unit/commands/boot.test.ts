import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import Boot from '../../../src/commands/boot.js';
import { POWER_ON } from '../../../src/model/machine-clock.js';
import { concludeWatch, startWatch, watchLine } from '../../../src/model/boot-proof.js';
import { NO_EXPECTATIONS } from '../../../src/model/boot-expectations.js';
import { firstFailure } from '../../../src/check/check-boot.js';
import { fat32Disk, saveDisk } from '../../helpers/fat32-disk.js';
import { describeProof } from '../../../src/ui/describe-proof.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));
let folder: string;
let stdout: string;
let stderr: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'boot-command-'));
  vi.stubEnv('XDG_CACHE_HOME', folder);
  stdout = '';
  stderr = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    stdout += chunk.toString();
    return true;
  });
  vi.spyOn(process.stderr, 'write').mockImplementation((chunk) => {
    stderr += chunk.toString();
    return true;
  });
});

afterEach(async () => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  process.exitCode = undefined;
  await rm(folder, { recursive: true, force: true });
});

describe('boot', () => {
  it.each([
    [['missing.img', '--check'], 'image-not-found'],
    [['empty.img', '--check'], 'not-an-image'],
    [['empty.img', '--check', '--memory', '1M'], 'bad-memory'],
    [['empty.img', '--check', '--memory', 'much'], 'bad-memory'],
    [['empty.img', '--check', '--log', 'missing/console.log'], 'log-not-writable'],
  ])('refuses %j with %s and exit code 2', async (argv, code) => {
    await writeFile(join(folder, 'empty.img'), '');
    const inFolder = argv.map((word) => (/\.(img|log)$/.test(word) ? join(folder, word) : word));
    await Boot.run(inFolder, { root });
    expect(stderr).toContain(`[${code}]`);
    expect(process.exitCode).toBe(2);
  });

  it('says that the image is missing before it says that there is no terminal', async () => {
    await Boot.run([join(folder, 'missing.img')], { root });
    expect(stderr).toContain('[image-not-found]');
  });

  it('needs a terminal when nothing is checked', async () => {
    await saveDisk(fat32Disk(), join(folder, 'x.img'));
    await Boot.run([join(folder, 'x.img'), '--json'], { root });
    expect(JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '')).toMatchObject({
      type: 'result',
      error: { code: 'no-terminal' },
    });
  });

  it.each([
    [['x.img', '--machine', 'vax']],
    [['x.img', '--check', '--timeout', '0']],
    [['x.img', '--log', 'console.log']],
    [[]],
  ])('refuses the words %j', async (argv) => {
    await Boot.run(argv, { root });
    expect(stderr).toContain('[usage-invalid]');
    expect(process.exitCode).toBe(2);
  });
});

describe('the words for a check', () => {
  it('name the first milestone that did not come, and why nothing more came', () => {
    const panic = ['[ 0] Linux version 6.12.1 (x)', '[ 3] Kernel panic - not syncing: no root'];
    const watch = panic.reduce((state, line) => watchLine(state, line, 1.24), startWatch(NO_EXPECTATIONS, ''));
    const proof = concludeWatch('virt', watch, POWER_ON);
    expect(firstFailure(proof)).toEqual({
      name: 'root',
      text: 'Root file system mounted: Kernel panic - not syncing: no root',
    });
    const lines = describeProof(proof);
    expect(lines[0]).toBe('    1.2 s  ok   Kernel starts             6.12.1');
    expect(lines[1]).toBe('        -  BAD  Root file system mounted  did not come');
    expect(lines.at(-1)).toBe('The image does not work (virt).');
  });
});
