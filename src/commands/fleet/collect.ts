import { resolve } from 'node:path';
import { Args, Flags } from '@oclif/core';
import { recordPathOf } from '../../fleet/fleet-record.js';
import type { CollectedDevice } from '../../fleet/remote/collect.js';
import { collect } from '../../fleet/remote/collect.js';
import { fleetDevices } from '../../fleet/remote/fleet-devices.js';
import { describeCollected } from '../../ui/describe-push.js';
import { addressFlags, sshFlags, sshSettings } from '../../ui/ssh-flags.js';
import { BaseCommand } from '../base-command.js';

export default class FleetCollect extends BaseCommand {
  static override summary = 'Ask devices over ssh what runs on them, and add it to the record of the fleet';
  static override description = `Reads version, slot and history of updates of each device. Only what the record does not have is added; "fleet status"
shows it. Exits with 1 when a device could not be asked.`;
  static override args = {
    fleet: Args.string({ required: true, description: 'YAML or CSV file, or a folder of .flock files' }),
  };
  static override flags = {
    record: Flags.string({
      description: 'record to add to [default: <fleet>.written.ndjson beside the fleet]',
      helpValue: 'FILE',
    }),
    ...sshFlags,
    ...addressFlags,
  };
  static override examples = [
    '<%= config.bin %> fleet collect gates.yaml --domain .local --user ada',
    '<%= config.bin %> fleet collect gates.yaml --address gate-1=192.0.2.7 --json',
  ];

  async run(): Promise<{ readonly record: string; readonly devices: readonly CollectedDevice[] }> {
    const { args, flags } = await this.parse(FleetCollect);
    const { domain, address: addresses, user, port, jobs } = flags;
    const devices = await fleetDevices(args.fleet, { domain, addresses, user, port });
    const record = resolve(flags.record ?? recordPathOf(args.fleet));
    const options = { devices, record, ssh: sshSettings(flags), jobs };
    const collected = await collect(options, this.host, () => new Date());
    for (const line of describeCollected(collected)) this.log(line);
    if (collected.some(({ code }) => code !== undefined)) process.exitCode = 1;
    return { record, devices: collected };
  }
}
