import { relative } from 'node:path';
import { Args, Flags } from '@oclif/core';
import { dump } from 'js-yaml';
import { findWorkload } from '../../config/listing/workloads.js';
import { configPlaces } from '../../config/places.js';
import type { Workload } from '../../model/workload.js';
import { describeWorkload } from '../../ui/describe-workload.js';
import { BaseCommand } from '../base-command.js';

export default class WorkloadShow extends BaseCommand {
  static override summary = 'Show a workload with everything that it inherits';
  static override args = {
    workload: Args.string({ description: 'id of a shipped workload or path of a workload file', required: true }),
  };
  static override flags = {
    yaml: Flags.boolean({ description: 'print it as one workload file without "extends"' }),
  };
  static override examples = [
    '<%= config.bin %> workload show node',
    '<%= config.bin %> workload show ./web.yaml --yaml',
    '<%= config.bin %> workload show node --json',
  ];

  override async run(): Promise<Workload> {
    const { args, flags } = await this.parse(WorkloadShow);
    const cwd = process.cwd();
    const found = await findWorkload(args.workload, configPlaces(this.config.root, cwd));
    const files = found.files.map((file) => relative(cwd, file));
    if (flags.yaml) this.log(dump(found.definition, { lineWidth: 120 }).trimEnd());
    else this.log(describeWorkload(found.workload, files));
    return found.workload;
  }
}
