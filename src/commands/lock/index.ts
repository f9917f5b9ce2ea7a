import { resolve } from 'node:path';
import { Flags } from '@oclif/core';
import type { ImageLock } from '../../build/lock/lock-file.js';
import { writeLock } from '../../build/lock/write-lock.js';
import { makeHostReady } from '../../maintenance/doctor.js';
import { confirmFix } from '../../ui/confirm.js';
import { contentFlags, contentOptions, imageFlags } from '../../ui/content-flags.js';
import { describeLock } from '../../ui/describe-lock.js';
import { mirrorFlag } from '../../ui/mirror-flag.js';
import { BaseCommand } from '../base-command.js';

export default class Lock extends BaseCommand {
  static override summary = 'Write down everything that an image is built from, by digest';
  static override description = `Resolves the packages of the image, of the tools tree, and everything else that a build fetches, and writes each with
name, version, architecture, sha256, size and why it is there. \`build --locked LOCK\` then uses exactly these, and
\`lock fetch\` puts them into a folder for builds without a network. Put the lock into version control.`;

  static override examples = [
    { description: 'Lock an image', command: '<%= config.bin %> lock --board rpi4 --output rpi4.lock.json' },
    {
      description: 'Build it, today and later',
      command: '<%= config.bin %> build --board rpi4 --locked rpi4.lock.json',
    },
    {
      description: 'Keep all of it on this machine',
      command: '<%= config.bin %> lock fetch rpi4.lock.json --pool /srv/pool',
    },
  ];

  static override flags = {
    ...imageFlags,
    ...contentFlags,
    output: Flags.string({
      char: 'o',
      description: 'lock file to write [default: ./<board>.lock.json]',
      helpValue: 'LOCK',
    }),
    refresh: Flags.boolean({ description: 'look for newer packages in the Debian archive' }),
    yes: Flags.boolean({ char: 'y', description: 'do not ask: install missing host packages' }),
    ...mirrorFlag,
  };

  protected override readonly streamsEvents = true;

  async run(): Promise<ImageLock & { readonly lock: string }> {
    const { flags } = await this.parse(Lock);
    const path = resolve(flags.output ?? `${flags.board.replace(/^.*\//, '').replace(/\.ya?ml$/, '')}.lock.json`);
    await makeHostReady(this.host, this.reporter, flags.yes ? undefined : confirmFix);
    const options = {
      ...contentOptions(flags),
      projectDir: this.config.root,
      workingFolder: process.cwd(),
      seed: {},
      accelerate: true,
      jobs: this.host.facts.cpus,
      offline: false,
      refresh: flags.refresh,
      mirror: flags.mirror,
      sourceDateEpoch: process.env.SOURCE_DATE_EPOCH,
    };
    const lock = await writeLock(options, path, this.host, this.reporter);
    await this.closeReporter();
    for (const line of describeLock(lock, path)) this.log(line);
    return { lock: path, ...lock };
  }
}
