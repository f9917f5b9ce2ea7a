import { Args, Flags } from '@oclif/core';
import { obtainUpdateTree } from '../../tools/obtain-tools.js';
import type { BundleFacts } from '../../updates/bundle/inspect-bundle.js';
import { verifyBundle } from '../../updates/bundle/inspect-bundle.js';
import { describeBundle } from '../../ui/describe-bundle.js';
import { signingFlags } from '../../ui/key-flags.js';
import { BaseCommand } from '../base-command.js';

export default class BundleVerify extends BaseCommand {
  static override summary = 'Check the signature and every byte of an update';
  static override description = `As a device does: the signature with the keyring, the content with the hash tree that the signature covers. A bundle
whose signer has expired since it was signed is good. Exits with 1 when it is not.`;
  static override args = { bundle: Args.string({ required: true, description: 'bundle (.raucb)' }) };
  static override flags = {
    keyring: Flags.string({
      required: true,
      description: 'root certificates (root.pem of a key folder)',
      helpValue: 'FILE',
    }),
    ...signingFlags,
  };
  static override examples = ['<%= config.bin %> bundle verify gates-1.0.1.raucb --keyring fleet-keys/root.pem'];

  async run(): Promise<BundleFacts> {
    const { args, flags } = await this.parse(BundleVerify);
    const tools = await obtainUpdateTree(flags, this.host, this.reporter);
    const facts = await verifyBundle(args.bundle, flags.keyring, tools, this.host);
    await this.closeReporter();
    for (const line of describeBundle(facts)) this.log(line);
    this.log('Signature and content are good.');
    return facts;
  }
}
