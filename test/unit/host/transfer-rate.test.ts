import { describe, expect, it } from 'vitest';
import { etaSeconds, TransferRate } from '../../../src/host/transfer-rate.js';

describe('TransferRate', () => {
  it('knows no speed at the first sample', () => {
    expect(new TransferRate().sample(1000, 0)).toBe(0);
  });

  it('counts a resumed part as no speed', () => {
    const rate = new TransferRate();
    rate.sample(1_000_000, 0);
    expect(rate.sample(1_002_000, 1000)).toBe(2000);
  });

  it('forgets a fast start and falls to nothing in a stall', () => {
    const rate = new TransferRate(5000);
    rate.sample(0, 0);
    rate.sample(10_000_000, 1000);
    for (let second = 2; second <= 10; second += 1) rate.sample(10_000_000, second * 1000);
    expect(rate.sample(10_000_000, 11_000)).toBe(0);
  });
});

it.each([
  [0, 1000, 100, 10],
  [950, 1000, 100, 1],
  [1000, 1000, 100, 0],
  [0, 0, 100, undefined],
  [0, 1000, 0, undefined],
])('with %i of %i bytes at %i B/s the rest takes %j s', (done, total, speed, expected) => {
  expect(etaSeconds(done, total, speed)).toBe(expected);
});
