import { UserError } from '../../errors.js';

/** "3" or "10%": how many devices have the update when the wave is over. */
export type Wave = { readonly kind: 'count' | 'percent'; readonly value: number };

/** Throws UserError `wave-invalid`. */
export function parseWave(text: string): Wave {
  const match = /^(\d{1,6})(%?)$/.exec(text);
  const value = Number(match?.[1]);
  const isPercent = match?.[2] === '%';
  if (match === null || value < 1 || (isPercent && value > 100)) {
    throw new UserError('wave-invalid', `"${text}" is not the size of a wave`, {
      hints: ['A number of devices, or a share of them: --wave 1 --wave 10% --wave 100%'],
    });
  }
  return { kind: isPercent ? 'percent' : 'count', value };
}

/** Sizes count from the first device on; who is left over makes the last wave. Throws UserError `wave-order`. */
export function planWaves<Device>(devices: readonly Device[], waves: readonly Wave[]): readonly (readonly Device[])[] {
  const ends = waves.map(({ kind, value }) => (kind === 'count' ? value : Math.ceil((devices.length * value) / 100)));
  for (const [index, end] of ends.entries()) {
    if (end >= (ends[index - 1] ?? 0)) continue;
    throw new UserError(
      'wave-order',
      `Wave ${index + 1} ends with ${end} devices, and the one before with ${ends[index - 1] ?? 0}`,
      {
        hints: ['Each wave counts all devices from the first one on: --wave 1 --wave 10% --wave 100%'],
      },
    );
  }
  const cuts = [0, ...ends.map((end) => Math.min(end, devices.length)), devices.length];
  return cuts
    .slice(1)
    .map((end, index) => devices.slice(cuts[index], end))
    .filter((wave) => wave.length > 0);
}
