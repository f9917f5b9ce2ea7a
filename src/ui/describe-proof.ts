import type { BootProof } from '../model/boot-proof.js';
import { milestoneTitle } from '../model/boot-proof.js';

/** A boot check for people: a line each milestone, the time in front. */
export function describeProof(proof: BootProof): readonly string[] {
  const rows = proof.milestones.map((milestone) => {
    const time = milestone.seconds === undefined ? '-' : `${milestone.seconds.toFixed(1)} s`;
    return `${time.padStart(9)}  ${milestone.ok ? 'ok ' : 'BAD'}  ${milestoneTitle(milestone.name).padEnd(25)} ${milestone.detail}`.trimEnd();
  });
  const boot =
    proof.bootSeconds === undefined ? '' : ` Booted to its container engine in ${proof.bootSeconds.toFixed(1)} s.`;
  return [
    ...rows,
    ...proof.profile.map((line) => `           ${line}`),
    '',
    proof.passed ? `The image works (${proof.machine}).${boot}` : `The image does not work (${proof.machine}).`,
  ];
}
