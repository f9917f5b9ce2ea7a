import { listWorkloads } from '../../config/listing/workloads.js';
import { configPlaces } from '../../config/places.js';
import { BaseCommand } from '../base-command.js';

type WorkloadRow = { id: string; description: string; packages: readonly string[]; command: readonly string[] };

export default class WorkloadList extends BaseCommand {
  static override summary = 'List the shipped workloads of minimal systems';
  static override examples = ['<%= config.bin %> workload list', '<%= config.bin %> workload list --json'];

  override async run(): Promise<{ workloads: WorkloadRow[] }> {
    await this.parse(WorkloadList);
    const found = await listWorkloads(configPlaces(this.config.root, process.cwd()));
    const workloads = found.map(({ workload: { id, description, packages, command } }) => {
      return { id, description, packages, command };
    });
    const width = Math.max(...workloads.map(({ id }) => id.length)) + 2;
    for (const { id, description, command } of workloads) {
      this.log(`${id.padEnd(width)}${description}`);
      this.log(`${' '.repeat(width)}Command: ${command.join(' ')}`);
    }
    return { workloads };
  }
}
