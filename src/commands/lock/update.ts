import { resolve } from 'node:path';
import { Args, Flags } from '@oclif/core';
import type { LockChange } from '../../build/lock/lock-diff.js';
import { diffLocks } from '../../build/lock/lock-diff.js';
import { formatLock } from '../../build/lock/lock-file.js';
import type { ChangelogNews } from '../../build/lock/security-fixes.js';
import { securityFixes } from '../../build/lock/security-fixes.js';
import { updatedLock } from '../../build/lock/write-lock.js';
import { replaceTextFile } from '../../host/replace-file.js';
import { makeHostReady } from '../../maintenance/doctor.js';
import { confirmFix } from '../../ui/confirm.js';
import { describeFixes, describeLockChanges } from '../../ui/describe-lock.js';
import { mirrorFlag } from '../../ui/mirror-flag.js';
import { BaseCommand } from '../base-command.js';

type Updated = {
  readonly lock: string;
  readonly written: boolean;
  readonly changes: readonly LockChange[];
  readonly fixes: readonly ChangelogNews[];
};

export default class LockUpdate extends BaseCommand {
  static override summary = 'Take what Debian has now into a lock';
  static override description = `Resolves again what the lock was made for, shows what changes and which security fixes the changelogs name, and writes
the lock. Run it in the folder in which the lock was made: paths of your own files are read from there.`;

  static override examples = [
    { description: 'See what would change', command: '<%= config.bin %> lock update rpi4.lock.json --dry-run' },
    { description: 'Take it', command: '<%= config.bin %> lock update rpi4.lock.json' },
  ];

  static override args = { lock: Args.string({ required: true, description: 'lock file' }) };

  static override flags = {
    'dry-run': Flags.boolean({ description: 'show what changes, and leave the lock as it is' }),
    yes: Flags.boolean({ char: 'y', description: 'do not ask: install missing host packages' }),
    ...mirrorFlag,
  };

  protected override readonly streamsEvents = true;

  async run(): Promise<Updated> {
    const { args, flags } = await this.parse(LockUpdate);
    const path = resolve(args.lock);
    await makeHostReady(this.host, this.reporter, flags.yes ? undefined : confirmFix);
    const means = {
      projectDir: this.config.root,
      workingFolder: process.cwd(),
      jobs: this.host.facts.cpus,
      mirror: flags.mirror,
    };
    const { before, after } = await updatedLock(path, means, this.host, this.reporter);
    const changes = diffLocks(before, after);
    const fixes = await securityFixes(before, after, this.host, this.reporter);
    const written = !flags['dry-run'];
    if (written) await replaceTextFile(path, formatLock(after));
    await this.closeReporter();
    for (const line of [...describeLockChanges(changes), ...describeFixes(fixes)]) this.log(line);
    this.log(written ? `Written to ${args.lock}` : `${args.lock} is as it was`);
    return { lock: path, written, changes, fixes };
  }
}
