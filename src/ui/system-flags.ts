import { Flags } from '@oclif/core';

/** The flag of every command that is about an image and not only about a board. */
export const systemFlag = {
  system: Flags.string({
    description: 'what runs on the board: id of a system, or the path of a system file [default: debian]',
    helpValue: 'debian',
  }),
};
