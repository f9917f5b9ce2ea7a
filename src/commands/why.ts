import { Args, Flags } from '@oclif/core';
import { readLock } from '../build/lock/lock-file.js';
import type { PackageReason } from '../build/lock/why-package.js';
import { whyPackage } from '../build/lock/why-package.js';
import { describeReasons } from '../ui/describe-lock.js';
import { BaseCommand } from './base-command.js';

export default class Why extends BaseCommand {
  static override summary = 'Why a package is in an image, and what it costs';
  static override description = `Reads a lock: who asked for the package or the shortest way of dependencies to it, which packages need it, its size, and
what would go with it because nothing else needs it.`;

  static override examples = [
    '<%= config.bin %> why libc6 --lock rpi4.lock.json',
    { description: 'For scripts', command: '<%= config.bin %> why docker.io --lock rpi4.lock.json --json' },
  ];

  static override args = { package: Args.string({ required: true, description: 'name of a Debian package' }) };

  static override flags = {
    lock: Flags.string({
      required: true,
      description: 'lock file; `reswarm-os lock` makes one',
      helpValue: 'LOCK',
    }),
  };

  async run(): Promise<{ readonly reasons: readonly PackageReason[] }> {
    const { args, flags } = await this.parse(Why);
    const reasons = whyPackage(await readLock(flags.lock), args.package);
    for (const line of describeReasons(reasons)) this.log(line);
    return { reasons };
  }
}
