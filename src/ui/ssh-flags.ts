import { Flags } from '@oclif/core';
import type { SshSettings } from '../fleet/remote/ssh-device.js';

/** How devices are reached. The user's own ssh configuration counts too. */
export const sshFlags = {
  user: Flags.string({ char: 'u', description: 'log in as; root, or with sudo without a password', helpValue: 'NAME' }),
  port: Flags.integer({ description: 'port of the ssh servers', min: 1, max: 65_535, helpValue: 'PORT' }),
  identity: Flags.string({ char: 'i', description: 'private key to log in with', helpValue: 'FILE' }),
  'ssh-option': Flags.string({
    description: 'option of ssh -o, such as StrictHostKeyChecking=accept-new',
    multiple: true,
    multipleNonGreedy: true,
    default: [],
    helpValue: 'NAME=VALUE',
  }),
  jobs: Flags.integer({ char: 'j', description: 'devices at a time', default: 8, min: 1, max: 256, helpValue: 'N' }),
};

/** Where the devices of a fleet are. */
export const addressFlags = {
  domain: Flags.string({
    description: 'what follows the host names of the fleet: .local, .example.org',
    default: '',
    helpValue: 'SUFFIX',
  }),
  address: Flags.string({
    description: 'where a device is reached that is not by its host name',
    multiple: true,
    multipleNonGreedy: true,
    default: [],
    helpValue: 'NAME=HOST',
  }),
};

export function sshSettings(flags: {
  readonly identity: string | undefined;
  readonly 'ssh-option': readonly string[];
}): SshSettings {
  return { identity: flags.identity, options: flags['ssh-option'] };
}
