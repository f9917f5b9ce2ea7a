import { join, relative } from 'node:path';
import { Args, Flags } from '@oclif/core';
import { newWorkload, type NewWorkload } from '../../config/listing/new-workload.js';
import { configPlaces } from '../../config/places.js';
import { BaseCommand } from '../base-command.js';

export default class WorkloadNew extends BaseCommand {
  static override summary = 'Write a commented workload definition to start from';
  static override args = {
    name: Args.string({ description: 'id of the new workload: small letters, digits and -', required: true }),
  };
  static override flags = {
    from: Flags.string({ description: 'workload that it extends', default: 'node', helpValue: 'WORKLOAD' }),
    output: Flags.string({ char: 'o', description: 'file to write [default: ./NAME.yaml]', helpValue: 'FILE' }),
  };
  static override examples = [
    '<%= config.bin %> workload new web',
    '<%= config.bin %> workload new api --from python --output workloads/api.yaml',
  ];

  override async run(): Promise<NewWorkload> {
    const { args, flags } = await this.parse(WorkloadNew);
    const cwd = process.cwd();
    const places = configPlaces(this.config.root, cwd);
    const options = {
      from: flags.from,
      ...(flags.output === undefined ? {} : { file: flags.output }),
      schema: join(places.workloadsDir, 'workload.schema.json'),
    };
    const made = await newWorkload(args.name, options, places);
    const path = relative(cwd, made.file);
    const shown = path.startsWith('.') ? path : `./${path}`;
    this.log(`${shown} extends ${made.from}. Change it, then:`);
    this.log(`  reswarm-os workload validate ${shown}`);
    this.log(`  reswarm-os workload trace ${shown} --board pc-amd64`);
    return made;
  }
}
