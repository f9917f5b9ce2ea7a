import { Args, Flags } from '@oclif/core';
import { obtainUpdateTree } from '../../tools/obtain-tools.js';
import type { KeysReport } from '../../updates/keys/describe-keys.js';
import { reportKeys } from '../../updates/keys/describe-keys.js';
import { renewKeys, rootKeyOf } from '../../updates/keys/make-keys.js';
import { describeKeys } from '../../ui/describe-keys.js';
import { newSigner, newSignerFlags, secret, signingFlags, tokenFlags } from '../../ui/key-flags.js';
import { BaseCommand } from '../base-command.js';

export default class KeysRenew extends BaseCommand {
  static override summary = 'Make a new signer with the root key; devices need nothing new';
  static override description = `The new signer is used from now on. Bundles that an older one signed while it was valid can still be installed.`;
  static override args = {
    folder: Args.string({ required: true, description: 'folder of "keys new"' }),
  };
  static override flags = {
    'root-key': Flags.string({
      description: 'where the root key is kept [default: root.key in the folder]',
      helpValue: 'FILE',
    }),
    ...newSignerFlags,
    ...tokenFlags,
    ...signingFlags,
  };
  static override examples = [
    '<%= config.bin %> keys renew fleet-keys --root-key /media/stick/root.key',
    '<%= config.bin %> keys renew fleet-keys --root-key /media/stick/root.key --signer-years 2',
  ];

  async run(): Promise<KeysReport> {
    const { args, flags } = await this.parse(KeysRenew);
    const { folder } = args;
    const cwd = process.cwd();
    const rootKeyPath = await rootKeyOf(folder, flags['root-key']);
    const file = flags['root-passphrase-file'];
    const rootPassphrase = await secret(`Passphrase of ${rootKeyPath}`, '--root-passphrase-file', file, cwd);
    const signer = await newSigner(flags, cwd);
    const tools = await obtainUpdateTree(flags, this.host, this.reporter);
    const options = { folder, rootKeyPath, rootPassphrase, signer, signerYears: flags['signer-years'] };
    const report = reportKeys(await renewKeys(options, tools, this.host), new Date());
    await this.closeReporter();
    for (const line of describeKeys(report)) this.log(line);
    for (const warning of report.warnings) process.stderr.write(`Warning: ${warning}\n`);
    return report;
  }
}
