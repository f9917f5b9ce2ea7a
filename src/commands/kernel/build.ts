import { Flags } from '@oclif/core';
import { formatDuration } from '../../model/duration.js';
import type { BuiltKernel } from '../../build/kernel/build-kernel.js';
import { buildKernel } from '../../build/kernel/build-kernel.js';
import { kernelFlags, kernelOptions } from '../../ui/kernel-flags.js';
import { BaseCommand } from '../base-command.js';

export default class KernelBuild extends BaseCommand {
  static override summary = 'Compile the kernel of a board into a folder of its own';
  static override description = `Image, Image.gz, dtbs, modules, config and System.map: the kernel that a build of the board puts into its
image, from the store where it is there already.`;
  static override examples = [
    '<%= config.bin %> kernel build --board rpi4 --output ./kernel',
    '<%= config.bin %> kernel build --board ./my-board.yaml --flavour rt --output ./kernel-rt',
    '<%= config.bin %> kernel build --board pc-amd64 --profile tiny --output ./kernel-tiny',
  ];

  static override flags = {
    ...kernelFlags,
    output: Flags.string({
      char: 'o',
      required: true,
      description: 'folder that is made; it must not hold anything yet',
      helpValue: 'DIR',
    }),
  };

  protected override readonly streamsEvents = true;

  async run(): Promise<BuiltKernel> {
    const place = { projectDir: this.config.root, workingFolder: process.cwd() };
    const { flags } = await this.parse(KernelBuild);
    const options = {
      ...kernelOptions(flags, { ...place, cpus: this.host.facts.cpus }, process.env),
      output: flags.output,
    };
    const built = await buildKernel(options, this.host, this.reporter);
    await this.closeReporter();
    const kernel = built.stages.find(({ stage }) => stage === 'kernel');
    this.log(`Kernel ${built.release} of board ${built.board}`);
    this.log(`  in ${built.output}`);
    if (kernel !== undefined) {
      this.log(kernel.cached ? '  it was in the store' : `  compiled in ${formatDuration(kernel.durationMs)}`);
    }
    return built;
  }
}
