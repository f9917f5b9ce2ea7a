import { Args, Flags } from '@oclif/core';
import type { LayerReport } from '../../inspect/layers/layer-file.js';
import { readLayerFile } from '../../inspect/layers/layer-file.js';
import { formatSize } from '../../model/bytes.js';
import { BaseCommand } from '../base-command.js';

const SHOWN = 20;

export default class LayersShow extends BaseCommand {
  static override summary = 'Show what a layer holds, and what it takes away';
  static override args = {
    layer: Args.string({ description: 'the .sqfs file of a layer', required: true }),
  };
  static override flags = {
    files: Flags.boolean({ description: `list all files, not only the first ${SHOWN}` }),
  };
  static override examples = [
    '<%= config.bin %> layers show local.sqfs',
    '<%= config.bin %> layers show base-docker.sqfs --files',
  ];

  override async run(): Promise<LayerReport> {
    const { args, flags } = await this.parse(LayersShow);
    const layer = await readLayerFile(args.layer, this.host);
    const { file, sizeBytes, sha256, paths, removed, strict, over } = layer;
    this.log(`${file}: ${formatSize(sizeBytes)}, ${paths.length} files, ${removed.length} taken away`);
    this.log(`sha256   ${sha256}`);
    this.log(
      strict.length === 0
        ? 'over     any layers: it holds files only'
        : `over     exactly those that it was made over: it has ${strict[0] ?? ''}`,
    );
    for (const one of over?.layers ?? []) this.log(`saved    over ${one.file}, ${one.sha256.slice(0, 12)}`);
    const lines = [...paths.map((path) => `  ${path}`), ...removed.map((path) => `- ${path}`)];
    for (const line of flags.files ? lines : lines.slice(0, SHOWN)) this.log(line);
    if (!flags.files && lines.length > SHOWN) this.log(`  and ${lines.length - SHOWN} more: --files`);
    return layer;
  }
}
