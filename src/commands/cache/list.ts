import { Store } from '../../pipeline/store.js';
import { listCache, type CacheListing } from '../../maintenance/cache.js';
import { describeListing } from '../../ui/describe-cache.js';
import { BaseCommand } from '../base-command.js';

export default class CacheList extends BaseCommand {
  static override summary = 'List what the store holds: results of stages, downloads, compiled objects';
  static override examples = ['<%= config.bin %> cache list', '<%= config.bin %> cache list --json'];

  override async run(): Promise<CacheListing> {
    await this.parse(CacheList);
    const listing = await listCache(new Store(this.host.facts.cacheDir, this.host), this.host);
    for (const line of describeListing(listing, Date.now())) this.log(line);
    return listing;
  }
}
