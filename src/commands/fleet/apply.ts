import { resolve } from 'node:path';
import { Args, Flags } from '@oclif/core';
import { formatSize } from '../../model/bytes.js';
import type { AppliedDelta } from '../../provision/apply-delta.js';
import { applyDelta } from '../../provision/apply-delta.js';
import { BaseCommand } from '../base-command.js';

export default class FleetApply extends BaseCommand {
  static override summary = "Make a device's image of the base image and its overlay";
  static override description =
    'The overlay carries the sha256 of its base: any other image is refused. What was written is read back.';
  static override args = {
    overlay: Args.string({ required: true, description: 'file that "fleet images" wrote' }),
    image: Args.string({ required: true, description: 'base image' }),
  };
  static override flags = {
    output: Flags.string({
      char: 'o',
      description: 'image to write; without it the base image itself becomes that device',
      helpValue: 'FILE',
    }),
  };
  static override examples = [
    '<%= config.bin %> fleet apply overlays/gate-7.overlay reswarm-os-rpi4.img --output gate-7.img',
  ];

  async run(): Promise<AppliedDelta> {
    const { args, flags } = await this.parse(FleetApply);
    const places = { overlay: resolve(args.overlay), image: resolve(args.image) };
    const output = flags.output === undefined ? {} : { output: resolve(flags.output) };
    const applied = await applyDelta({ ...places, ...output }, this.host);
    this.log(
      applied.unchanged
        ? `${applied.image} is that device already.`
        : `${applied.image}: ${formatSize(applied.writtenBytes)} are different from the base, read back.`,
    );
    return applied;
  }
}
