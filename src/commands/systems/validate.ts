import { Args } from '@oclif/core';
import { configPlaces } from '../../config/places.js';
import { validateSystems } from '../../config/listing/systems.js';
import { BaseCommand } from '../base-command.js';

export default class SystemsValidate extends BaseCommand {
  static override summary = 'Check system files and report every problem with its line and column';
  static override description =
    'Checks keys, types, sizes, labels, partitions, and what the files name: the files that they extend, layers, folders. A board can say more over a system: `boards validate --system`. Exits with 2 when something is wrong.';
  static override strict = false;
  static override args = {
    system: Args.string({ description: 'paths of system files or ids; all shipped systems by default' }),
  };
  static override examples = [
    '<%= config.bin %> systems validate ./my-system.yaml',
    '<%= config.bin %> systems validate debian --json',
  ];

  override async run(): Promise<{ valid: string[] }> {
    const { argv } = await this.parse(SystemsValidate);
    const systems = await validateSystems(argv.map(String), configPlaces(this.config.root, process.cwd()));
    for (const { id, files } of systems) this.log(`${id}: valid (${files.length} files)`);
    return { valid: systems.map(({ id }) => id) };
  }
}
