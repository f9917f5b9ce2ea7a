import { resolve } from 'node:path';
import { Args, Flags } from '@oclif/core';
import type { FleetStatus as Status } from '../../fleet/fleet-status.js';
import { fleetStatus } from '../../fleet/fleet-status.js';
import { describeStatus } from '../../ui/describe-fleet.js';
import { BaseCommand } from '../base-command.js';

export default class FleetStatus extends BaseCommand {
  static override summary = 'Show which device was written to which card, when, with which image';
  static override description = `Reads the record that "flash --fleet" keeps beside the fleet: one JSON object a line, only ever added to, without
any value of a seed. A line that a power cut has torn is named and passed over.`;
  static override args = {
    fleet: Args.string({ required: true, description: 'YAML or CSV file, or a folder of .flock files' }),
  };
  static override flags = {
    record: Flags.string({
      description: 'record to read [default: <fleet>.written.ndjson beside the fleet]',
      helpValue: 'FILE',
    }),
  };
  static override examples = [
    '<%= config.bin %> fleet status gates.yaml',
    '<%= config.bin %> fleet status gates.yaml --json',
  ];

  async run(): Promise<Status> {
    const { args, flags } = await this.parse(FleetStatus);
    const record = flags.record === undefined ? undefined : resolve(flags.record);
    const status = await fleetStatus(args.fleet, record);
    for (const line of describeStatus(status)) this.log(line);
    return status;
  }
}
