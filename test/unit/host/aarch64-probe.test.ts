import { describe, expect, it } from 'vitest';
import { aarch64Program, runsAarch64 } from '../../../src/host/aarch64-probe.js';
import { createFakeHost } from '../../helpers/fake-host.js';

it('makes a program that starts as binfmt_misc handlers for arm64 expect it', () => {
  expect(aarch64Program().subarray(0, 20).toString('hex')).toBe('7f454c460201010000000000000000000200b700');
});

describe('runsAarch64', () => {
  it.each([
    ['runs', {}, true],
    ['does not run', { exitCode: 1, stderr: 'execvp /probe: Exec format error' }, false],
  ] as const)('says so when it %s', async (_what, answer, expected) => {
    const host = createFakeHost({ run: ({ args }) => (args.at(-1) === '/probe' ? answer : undefined) });
    expect(await runsAarch64(host)).toBe(expected);
  });
});
