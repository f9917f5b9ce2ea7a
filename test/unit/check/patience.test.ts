import { afterEach, describe, expect, it } from 'vitest';
import { Patience } from '../../../src/check/patience.js';

let patience: Patience | undefined;

afterEach(() => patience?.end());

/** A machine whose one thread had this share of the processors; a second on its clock is a millisecond here. */
async function end(share: number, seconds: number): Promise<{ code: string | undefined; hadSeconds: number }> {
  const started = performance.now();
  const now = (): number => performance.now() - started;
  const times = () => ({ id: 1, runSeconds: now() * share, waitSeconds: now() * (1 - share) });
  await new Promise<void>((resolve) => {
    const machine = {
      threadTimes: () => Promise.resolve([times()]),
      stop: () => {
        resolve();
        return Promise.resolve();
      },
    };
    patience = new Patience(machine, now, 5);
    patience.allow(seconds, 'it did not come');
  });
  return { code: patience?.stopped?.code, hadSeconds: patience?.clock.hadSeconds ?? 0 };
}

describe('the patience of a boot check', () => {
  it('ends when the machine had its time', async () => {
    expect(await end(1, 50)).toMatchObject({ code: 'timeout' });
  });

  it('lasts longer where the machine gets its time late', async () => {
    const { code, hadSeconds } = await end(0.5, 50);
    expect(code).toBe('timeout');
    expect(hadSeconds).toBeGreaterThanOrEqual(50);
  });

  it('ends too, with another word, where the machine gets next to none', async () => {
    const { code, hadSeconds } = await end(0.02, 50);
    expect(code).toBe('too-slow');
    expect(hadSeconds).toBeLessThan(50);
  });
});
