import { resolve } from 'node:path';
import { Args, Flags } from '@oclif/core';
import { fleetBase } from '../../fleet/fleet-base.js';
import type { RenderedFleet } from '../../fleet/render-fleet.js';
import { renderFleet } from '../../fleet/render-fleet.js';
import { describeRendered, warnOf } from '../../ui/describe-fleet.js';
import { BaseCommand } from '../base-command.js';

export default class FleetRender extends BaseCommand {
  static override summary = 'Write the seed of each device into a folder of its own';
  static override description = `Checks the fleet as "fleet check" does, then writes DIR/<device>/user-data, meta-data and network-config,
readable by you only. All or none: a folder that is there keeps its content until all is written. The same fleet gives
the same bytes.`;
  static override args = {
    fleet: Args.string({ required: true, description: 'YAML or CSV file, or a folder of .flock files' }),
  };
  static override flags = {
    out: Flags.string({ char: 'o', required: true, description: 'folder to write', helpValue: 'DIR' }),
    only: Flags.string({
      multiple: true,
      description: 'these devices; what is there of others stays',
      helpValue: 'NAME',
    }),
    system: Flags.string({
      description: 'the system of the devices: tiny ones do a part of what cloud-init does [default: debian]',
      helpValue: 'SYSTEM',
    }),
    offline: Flags.boolean({ description: 'use no network: the schemas of cloud-init must be in the store' }),
  };
  static override examples = [
    '<%= config.bin %> fleet render gates.yaml --out seeds',
    '<%= config.bin %> fleet render gates.yaml --out seeds --only gate-7',
  ];

  async run(): Promise<RenderedFleet> {
    const { args, flags } = await this.parse(FleetRender);
    const places = { projectDir: this.config.root, workingFolder: process.cwd(), offline: flags.offline };
    const base = await fleetBase({ ...places, system: flags.system }, this.host, this.reporter);
    await this.closeReporter();
    const rendered = await renderFleet(
      {
        path: args.fleet,
        workingFolder: places.workingFolder,
        out: resolve(flags.out),
        ...(flags.only === undefined ? {} : { only: flags.only }),
      },
      base,
      this.host.signal,
    );
    for (const line of warnOf(rendered.warnings)) process.stderr.write(`${line}\n`);
    for (const line of describeRendered(rendered)) this.log(line);
    return rendered;
  }
}
