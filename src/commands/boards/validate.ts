import { Args } from '@oclif/core';
import { validateBoards } from '../../config/listing/boards.js';
import { configPlaces } from '../../config/places.js';
import { systemFlag } from '../../ui/system-flags.js';
import { BaseCommand } from '../base-command.js';

export default class BoardsValidate extends BaseCommand {
  static override summary = 'Check board files and report every problem with its line and column';
  static override description =
    'Checks keys, types, sizes, labels, and what the files name: the files that they extend, kernel fragments, overlay folders. Exits with 2 when something is wrong.';
  static override strict = false;
  static override args = {
    board: Args.string({ description: 'paths of board files or ids; all shipped boards by default' }),
  };
  static override flags = { ...systemFlag };
  static override examples = [
    '<%= config.bin %> boards validate ./my-board.yaml',
    '<%= config.bin %> boards validate ./my-board.yaml --system ./recorder.yaml',
    '<%= config.bin %> boards validate rpi3 rpi4 --json',
  ];

  override async run(): Promise<{ valid: string[] }> {
    const { argv, flags } = await this.parse(BoardsValidate);
    const places = configPlaces(this.config.root, process.cwd());
    const boards = await validateBoards(argv.map(String), places, flags.system);
    for (const { board, files } of boards) this.log(`${board.id}: valid (${files.length} files)`);
    return { valid: boards.map(({ board }) => board.id) };
  }
}
