import { Flags } from '@oclif/core';
import { parseAge } from '../../model/age.js';
import { UserError } from '../../errors.js';
import { Store } from '../../pipeline/store.js';
import { pruneCache, type CacheRemoval } from '../../maintenance/cache.js';
import { describeRemoval } from '../../ui/describe-cache.js';
import { BaseCommand } from '../base-command.js';

export default class CachePrune extends BaseCommand {
  static override summary = 'Remove results that were not used for long';
  static override description = `Without flags: what was not used for 30 days. What a running build needs stays, and so do the package
locks, which keep builds the same.`;
  static override examples = [
    { description: 'See what would go', command: '<%= config.bin %> cache prune --dry-run' },
    { description: 'Leave the last result of each stage', command: '<%= config.bin %> cache prune --keep 1' },
    {
      description: 'What was not used for a week, but never the last two of a stage',
      command: '<%= config.bin %> cache prune --older-than 1w --keep 2',
    },
  ];

  static override flags = {
    'older-than': Flags.string({ description: 'not used for so long: 90m, 12h, 30d, 2w', helpValue: 'AGE' }),
    keep: Flags.integer({ description: 'leave so many of each stage, the last used ones', min: 0 }),
    'dry-run': Flags.boolean({ description: 'only say what would be removed' }),
  };

  override async run(): Promise<CacheRemoval> {
    const { flags } = await this.parse(CachePrune);
    const age = flags['older-than'];
    const olderThanMs = age === undefined ? undefined : parseAge(age);
    if (age !== undefined && olderThanMs === undefined) {
      throw new UserError('invalid-age', `--older-than ${age} is not an age`, {
        hints: ['Write a number and its unit: 90m, 12h, 30d, 2w.'],
      });
    }
    const store = new Store(this.host.facts.cacheDir, this.host);
    await store.prepare();
    const removal = await pruneCache(store, this.host, {
      dryRun: flags['dry-run'],
      ...(olderThanMs === undefined ? {} : { olderThanMs }),
      ...(flags.keep === undefined ? {} : { keep: flags.keep }),
    });
    for (const line of describeRemoval(removal, Date.now())) this.log(line);
    return removal;
  }
}
