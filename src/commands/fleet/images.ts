import { resolve } from 'node:path';
import { Args, Flags } from '@oclif/core';
import { sourceDateEpoch as readEpoch } from '../../model/source-date-epoch.js';
import { fleetBase } from '../../fleet/fleet-base.js';
import type { FleetImages as Made } from '../../fleet/fleet-images.js';
import { makeFleetFolder } from '../../fleet/fleet-folder.js';
import { makeFleetImages } from '../../fleet/fleet-images.js';
import { UserError } from '../../errors.js';
import { isFolder } from '../../images/network-folder.js';
import { describeImages, describeNetworkFolders, warnOf } from '../../ui/describe-fleet.js';
import { BaseCommand } from '../base-command.js';

/** Throws UserError `not-for-network-folder`. */
function refuseDiskFlags(flags: {
  readonly base: string;
  readonly whole: boolean;
  readonly 'unique-disk-id': boolean;
}): void {
  const given = (['whole', 'unique-disk-id'] as const).filter((name) => flags[name]);
  if (given.length === 0) return;
  const names = given.map((name) => `--${name}`).join(' and ');
  throw new UserError('not-for-network-folder', `${flags.base} is a folder for network boot: ${names} is for images`, {
    hints: ['Leave it out.'],
  });
}

export default class FleetImages extends BaseCommand {
  static override summary = 'Make a small overlay of one image for each device, or whole images';
  static override description = `An overlay holds the sectors of the boot partition that a device has different from the base image: some KiB.
"fleet apply" makes an image of both. With --whole the images themselves are written; they share their blocks with the
base where the file system can (btrfs, xfs). All or none, readable by you only.
Of a folder for network boot the same folder is made again with a folder for each device in it, named after its serial
number or its MAC address.`;
  static override args = {
    fleet: Args.string({ required: true, description: 'YAML or CSV file, or a folder of .flock files' }),
  };
  static override flags = {
    base: Flags.string({
      char: 'b',
      required: true,
      description: 'image that all devices share, may be packed (.xz, .zst, .gz); or a folder for network boot',
      helpValue: 'IMAGE',
    }),
    out: Flags.string({ char: 'o', required: true, description: 'folder to write', helpValue: 'DIR' }),
    whole: Flags.boolean({ description: 'write whole images instead of overlays' }),
    only: Flags.string({
      multiple: true,
      description: 'these devices; what is there of others stays',
      helpValue: 'NAME',
    }),
    'unique-disk-id': Flags.boolean({
      description: 'give each device a disk id, PARTUUIDs and a FAT serial of its own',
    }),
    offline: Flags.boolean({ description: 'use no network: the schemas of cloud-init must be in the store' }),
  };
  static override examples = [
    '<%= config.bin %> fleet images gates.yaml --base reswarm-os-rpi4.img --out overlays',
    '<%= config.bin %> fleet images gates.yaml --base reswarm-os-rpi4.img.xz --out images --whole --only gate-7',
    '<%= config.bin %> fleet images gates.yaml --base netboot --out netboot-gates',
  ];

  async run(): Promise<Made> {
    const { args, flags } = await this.parse(FleetImages);
    const sourceDateEpoch = readEpoch(process.env.SOURCE_DATE_EPOCH);
    const places = { projectDir: this.config.root, workingFolder: process.cwd(), offline: flags.offline };
    const base = await fleetBase(places, this.host, this.reporter);
    await this.closeReporter();
    const ofNetwork = await isFolder(resolve(flags.base));
    if (ofNetwork) refuseDiskFlags(flags);
    const made = await (ofNetwork ? makeFleetFolder : makeFleetImages)(
      {
        path: args.fleet,
        workingFolder: places.workingFolder,
        base: resolve(flags.base),
        out: resolve(flags.out),
        whole: flags.whole,
        uniqueDisk: flags['unique-disk-id'],
        sourceDateEpoch,
        ...(flags.only === undefined ? {} : { only: flags.only }),
      },
      base,
      this.host,
    );
    for (const line of warnOf(made.warnings)) process.stderr.write(`${line}\n`);
    for (const line of ofNetwork ? describeNetworkFolders(made) : describeImages(made, flags.whole)) this.log(line);
    return made;
  }
}
