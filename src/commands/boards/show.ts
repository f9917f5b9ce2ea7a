import { join, relative } from 'node:path';
import { Args, Flags } from '@oclif/core';
import { dump } from 'js-yaml';
import type { Board } from '../../model/board.js';
import { findBoard } from '../../config/boards/boards.js';
import { describeBoard } from '../../ui/describe-board.js';
import { BaseCommand } from '../base-command.js';

export default class BoardsShow extends BaseCommand {
  static override summary = 'Show a board with everything that it inherits';
  static override args = {
    board: Args.string({ description: 'id of a shipped board or path of a board file', required: true }),
  };
  static override flags = {
    yaml: Flags.boolean({ description: 'print it as one board file without "extends"' }),
  };
  static override examples = [
    '<%= config.bin %> boards show rpi4',
    '<%= config.bin %> boards show ./my-board.yaml --yaml',
    '<%= config.bin %> boards show rpi3 --json',
  ];

  override async run(): Promise<Board> {
    const { args, flags } = await this.parse(BoardsShow);
    const cwd = process.cwd();
    const { board, definition, files } = await findBoard(args.board, {
      boardsDir: join(this.config.root, 'boards'),
      cwd,
    });
    if (flags.yaml) this.log(dump(definition, { lineWidth: 120 }).trimEnd());
    else
      this.log(
        describeBoard(
          board,
          files.map((file) => relative(cwd, file)),
        ),
      );
    return board;
  }
}
