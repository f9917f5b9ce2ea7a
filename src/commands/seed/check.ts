import { join } from 'node:path';
import { Args, Flags } from '@oclif/core';
import { findSystem } from '../../config/listing/systems.js';
import { configPlaces } from '../../config/places.js';
import type { SeedCheck } from '../../provision/check-seed-files.js';
import { checkSeedFiles } from '../../provision/check-seed-files.js';
import { obtainCloudInitSchemas } from '../../seeds/schemas/cloud-init-schemas.js';
import { describeSeedCheck } from '../../ui/describe-seed-check.js';
import { BaseCommand } from '../base-command.js';

export default class SeedCheckCommand extends BaseCommand {
  static override summary = 'Check user-data, meta-data and network-config before a device reads them';
  static override description = `By the schema of the cloud-init that images ship, and for what that schema misses: each finding with file, line and
column, what is wrong and how to write it. Exits with 2 when there are errors.`;
  static override examples = [
    '<%= config.bin %> seed check user-data meta-data network-config',
    {
      description: 'All seeds of a folder; warnings count, too',
      command: '<%= config.bin %> seed check ./gate-7 --strict',
    },
    { description: 'A file with a name of its own', command: '<%= config.bin %> seed check --user-data kiosk.yaml' },
    { description: 'What a device file makes of an image', command: '<%= config.bin %> seed check gate-7.flock' },
    { description: 'What lies in an image', command: '<%= config.bin %> seed check --image reswarm-os-rpi4.img' },
  ];

  static override strict = false;
  static override args = {
    files: Args.string({ description: 'files, or folders that hold them' }),
  };

  static override flags = {
    'user-data': Flags.string({ description: 'check this file as a user-data', helpValue: 'FILE' }),
    'meta-data': Flags.string({ description: 'check this file as a meta-data', helpValue: 'FILE' }),
    'network-config': Flags.string({ description: 'check this file as a network-config', helpValue: 'FILE' }),
    image: Flags.string({
      description: 'check the seed that lies in an image, packed or not, or on a card',
      helpValue: 'FILE',
    }),
    system: Flags.string({
      description: 'the system that will read the seed: tiny ones do a subset [default: debian, or what the image is]',
      helpValue: 'SYSTEM',
    }),
    strict: Flags.boolean({ description: 'warnings are errors' }),
    board: Flags.string({
      hidden: true,
      deprecated: { message: '--board is not needed any more: the images of all boards have the same cloud-init' },
    }),
    offline: Flags.boolean({ description: 'use no network to get the schema: it must be in the store' }),
    mirror: Flags.string({
      description: 'Debian mirror [default: the one mmdebstrap knows]',
      env: 'RESWARM_DEBIAN_MIRROR',
      helpValue: 'URL',
    }),
  };

  override async run(): Promise<SeedCheck> {
    const { argv, flags } = await this.parse(SeedCheckCommand);
    const workingFolder = process.cwd();
    const system =
      flags.system === undefined
        ? undefined
        : await findSystem(flags.system, configPlaces(this.config.root, workingFolder));
    const schemas = await obtainCloudInitSchemas(
      { offline: flags.offline, ...(flags.mirror === undefined ? {} : { mirror: flags.mirror }) },
      this.host,
      this.reporter,
    );
    await this.closeReporter();
    const checked = await checkSeedFiles(
      {
        workingFolder,
        paths: argv as string[],
        named: {
          ...(flags['user-data'] === undefined ? {} : { userData: flags['user-data'] }),
          ...(flags['meta-data'] === undefined ? {} : { metaData: flags['meta-data'] }),
          ...(flags['network-config'] === undefined ? {} : { networkConfig: flags['network-config'] }),
        },
        ...(flags.image === undefined ? {} : { image: flags.image }),
        isTiny: system?.statements.userland?.value === 'busybox',
        strict: flags.strict,
        schemas,
        defaultsFolder: join(this.config.root, 'cloud-init'),
      },
      this.host,
    );
    for (const line of describeSeedCheck(checked)) this.log(line);
    if (!checked.valid) process.exitCode = 2;
    return checked;
  }
}
