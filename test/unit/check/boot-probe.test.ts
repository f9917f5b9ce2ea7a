import { describe, expect, it } from 'vitest';
import { PROBE_OFFSET_BYTES, probeArguments, probeSectors } from '../../../src/check/boot-probe.js';

describe('the probe', () => {
  it('fills whole sectors with line ends', () => {
    const sectors = probeSectors('echo one\n');
    expect(sectors).toHaveLength(512);
    expect(sectors.toString().trimEnd()).toBe('echo one');
    expect(probeSectors('x'.repeat(513))).toHaveLength(1024);
  });

  it('does not touch the partition table', () => {
    expect(PROBE_OFFSET_BYTES).toBeGreaterThanOrEqual(34 * 512);
  });

  it('is named to systemd by a unit that fits the kernel command line', () => {
    const [credential = '', wants] = probeArguments(7 * 512);
    expect(wants).toBe('systemd.wants=reswarm-proof.service');
    expect(credential.length).toBeLessThan(700);
    const [name, unit = ''] = credential.replace('systemd.set_credential_binary=', '').split(':');
    expect(name).toBe('systemd.extra-unit.reswarm-proof.service');
    const text = Buffer.from(unit, 'base64').toString();
    expect(text).toContain('bs=512 skip=1024 count=7');
    // Words of a kernel command line end at a space.
    expect(credential).not.toMatch(/\s/);
  });
});
