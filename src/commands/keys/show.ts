import { Args } from '@oclif/core';
import type { KeysReport } from '../../updates/keys/describe-keys.js';
import { reportKeys } from '../../updates/keys/describe-keys.js';
import { readKeyFolder } from '../../updates/keys/key-folder.js';
import { describeKeys } from '../../ui/describe-keys.js';
import { BaseCommand } from '../base-command.js';

export default class KeysShow extends BaseCommand {
  static override summary = 'Show the certificates of a key folder, and when they expire';
  static override description = `Reads certificates only: no passphrase is needed. Exits with 1 when the newest signer has expired, so that a timer can
watch it; 180 days before it only warns.`;
  static override args = {
    folder: Args.string({ required: true, description: 'folder of "keys new"' }),
  };
  static override examples = [
    '<%= config.bin %> keys show fleet-keys',
    '<%= config.bin %> keys show fleet-keys --json',
  ];

  async run(): Promise<KeysReport> {
    const { args } = await this.parse(KeysShow);
    const report = reportKeys(await readKeyFolder(args.folder), new Date());
    for (const line of describeKeys(report)) this.log(line);
    for (const warning of report.warnings) process.stderr.write(`Warning: ${warning}\n`);
    if (report.signers.at(-1)?.state === 'expired') process.exitCode = 1;
    return report;
  }
}
