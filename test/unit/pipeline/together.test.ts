import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { together } from '../../../src/pipeline/together.js';

it('gives all results in their order', async () => {
  expect(await together([sleep(20, 'slow'), 'known', Promise.resolve(3)] as const)).toEqual(['slow', 'known', 3]);
});

it('throws a failure when the rest has ended, and not before', async () => {
  let ended = false;
  const slow = sleep(50).then(() => {
    ended = true;
  });
  await expect(together([Promise.reject(new Error('no')), slow])).rejects.toThrow('no');
  expect(ended).toBe(true);
});
