import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import Doctor from '../../../src/commands/doctor.js';
import type { Host } from '../../../src/host/host.js';
import { createFakeHost } from '../../helpers/fake-host.js';
import { captureOutput } from '../../helpers/captured-output.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const output = captureOutput();

/** A machine on which no program is there. */
class DoctorOfAnEmptyMachine extends Doctor {
  protected override createHost(): Host {
    return createFakeHost({ facts: { cacheDir: '/tmp' }, run: () => 'not-found' });
  }
}

describe('doctor', () => {
  it('names what is missing and exits with 1', async () => {
    await DoctorOfAnEmptyMachine.run([], { root });
    expect(output.stdout).toMatch(/✘ mmdebstrap +not there/);
    expect(output.stdout).toMatch(/✘ bubblewrap +not there/);
    expect(output.stdout).toMatch(/✔ Node\.js +\d+/);
    expect(output.stdout).toMatch(/\d+ of 17 requirements are missing/);
    expect(process.exitCode).toBe(1);
  });

  it('prints the same as one JSON document', async () => {
    await DoctorOfAnEmptyMachine.run(['--json'], { root });
    const report = JSON.parse(output.stdout) as { ready: boolean; checks: { id: string; status: string }[] };
    expect(report.ready).toBe(false);
    expect(report.checks.find(({ id }) => id === 'mmdebstrap')?.status).toBe('missing');
    expect(process.exitCode).toBe(1);
  });

  it('does not take --yes for a wish to change the machine', async () => {
    await DoctorOfAnEmptyMachine.run(['--yes'], { root }).catch((error: unknown) => {
      output.stderr += String(error);
    });
    expect(output.stderr).toContain('--fix');
  });
});
