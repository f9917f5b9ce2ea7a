import { join, relative } from 'node:path';
import { Args, Flags } from '@oclif/core';
import { configPlaces } from '../../config/places.js';
import { newSystem, type NewSystem } from '../../config/listing/new-system.js';
import { BaseCommand } from '../base-command.js';

export default class SystemsNew extends BaseCommand {
  static override summary = 'Write a commented system definition to start from';
  static override args = {
    name: Args.string({ description: 'id of the new system: small letters, digits and -', required: true }),
  };
  static override flags = {
    from: Flags.string({ description: 'system that it extends', default: 'debian', helpValue: 'SYSTEM' }),
    output: Flags.string({ char: 'o', description: 'file to write [default: ./NAME.yaml]', helpValue: 'FILE' }),
  };
  static override examples = [
    '<%= config.bin %> systems new recorder',
    '<%= config.bin %> systems new recorder --from ./house.yaml --output systems/recorder.yaml',
  ];

  override async run(): Promise<NewSystem> {
    const { args, flags } = await this.parse(SystemsNew);
    const cwd = process.cwd();
    const places = configPlaces(this.config.root, cwd);
    const options = {
      from: flags.from,
      ...(flags.output === undefined ? {} : { file: flags.output }),
      schema: join(places.systemsDir, 'system.schema.json'),
    };
    const made = await newSystem(args.name, options, places);
    const path = relative(cwd, made.file);
    const shown = path.startsWith('.') ? path : `./${path}`;
    this.log(`${shown} extends ${made.from}. Change it, then:`);
    this.log(`  reswarm-os systems validate ${shown}`);
    this.log(`  reswarm-os build --board rpi4 --system ${shown}`);
    return made;
  }
}
