import { Flags } from '@oclif/core';
import { formatSize } from '../../model/bytes.js';
import { UserError } from '../../errors.js';
import { Store } from '../../pipeline/store.js';
import { clearCache, listCache, type CacheRemoval } from '../../maintenance/cache.js';
import { askYesNo } from '../../ui/confirm.js';
import { describeRemoval } from '../../ui/describe-cache.js';
import { BaseCommand } from '../base-command.js';

export default class CacheClear extends BaseCommand {
  static override summary = 'Empty the store';
  static override description = `Everything goes: results, downloads, compiled objects and package locks. The next build starts from nothing and may
take newer packages. What a running build needs stays.`;
  static override examples = ['<%= config.bin %> cache clear', '<%= config.bin %> cache clear --yes'];

  static override flags = {
    yes: Flags.boolean({ char: 'y', description: 'do not ask' }),
  };

  override async run(): Promise<CacheRemoval> {
    const { flags } = await this.parse(CacheClear);
    const store = new Store(this.host.facts.cacheDir, this.host);
    await store.prepare();
    if (!flags.yes) {
      const { totalBytes, root } = await listCache(store, this.host);
      if (!(await askYesNo(`Remove ${formatSize(totalBytes)} in ${root}?`))) {
        throw new UserError('cache-clear-declined', 'Nothing was removed, as you said');
      }
    }
    const removal = await clearCache(store, this.host);
    for (const line of describeRemoval(removal, Date.now())) this.log(line);
    return removal;
  }
}
