import { Args, Flags } from '@oclif/core';
import { UserError } from '../../errors.js';
import { readChainList } from '../../inspect/layers/chain-list.js';
import { checkLayer, type LayerVerdict } from '../../inspect/layers/check-layer.js';
import { readLayerFile } from '../../inspect/layers/layer-file.js';
import { BaseCommand } from '../base-command.js';

export default class LayersCheck extends BaseCommand {
  static override summary = 'Say whether a layer may be loaded over a chain of others';
  static override description =
    'A layer that a device saved is valid over exactly the layers that it was saved over, unless it holds nothing that depends on them. Exits with 2 when it may not be loaded.';
  static override args = {
    layer: Args.string({ description: 'the .sqfs file of a layer', required: true }),
  };
  static override flags = {
    over: Flags.string({
      description: 'image of a layered system, or folder with its layers.json',
      required: true,
      helpValue: 'CHAIN',
    }),
  };
  static override examples = [
    '<%= config.bin %> layers check local.sqfs --over reswarm-os-rpi4.img',
    '<%= config.bin %> layers check local.sqfs --over /srv/tftp/layers --json',
  ];

  override async run(): Promise<LayerVerdict> {
    const { args, flags } = await this.parse(LayersCheck);
    const chain = await readChainList(flags.over, this.host);
    const verdict = checkLayer(await readLayerFile(args.layer, this.host), chain);
    if (!verdict.may) throw UserError.fromProblems([...verdict.problems]);
    this.log(`${verdict.file} may be loaded over ${chain.at(-1)?.file ?? ''}: ${verdict.because}.`);
    return verdict;
  }
}
