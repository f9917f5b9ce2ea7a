import { Args, Flags } from '@oclif/core';
import type { LockChange } from '../../build/lock/lock-diff.js';
import { diffLocks } from '../../build/lock/lock-diff.js';
import { readLock } from '../../build/lock/lock-file.js';
import { describeLockChanges } from '../../ui/describe-lock.js';
import { BaseCommand } from '../base-command.js';

export default class LockDiff extends BaseCommand {
  static override summary = 'What changes between two locks';
  static override description =
    'Packages, sources, downloads and your own files that are new, gone or changed, with sizes and why they are there.';
  static override examples = [
    '<%= config.bin %> lock diff old.lock.json rpi4.lock.json',
    {
      description: 'For scripts: exit code 1 when anything changes',
      command: '<%= config.bin %> lock diff a b --check',
    },
  ];

  static override args = {
    old: Args.string({ required: true, description: 'lock file' }),
    new: Args.string({ required: true, description: 'lock file' }),
  };

  static override flags = { check: Flags.boolean({ description: 'exit with 1 when anything changes' }) };

  async run(): Promise<{ readonly changes: readonly LockChange[] }> {
    const { args, flags } = await this.parse(LockDiff);
    const changes = diffLocks(await readLock(args.old), await readLock(args.new));
    for (const line of describeLockChanges(changes)) this.log(line);
    if (flags.check && changes.length > 0) process.exitCode = 1;
    return { changes };
  }
}
