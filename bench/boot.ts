import type { BootProof } from '../src/model/boot-proof.js';
import type { Figure } from './figure.js';
import { seconds } from './figure.js';
import { timeCli } from './timing.js';

/** From power-on to the answer of `docker info`, emulated without hardware's help (TCG). */
export async function measureBoot(image: string): Promise<readonly Figure[]> {
  const { seconds: wall, result } = await timeCli(['boot', image, '--check']);
  const { bootSeconds, milestones } = result as BootProof;
  const memory = milestones.find(({ name }) => name === 'memory')?.detail ?? '';
  return [
    {
      what: 'Booted to `docker info` on `virt`',
      value: bootSeconds === undefined ? 'never' : seconds(bootSeconds),
      target: '≤ 90 s',
      how: `whole check ${seconds(wall)}; ${memory}`,
    },
  ];
}
