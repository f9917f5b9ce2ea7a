import { Args, Flags } from '@oclif/core';
import { obtainUpdateTree } from '../../tools/obtain-tools.js';
import type { BundleFacts } from '../../updates/bundle/inspect-bundle.js';
import { inspectBundle } from '../../updates/bundle/inspect-bundle.js';
import { describeBundle } from '../../ui/describe-bundle.js';
import { signingFlags } from '../../ui/key-flags.js';
import { BaseCommand } from '../base-command.js';

export default class BundleInspect extends BaseCommand {
  static override summary = 'Show what an update is for and what is in it';
  static override args = { bundle: Args.string({ required: true, description: 'bundle (.raucb)' }) };
  static override flags = {
    keyring: Flags.string({
      description: 'check the signature with these root certificates (root.pem of a key folder)',
      helpValue: 'FILE',
    }),
    ...signingFlags,
  };
  static override examples = [
    '<%= config.bin %> bundle inspect gates-1.0.1.raucb',
    '<%= config.bin %> bundle inspect gates-1.0.1.raucb --keyring fleet-keys/root.pem --json',
  ];

  async run(): Promise<BundleFacts> {
    const { args, flags } = await this.parse(BundleInspect);
    const tools = await obtainUpdateTree(flags, this.host, this.reporter);
    const facts = await inspectBundle(args.bundle, flags.keyring, tools, this.host);
    await this.closeReporter();
    for (const line of describeBundle(facts)) this.log(line);
    return facts;
  }
}
