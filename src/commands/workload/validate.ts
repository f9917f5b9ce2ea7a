import { Args } from '@oclif/core';
import { validateWorkloads } from '../../config/listing/workloads.js';
import { configPlaces } from '../../config/places.js';
import { BaseCommand } from '../base-command.js';

export default class WorkloadValidate extends BaseCommand {
  static override summary = 'Check workload files and report every problem with its line and column';
  static override description =
    'Checks keys, types, paths, ports, and what the files name: the files that they extend, files of your own, keys of repositories. Packages and the command are checked by `workload trace` and `build`. Exits with 2 when something is wrong.';
  static override strict = false;
  static override args = {
    workload: Args.string({ description: 'paths of workload files or ids; all shipped workloads by default' }),
  };
  static override examples = [
    '<%= config.bin %> workload validate ./web.yaml',
    '<%= config.bin %> workload validate node --json',
  ];

  override async run(): Promise<{ valid: string[] }> {
    const { argv } = await this.parse(WorkloadValidate);
    const found = await validateWorkloads(argv.map(String), configPlaces(this.config.root, process.cwd()));
    for (const { workload, files } of found) this.log(`${workload.id}: valid (${files.length} files)`);
    return { valid: found.map(({ workload }) => workload.id) };
  }
}
