import { Args, Flags } from '@oclif/core';
import { UserError } from '../../errors.js';
import { checkImagePath } from '../../images/image-file.js';
import { obtainUpdateTree } from '../../tools/obtain-tools.js';
import type { Channel } from '../../updates/channel/make-channel.js';
import { makeChannel } from '../../updates/channel/make-channel.js';
import { existingSigner, signerFlags, signingFlags } from '../../ui/key-flags.js';
import { BaseCommand } from '../base-command.js';

export default class UpdateChannel extends BaseCommand {
  static override summary = 'Write the signed file that tells devices which update they get';
  static override description = `Devices with CHANNEL=URL in /etc/reswarm/updates.conf look into it every hour or so. Copy it and the bundles to any web
server: bundles first. Raise the share step by step; a device stays in it once it is.`;
  static override args = {
    file: Args.string({ required: true, description: 'file to write, such as stable.channel' }),
  };
  static override flags = {
    bundle: Flags.string({
      description: 'bundle that devices get; one for each board',
      multiple: true,
      multipleNonGreedy: true,
      required: true,
      helpValue: 'FILE.raucb',
    }),
    'bundle-url': Flags.string({
      description: 'where the bundles are on the web [default: beside the channel]',
      helpValue: 'URL/',
    }),
    share: Flags.integer({
      description: 'percent of the devices that get it',
      default: 100,
      min: 0,
      max: 100,
      helpValue: 'PERCENT',
    }),
    minimum: Flags.string({
      description: 'devices with an older version do not take it',
      helpValue: 'VERSION',
    }),
    ...signerFlags,
    ...signingFlags,
  };
  static override examples = [
    {
      description: 'One device in ten gets it',
      command: '<%= config.bin %> update channel stable.channel --bundle gates-1.0.1.raucb --share 10 --key fleet-keys',
    },
    '<%= config.bin %> update channel stable.channel --bundle gates-1.0.1.raucb --minimum 1.0.0 --key fleet-keys',
  ];

  async run(): Promise<Channel> {
    const { args, flags } = await this.parse(UpdateChannel);
    const problems = await checkImagePath(args.file);
    if (problems.length > 0) throw UserError.fromProblems(problems);
    const signer = await existingSigner(flags, process.cwd());
    const tools = await obtainUpdateTree(flags, this.host, this.reporter);
    const { share, minimum } = flags;
    const files = { output: args.file, bundles: flags.bundle, bundleUrl: flags['bundle-url'] };
    const channel = await makeChannel({ ...signer, ...files, share, minimum }, tools, this.host, new Date());
    await this.closeReporter();
    for (const { compatible, version, bundle } of channel.updates) {
      this.log(`${compatible}: ${version} for ${share} % of the devices, ${bundle}`);
    }
    for (const warning of signer.warnings) process.stderr.write(`Warning: ${warning}\n`);
    return channel;
  }
}
