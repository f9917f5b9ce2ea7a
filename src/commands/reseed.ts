import { Args, Flags } from '@oclif/core';
import { sourceDateEpoch as readEpoch } from '../model/source-date-epoch.js';
import { findCloudInitSchemas } from '../seeds/schemas/cloud-init-schemas.js';
import type { Reseeding } from '../provision/reseed-image.js';
import { reseedImage } from '../provision/reseed-image.js';
import { confirmInjection } from '../ui/confirm-injection.js';
import { describeInjection, warningsOf } from '../ui/describe-injection.js';
import { describeReseeding } from '../ui/describe-reseeding.js';
import { BaseCommand } from './base-command.js';
import { identityFlags, readFlaggedIdentity } from './inject.js';

export default class Reseed extends BaseCommand {
  static override summary = 'Give a card that has already booted a new identity';
  static override description = `Changes the seed as \`inject\` does and makes it a new instance, in meta-data and cmdline.txt, so that cloud-init
applies it on the next boot. Looks into the root partition for what cloud-init has done there, and says what will not
be done again.`;
  static override examples = [
    { description: 'A new name for a card', command: '<%= config.bin %> reseed /dev/sda --hostname gate-8' },
    {
      description: 'Let cloud-init apply the same seed once more',
      command: '<%= config.bin %> reseed card.img',
    },
    {
      description: 'A new seed',
      command: '<%= config.bin %> reseed /dev/sda --user-data user-data --network-config network-config',
    },
  ];

  static override args = { image: Args.string({ required: true, description: 'card, or image of one' }) };

  static override flags = {
    ...identityFlags,
    yes: Flags.boolean({ char: 'y', description: 'do not ask before a card is written' }),
  };

  async run(): Promise<Reseeding> {
    const { args, flags } = await this.parse(Reseed);
    const sourceDateEpoch = readEpoch(process.env.SOURCE_DATE_EPOCH);
    const { identity, warnings } = await readFlaggedIdentity(flags, process.cwd(), this.config.root);
    const schemas = await findCloudInitSchemas(this.host);
    const done = await reseedImage(
      {
        image: args.image,
        identity,
        projectDir: this.config.root,
        sourceDateEpoch,
        confirm: (plan) => confirmInjection(plan, flags.yes),
        ...(schemas === undefined ? {} : { schemas }),
      },
      this.host,
    );
    const reseeding = { ...done, warnings: [...warnings, ...done.warnings] };
    for (const line of warningsOf(reseeding)) process.stderr.write(`${line}\n`);
    for (const line of [...describeInjection(reseeding), '', ...describeReseeding(reseeding)]) this.log(line);
    return reseeding;
  }
}
