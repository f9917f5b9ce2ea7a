import { Args } from '@oclif/core';
import type { ListedLayer } from '../../inspect/layers/chain-list.js';
import { readChainList } from '../../inspect/layers/chain-list.js';
import { formatSize } from '../../model/bytes.js';
import { table } from '../../ui/inspection/describe-image.js';
import { BaseCommand } from '../base-command.js';

export default class LayersList extends BaseCommand {
  static override summary = 'List the layers of a layered image, or of a folder of layers';
  static override args = {
    place: Args.string({ description: 'image, folder with layers.json, or that file', required: true }),
  };
  static override examples = [
    '<%= config.bin %> layers list reswarm-os-rpi4.img',
    '<%= config.bin %> layers list /srv/tftp/layers --json',
  ];

  override async run(): Promise<{ layers: readonly ListedLayer[] }> {
    const { args } = await this.parse(LayersList);
    const layers = await readChainList(args.place, this.host);
    const rows = layers.map(({ file, sizeBytes, sha256, loose }) => {
      return [file, formatSize(sizeBytes), sha256.slice(0, 12), loose ? 'files only' : 'over exactly those below'];
    });
    for (const line of table(rows)) this.log(line);
    return { layers };
  }
}
