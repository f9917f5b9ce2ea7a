import { Args, Flags } from '@oclif/core';
import { checkImagePath } from '../images/image-file.js';
import { UserError } from '../errors.js';
import { sourceDateEpoch } from '../model/source-date-epoch.js';
import { obtainUpdateTree } from '../tools/obtain-tools.js';
import type { MadeBundle } from '../updates/bundle/make-bundle.js';
import { makeBundle } from '../updates/bundle/make-bundle.js';
import { describeMadeBundle } from '../ui/describe-bundle.js';
import { existingSigner, signerFlags, signingFlags } from '../ui/key-flags.js';
import { BaseCommand } from './base-command.js';

export default class Bundle extends BaseCommand {
  static override summary = 'Make a signed update of an image with two slots';
  static override description = `Takes kernel, firmware and root file system of slot A out of the image and signs them with the newest signer of a key
folder: a bundle of RAUC, in its verity format, with an index of its blocks, so that devices fetch only what changed.
Key, certificate and image are checked first. The content is the same for the same image; the signature never is.`;
  static override args = {
    image: Args.string({ required: true, description: 'image that was built with --system ab' }),
  };
  static override flags = {
    ...signerFlags,
    output: Flags.string({ char: 'o', required: true, description: 'file to write', helpValue: 'FILE.raucb' }),
    version: Flags.string({
      description: 'version of the update [default: IMAGE_VERSION of the image]',
      helpValue: 'VERSION',
    }),
    ...signingFlags,
  };
  static override examples = [
    '<%= config.bin %> bundle reswarm-os-rpi4.img --key fleet-keys --output gates-1.0.1.raucb --version 1.0.1',
    {
      description: 'On a build server',
      command: '<%= config.bin %> bundle new.img --key fleet-keys -o new.raucb --passphrase-file signer.txt --json',
    },
  ];

  protected override readonly streamsEvents = true;

  async run(): Promise<MadeBundle> {
    const { args, flags } = await this.parse(Bundle);
    const { output, version } = flags;
    const problems = await checkImagePath(output);
    if (problems.length > 0) throw UserError.fromProblems(problems);
    const epoch = sourceDateEpoch(process.env.SOURCE_DATE_EPOCH);
    const signer = await existingSigner(flags, process.cwd());
    const tools = await obtainUpdateTree(flags, this.host, this.reporter);
    const options = { ...signer, image: args.image, output, version, epoch };
    const made = await makeBundle(options, tools, this.host, this.reporter);
    await this.closeReporter();
    for (const line of describeMadeBundle(made)) this.log(line);
    for (const warning of [...signer.warnings, ...uncheckedWarning(made, args.image)]) {
      process.stderr.write(`Warning: ${warning}\n`);
    }
    return made;
  }
}

function uncheckedWarning({ isChecked }: MadeBundle, image: string): readonly string[] {
  return isChecked ? [] : [`This machine has not seen the image start: reswarm-os boot ${image} --check`];
}
