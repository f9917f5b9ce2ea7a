import { Args } from '@oclif/core';
import { readLayerContent } from '../../inspect/layers/layer-file.js';
import { compareLayers, type LayerDiff } from '../../inspect/layers/compare-layers.js';
import { BaseCommand } from '../base-command.js';

export default class LayersDiff extends BaseCommand {
  static override summary = 'Compare what two layers hold';
  static override args = {
    first: Args.string({ description: 'a .sqfs file', required: true }),
    second: Args.string({ description: 'another one', required: true }),
  };
  static override examples = ['<%= config.bin %> layers diff old/base-app.sqfs new/base-app.sqfs'];

  override async run(): Promise<LayerDiff> {
    const { args } = await this.parse(LayersDiff);
    const diff = compareLayers(
      await readLayerContent(args.first, this.host),
      await readLayerContent(args.second, this.host),
    );
    for (const path of diff.onlyFirst) this.log(`- ${path}`);
    for (const path of diff.onlySecond) this.log(`+ ${path}`);
    for (const path of diff.different) this.log(`~ ${path}`);
    if (diff.same) this.log('The layers are the same.');
    return diff;
  }
}
