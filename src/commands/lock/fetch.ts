import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Args, Flags } from '@oclif/core';
import type { FetchedPool } from '../../build/lock/fetch-pool.js';
import { fetchPool } from '../../build/lock/fetch-pool.js';
import { readLock } from '../../build/lock/lock-file.js';
import { formatSize } from '../../model/bytes.js';
import { checkMirror } from '../../tools/obtain-tools.js';
import { BaseCommand } from '../base-command.js';

export default class LockFetch extends BaseCommand {
  static override summary = 'Bring everything that a lock names into a folder';
  static override description = `The folder is a pool: packages and sources where the Debian archive has them, pinned downloads by their digest, and
package lists that apt reads. \`build --locked LOCK --mirror file://DIR --offline\` needs no network and no store.
What is in the pool already is not fetched again; a file with wrong bytes is replaced.`;

  static override examples = [
    { description: 'Make a pool', command: '<%= config.bin %> lock fetch rpi4.lock.json --pool /srv/pool' },
    {
      description: 'From a copy of the archive as it was on some day',
      command: '<%= config.bin %> lock fetch rpi4.lock.json --pool pool --mirror https://example.org/debian/20261128',
    },
    {
      description: 'Use it',
      command: '<%= config.bin %> build --board rpi4 --locked rpi4.lock.json --mirror file:///srv/pool --offline',
    },
  ];

  static override args = { lock: Args.string({ required: true, description: 'lock file' }) };

  static override flags = {
    pool: Flags.string({ required: true, description: 'folder of the pool', helpValue: 'DIR' }),
    mirror: Flags.string({
      description: 'archive or pool to ask before those that the lock names',
      helpValue: 'URL',
    }),
  };

  protected override readonly streamsEvents = true;

  async run(): Promise<FetchedPool> {
    const { args, flags } = await this.parse(LockFetch);
    checkMirror(flags.mirror);
    const lock = await readLock(args.lock);
    const pool = resolve(flags.pool);
    const fetched = await fetchPool(lock, { pool, mirror: flags.mirror }, this.host, this.reporter);
    await this.closeReporter();
    const { packages, sourceFiles, downloads, bytes, notReached, ownPackages } = fetched;
    this.log(`${pool} has all of ${args.lock}`);
    this.log('');
    this.log(`  packages   ${packages}`);
    this.log(`  sources    ${sourceFiles} files`);
    this.log(`  downloads  ${downloads}`);
    this.log(`  size       ${formatSize(bytes)}`);
    if (notReached.length > 0) {
      this.log(`  not there  ${notReached.length} files of the web; a package of the pool has them too`);
    }
    if (ownPackages.length > 0) this.log(`  not there  your own package files: ${ownPackages.join(', ')}`);
    this.log('');
    this.log(`Next: --locked ${args.lock} --mirror ${pathToFileURL(pool).href} --offline`);
    return fetched;
  }
}
