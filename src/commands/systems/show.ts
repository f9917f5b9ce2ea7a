import { relative } from 'node:path';
import { Args, Flags } from '@oclif/core';
import { dump } from 'js-yaml';
import { configPlaces } from '../../config/places.js';
import { findSystem } from '../../config/listing/systems.js';
import type { ImageSpec } from '../../model/image-spec.js';
import { describeSystem } from '../../ui/describe-system.js';
import { BaseCommand } from '../base-command.js';

export default class SystemsShow extends BaseCommand {
  static override summary = 'Show a system with everything that it inherits';
  static override args = {
    system: Args.string({ description: 'id of a shipped system or path of a system file', required: true }),
  };
  static override flags = {
    yaml: Flags.boolean({ description: 'print it as one system file without "extends"' }),
  };
  static override examples = [
    '<%= config.bin %> systems show debian',
    '<%= config.bin %> systems show ./my-system.yaml --yaml',
    '<%= config.bin %> systems show debian --json',
  ];

  override async run(): Promise<Omit<ImageSpec, 'board'>> {
    const { args, flags } = await this.parse(SystemsShow);
    const cwd = process.cwd();
    const { image, definition, files } = await findSystem(args.system, configPlaces(this.config.root, cwd));
    if (flags.yaml) this.log(dump(definition, { lineWidth: 120 }).trimEnd());
    else
      this.log(
        describeSystem(
          image,
          files.map((file) => relative(cwd, file)),
        ),
      );
    return image;
  }
}
