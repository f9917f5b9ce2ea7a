import { Flags } from '@oclif/core';
import type { ListedDevice } from '../drives/list-drives.js';
import { listDevices } from '../drives/list-drives.js';
import { describeDevices } from '../ui/describe-devices.js';
import { BaseCommand } from './base-command.js';

export default class Devices extends BaseCommand {
  static override aliases = ['devices:list'];
  static override summary = 'List the drives that an image could be written to, and why not the others';
  static override description = `Memory cards, USB sticks and readers come first. A drive is left out when it holds the running system, is mounted or
otherwise in use, is a part of an array, is built in, is implausibly large, … Nothing is written and nothing is changed.`;
  static override examples = [
    '<%= config.bin %> devices',
    { description: 'With partitions, loop devices, volumes', command: '<%= config.bin %> devices --all' },
    { description: 'For scripts', command: '<%= config.bin %> devices --json' },
  ];
  static override flags = {
    all: Flags.boolean({
      char: 'a',
      description: 'also what is no drive of its own: partitions, loop devices, volumes',
    }),
  };

  async run(): Promise<{ devices: readonly ListedDevice[] }> {
    const { flags } = await this.parse(Devices);
    const devices = await listDevices({ all: flags.all }, this.host);
    for (const line of describeDevices(devices)) this.log(line);
    return { devices };
  }
}
