import type { BootProof } from '../model/boot-proof.js';
import { milestoneTitle } from '../model/boot-proof.js';

/** A boot check for people: a line each milestone, the time in front. */
export function describeProof(proof: BootProof): readonly string[] {
  const rows = proof.milestones.map((milestone) => {
    const time = milestone.seconds === undefined ? '-' : `${milestone.seconds.toFixed(1)} s`;
    return `${time.padStart(9)}  ${milestone.ok ? 'ok ' : 'BAD'}  ${milestoneTitle(milestone.name).padEnd(25)} ${milestone.detail}`.trimEnd();
  });
  const isSmall = proof.milestones.some(({ name }) => name === 'ready');
  const end = isSmall ? 'Ready' : 'Booted to its container engine';
  const boot = proof.bootSeconds === undefined ? '' : ` ${end} in ${proof.bootSeconds.toFixed(1)} s.`;
  return [
    ...rows,
    ...proof.profile.map((line) => `           ${line}`),
    '',
    `${WORDS[proof.verdict]} (${proof.machine}).${proof.passed ? boot : timeOf(proof)}`,
  ];
}

const WORDS: Readonly<Record<BootProof['verdict'], string>> = {
  works: 'The image works',
  'does-not-work': 'The image does not work',
  'not-proven': 'Not proven: this machine was too slow',
};

function timeOf({ verdict, time: { hadSeconds, wallSeconds } }: BootProof): string {
  return verdict === 'not-proven' ? ` The device had ${hadSeconds} s of a processor in ${wallSeconds} s.` : '';
}
