import { relative } from 'node:path';
import { Args, Flags } from '@oclif/core';
import { dump } from 'js-yaml';
import { readImageSpec } from '../../config/image/read-image-spec.js';
import { configPlaces } from '../../config/places.js';
import type { Board } from '../../model/board.js';
import type { ImageSpec } from '../../model/image-spec.js';
import { describeBoard } from '../../ui/describe-board.js';
import { systemFlag } from '../../ui/system-flags.js';
import { BaseCommand } from '../base-command.js';

type ShownBoard = Board & { readonly image: Omit<ImageSpec, 'board'> };

export default class BoardsShow extends BaseCommand {
  static override summary = 'Show a board with everything that it inherits, and what an image for it has';
  static override args = {
    board: Args.string({ description: 'id of a shipped board or path of a board file', required: true }),
  };
  static override flags = {
    ...systemFlag,
    yaml: Flags.boolean({ description: 'print it as one board file without "extends"' }),
  };
  static override examples = [
    '<%= config.bin %> boards show rpi4',
    '<%= config.bin %> boards show rpi4 --system ./recorder.yaml',
    '<%= config.bin %> boards show ./my-board.yaml --yaml',
    '<%= config.bin %> boards show rpi3 --json',
  ];

  override async run(): Promise<ShownBoard> {
    const { args, flags } = await this.parse(BoardsShow);
    const cwd = process.cwd();
    const options = { board: args.board, system: flags.system };
    const { image, board: read } = await readImageSpec(options, configPlaces(this.config.root, cwd));
    const files = read.files.map((file) => relative(cwd, file));
    if (flags.yaml) this.log(dump(read.definition, { lineWidth: 120 }).trimEnd());
    else this.log(describeBoard(read.board, image, files));
    return { ...read.board, image };
  }
}
