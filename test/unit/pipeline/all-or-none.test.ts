import { describe, expect, it } from 'vitest';
import { allOrNone } from '../../../src/pipeline/all-or-none.js';

/** Ends when it is told to, like a compile that gets SIGTERM. */
async function untilAbandoned(signal: AbortSignal, onEnd: () => void): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => {
      setTimeout(() => {
        onEnd();
        reject(new Error('ended'));
      }, 20);
    });
  });
}

describe('work that belongs together', () => {
  it('gives all results in order', async () => {
    const results = await allOrNone(new AbortController(), [Promise.resolve(1), Promise.resolve('two')] as const);
    expect(results).toEqual([1, 'two']);
  });

  it('ends the rest at the first failure, waits for it, and throws the first failure', async () => {
    const abandon = new AbortController();
    let ended = false;
    const rest = untilAbandoned(abandon.signal, () => {
      ended = true;
    });
    await expect(allOrNone(abandon, [rest, Promise.reject(new Error('first'))] as const)).rejects.toThrow('first');
    expect(ended).toBe(true);
  });
});
