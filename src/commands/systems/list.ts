import { configPlaces } from '../../config/places.js';
import { listSystems } from '../../config/listing/systems.js';
import { BaseCommand } from '../base-command.js';

type SystemRow = { id: string; description: string; partitions: string[] };

export default class SystemsList extends BaseCommand {
  static override summary = 'List the systems that an image can have';
  static override examples = ['<%= config.bin %> systems list', '<%= config.bin %> systems list --json'];

  override async run(): Promise<{ systems: SystemRow[] }> {
    await this.parse(SystemsList);
    const found = await listSystems(configPlaces(this.config.root, process.cwd()));
    const systems = found.map(({ id, image }) => ({
      id,
      description: image.system.description,
      partitions: image.partitions.map(({ name }) => name),
    }));
    const width = Math.max(...systems.map(({ id }) => id.length)) + 2;
    for (const { id, description, partitions } of systems) {
      this.log(`${id.padEnd(width)}${description}`);
      this.log(`${' '.repeat(width)}Partitions: ${partitions.join(', ')}`);
    }
    return { systems };
  }
}
