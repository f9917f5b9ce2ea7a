import { relative } from 'node:path';
import { Args, Flags } from '@oclif/core';
import type { NewBoard } from '../../config/listing/write-new-board.js';
import { newBoard, schemaPath } from '../../config/listing/write-new-board.js';
import { configPlaces } from '../../config/places.js';
import { BaseCommand } from '../base-command.js';

export default class BoardsNew extends BaseCommand {
  static override summary = 'Write a commented board definition to start from';
  static override args = {
    name: Args.string({ description: 'id of the new board: small letters, digits and -', required: true }),
  };
  static override flags = {
    from: Flags.string({ description: 'board that it extends', default: 'rpi4', helpValue: 'BOARD' }),
    output: Flags.string({ char: 'o', description: 'file to write [default: ./NAME.yaml]', helpValue: 'FILE' }),
  };
  static override examples = [
    '<%= config.bin %> boards new kiosk',
    '<%= config.bin %> boards new gateway --from cm4 --output boards/gateway.yaml',
  ];

  override async run(): Promise<NewBoard> {
    const { args, flags } = await this.parse(BoardsNew);
    const cwd = process.cwd();
    const places = configPlaces(this.config.root, cwd);
    const options = {
      from: flags.from,
      ...(flags.output === undefined ? {} : { file: flags.output }),
      schema: schemaPath(places.boardsDir),
    };
    const made = await newBoard(args.name, options, places);
    const path = relative(cwd, made.file);
    const shown = path.startsWith('.') ? path : `./${path}`;
    this.log(`${shown} extends ${made.from}. Change it, then:`);
    this.log(`  reswarm-os boards validate ${shown}`);
    this.log(`  reswarm-os build --board ${shown}`);
    return made;
  }
}
