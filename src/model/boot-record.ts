import type { BootProof } from './boot-proof.js';

/** How a boot check went: what may be kept, so nothing that a console printed. */
export type BootRecord = {
  readonly machine: string;
  readonly passed: boolean;
  /** ISO 8601. */
  readonly checkedAt: string;
  /** From power-on to the answer of `docker info`. */
  readonly bootSeconds?: number;
  readonly stopped?: string;
  readonly milestones: readonly {
    readonly name: string;
    readonly title: string;
    readonly ok: boolean;
    readonly seconds?: number;
  }[];
};

export function bootRecordOf(
  proof: BootProof,
  titles: readonly { name: string; title: string }[],
  now: Date,
): BootRecord {
  return {
    machine: proof.machine,
    passed: proof.passed,
    checkedAt: now.toISOString(),
    ...(proof.bootSeconds === undefined ? {} : { bootSeconds: proof.bootSeconds }),
    ...(proof.stopped === undefined ? {} : { stopped: proof.stopped.code }),
    milestones: proof.milestones.map(({ name, ok, seconds }) => ({
      name,
      title: titles.find((title) => title.name === name)?.title ?? name,
      ok,
      ...(seconds === undefined ? {} : { seconds }),
    })),
  };
}
