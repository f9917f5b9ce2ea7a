import { Args, Flags } from '@oclif/core';
import type { CheckedFleet } from '../../fleet/check-fleet.js';
import { checkFleet } from '../../fleet/check-fleet.js';
import { fleetBase } from '../../fleet/fleet-base.js';
import { BaseCommand } from '../base-command.js';
import { warnOf } from '../../ui/describe-fleet.js';

export default class FleetCheck extends BaseCommand {
  static override summary = 'Check a list of devices and the seed of each';
  static override description = `Reads a YAML or CSV file or a folder of .flock files. Finds what two devices share and must not (names, host
names, ids, addresses, keys), puts together the seed of each device and checks it as "seed check" does. Every finding
names file, line and column. Exits with 2 when something is wrong. Nothing is written.`;
  static override args = {
    fleet: Args.string({ required: true, description: 'YAML or CSV file, or a folder of .flock files' }),
  };
  static override flags = {
    system: Flags.string({
      description: 'the system of the devices: tiny ones do a part of what cloud-init does [default: debian]',
      helpValue: 'SYSTEM',
    }),
    offline: Flags.boolean({ description: 'use no network: the schemas of cloud-init must be in the store' }),
  };
  static override examples = [
    '<%= config.bin %> fleet check gates.yaml',
    '<%= config.bin %> fleet check gates.csv --json',
    '<%= config.bin %> fleet check gates.yaml --system tiny',
    '<%= config.bin %> fleet check flocks/',
  ];

  async run(): Promise<CheckedFleet> {
    const { args, flags } = await this.parse(FleetCheck);
    const places = { projectDir: this.config.root, workingFolder: process.cwd(), offline: flags.offline };
    const base = await fleetBase({ ...places, system: flags.system }, this.host, this.reporter);
    await this.closeReporter();
    const options = { path: args.fleet, workingFolder: places.workingFolder };
    const checked = await checkFleet(options, base, this.host.signal);
    for (const line of warnOf(checked.warnings)) process.stderr.write(`${line}\n`);
    this.log(`${args.fleet}: ${checked.devices} ${checked.devices === 1 ? 'device' : 'devices'}, every seed is valid`);
    return checked;
  }
}
