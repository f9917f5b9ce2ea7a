import { Flags } from '@oclif/core';

/** A device's seed, as `build`, `inject` and `reseed` take it. */
export const seedFlags = {
  'user-data': Flags.string({
    description: 'cloud-init user-data of this device',
    helpValue: 'FILE',
    helpGroup: 'SEED',
  }),
  'meta-data': Flags.string({ description: 'cloud-init meta-data', helpValue: 'FILE', helpGroup: 'SEED' }),
  'network-config': Flags.string({ description: 'cloud-init network-config', helpValue: 'FILE', helpGroup: 'SEED' }),
  hostname: Flags.string({ description: 'name of the device', helpGroup: 'SEED' }),
  'ssh-key': Flags.string({
    description: 'public key that may log in: a file, or the key itself',
    multiple: true,
    helpValue: 'FILE|KEY',
    helpGroup: 'SEED',
  }),
};
