import { fileURLToPath } from 'node:url';
import { format } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import Doctor from '../../../src/commands/doctor.js';
import type { Host } from '../../../src/host/host.js';
import { createFakeHost } from '../../fake-host.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));
let stdout: string;
let stderr: string;

/** A machine on which no program is there. */
class DoctorOfAnEmptyMachine extends Doctor {
  protected override createHost(): Host {
    return createFakeHost({ facts: { cacheDir: '/tmp' }, run: () => 'not-found' });
  }
}

beforeEach(() => {
  stdout = '';
  stderr = '';
  vi.spyOn(console, 'log').mockImplementation((...words: unknown[]) => {
    stdout += `${format(...words)}\n`;
  });
  vi.spyOn(process.stderr, 'write').mockImplementation((chunk) => {
    stderr += chunk.toString();
    return true;
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
});

describe('doctor', () => {
  it('names what is missing and exits with 1', async () => {
    await DoctorOfAnEmptyMachine.run([], { root });
    expect(stdout).toMatch(/✘ mmdebstrap +not there/);
    expect(stdout).toMatch(/✘ bubblewrap +not there/);
    expect(stdout).toMatch(/✔ Node\.js +\d+/);
    expect(stdout).toMatch(/\d+ of 16 requirements are missing/);
    expect(process.exitCode).toBe(1);
  });

  it('prints the same as one JSON document', async () => {
    await DoctorOfAnEmptyMachine.run(['--json'], { root });
    const report = JSON.parse(stdout) as { ready: boolean; checks: { id: string; status: string }[] };
    expect(report.ready).toBe(false);
    expect(report.checks.find(({ id }) => id === 'mmdebstrap')?.status).toBe('missing');
    expect(process.exitCode).toBe(1);
  });

  it('does not take --yes for a wish to change the machine', async () => {
    await DoctorOfAnEmptyMachine.run(['--yes'], { root }).catch((error: unknown) => {
      stderr += String(error);
    });
    expect(stderr).toContain('--fix');
  });
});
