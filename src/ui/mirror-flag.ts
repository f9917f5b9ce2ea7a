import { Flags } from '@oclif/core';

/** For commands that ask the Debian archive. */
export const mirrorFlag = {
  mirror: Flags.string({
    description: 'Debian mirror [default: the one mmdebstrap knows]',
    env: 'RESWARM_DEBIAN_MIRROR',
    helpValue: 'URL',
  }),
};
