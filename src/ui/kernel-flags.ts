import { Flags } from '@oclif/core';
import { KERNEL_FLAVOURS } from '../model/board.js';
import type { KernelOptions } from '../build/kernel/prepare-kernel.js';

/** Flags that say which kernel is meant and how it is made; shared by the commands about kernels. */
export const kernelFlags = {
  board: Flags.string({
    char: 'b',
    required: true,
    description: 'board id, or the path of a board definition',
    helpValue: 'rpi4',
  }),
  flavour: Flags.option({
    options: KERNEL_FLAVOURS,
    description: "flavour instead of the board's: rt is PREEMPT_RT",
  })(),
  profile: Flags.string({
    description: "one of the board's kernel profiles instead of its own kernel: tiny is that of small systems",
    helpValue: 'tiny',
  }),
  jobs: Flags.integer({ char: 'j', description: 'processes of the compile [default: all cores]', min: 1 }),
  offline: Flags.boolean({ description: 'use no network: everything must be in the store' }),
  mirror: Flags.string({
    description: 'Debian mirror [default: the one mmdebstrap knows]',
    env: 'RESWARM_DEBIAN_MIRROR',
    helpValue: 'URL',
  }),
};

type KernelFlags = {
  readonly board: string;
  readonly flavour?: (typeof KERNEL_FLAVOURS)[number] | undefined;
  readonly profile?: string | undefined;
  readonly jobs?: number | undefined;
  readonly offline: boolean;
  readonly mirror?: string | undefined;
};

/** The flags as the services take them. */
export function kernelOptions(
  { board, flavour, profile, jobs, offline, mirror }: KernelFlags,
  place: { readonly projectDir: string; readonly workingFolder: string; readonly cpus: number },
  environment: Readonly<Record<string, string | undefined>>,
): KernelOptions {
  const { SOURCE_DATE_EPOCH: sourceDateEpoch } = environment;
  return {
    board,
    ...(flavour === undefined ? {} : { flavour }),
    ...(profile === undefined ? {} : { profile }),
    projectDir: place.projectDir,
    workingFolder: place.workingFolder,
    jobs: jobs ?? place.cpus,
    offline,
    ...(mirror === undefined ? {} : { mirror }),
    ...(sourceDateEpoch === undefined ? {} : { sourceDateEpoch }),
  };
}
