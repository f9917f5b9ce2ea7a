import { Args, Flags } from '@oclif/core';
import { obtainUpdateTree } from '../../tools/obtain-tools.js';
import type { KeysReport } from '../../updates/keys/describe-keys.js';
import { reportKeys } from '../../updates/keys/describe-keys.js';
import { checkNewKeys, makeKeys } from '../../updates/keys/make-keys.js';
import { describeKeys } from '../../ui/describe-keys.js';
import { newSecret, newSigner, newSignerFlags, signingFlags, tokenFlags } from '../../ui/key-flags.js';
import { BaseCommand } from '../base-command.js';

export default class KeysNew extends BaseCommand {
  static override summary = 'Make the keys that updates of a fleet are signed with';
  static override description = `Makes a root, valid for 25 years, which signs nothing but signers, and a signer for bundles. Devices know the root's
certificate (root.pem) only: a signer that expires or is lost is renewed without touching them. Move root.key to a
place without a network afterwards. Private keys are encrypted with a passphrase each.`;
  static override args = {
    folder: Args.string({ required: true, description: 'new folder for the keys' }),
  };
  static override flags = {
    organization: Flags.string({
      description: 'name in the certificates',
      default: 'reswarm-os',
      helpValue: 'NAME',
    }),
    ...newSignerFlags,
    ...tokenFlags,
    ...signingFlags,
  };
  static override examples = [
    '<%= config.bin %> keys new fleet-keys',
    {
      description: 'On a build server',
      command: '<%= config.bin %> keys new fleet-keys --root-passphrase-file root.txt --plain-signer',
    },
    {
      description: 'A signer whose key never leaves its token',
      command: "<%= config.bin %> keys new fleet-keys --token 'pkcs11:token=fleet;object=signer' --token-module ykcs11",
    },
  ];

  async run(): Promise<KeysReport> {
    const { args, flags } = await this.parse(KeysNew);
    const { folder } = args;
    const { organization } = flags;
    await checkNewKeys({ folder, organization });
    const cwd = process.cwd();
    const rootPassphrase = await newSecret(
      'Passphrase of the root key',
      '--root-passphrase-file',
      flags['root-passphrase-file'],
      cwd,
    );
    const signer = await newSigner(flags, cwd);
    const tools = await obtainUpdateTree(flags, this.host, this.reporter);
    const options = { folder, organization, rootPassphrase, signer, signerYears: flags['signer-years'] };
    const report = reportKeys(await makeKeys(options, tools, this.host), new Date());
    await this.closeReporter();
    for (const line of describeKeys(report)) this.log(line);
    for (const warning of report.warnings) process.stderr.write(`Warning: ${warning}\n`);
    return report;
  }
}
