import { join } from 'node:path';
import { listBoards } from '../../config/listing/boards.js';
import { BaseCommand } from '../base-command.js';

type BoardRow = { id: string; name: string; soc: string; models: readonly string[]; qemu: string; hardware: string };

export default class BoardsList extends BaseCommand {
  static override summary = 'List the boards that an image can be built for';
  static override examples = ['<%= config.bin %> boards list', '<%= config.bin %> boards list --json'];

  override async run(): Promise<{ boards: BoardRow[] }> {
    await this.parse(BoardsList);
    const places = { boardsDir: join(this.config.root, 'boards'), cwd: process.cwd() };
    const boards = (await listBoards(places)).map(({ board: { id, name, soc, models, status } }) => ({
      id,
      name,
      soc,
      models,
      ...status,
    }));
    const width = Math.max(...boards.map(({ id }) => id.length)) + 2;
    const indent = ' '.repeat(width);
    for (const board of boards) {
      this.log(`${board.id.padEnd(width)}${board.name}: ${board.models.join(', ')}`);
      this.log(`${indent}In QEMU: ${board.qemu}`);
      this.log(`${indent}On hardware: ${board.hardware}`);
    }
    return { boards };
  }
}
