import { Flags } from '@oclif/core';
import { UserError } from '../../errors.js';
import type { EditedConfig } from '../../build/kernel/edit-kernel-config.js';
import { editKernelConfig } from '../../build/kernel/edit-kernel-config.js';
import { kernelFlags, kernelOptions } from '../../ui/kernel-flags.js';
import { BaseCommand } from '../base-command.js';

export default class KernelConfig extends BaseCommand {
  static override summary = "Change a board's kernel configuration in menuconfig and keep the changes as a fragment";
  static override description = `Opens the kernel's own menuconfig on the resolved configuration of the board. What you changed is written as a
fragment, which you then list under kernel.fragments of your board.`;
  static override examples = [
    '<%= config.bin %> kernel config --board rpi4 --fragment ./can.config',
    '<%= config.bin %> kernel config --board pc-amd64 --profile tiny --fragment ./own.config',
    {
      description: 'Without a terminal: answers from a file',
      command: '<%= config.bin %> kernel config --board rpi4 --fragment ./can.config --config-script answers.config',
    },
  ];

  static override flags = {
    ...kernelFlags,
    fragment: Flags.string({ required: true, description: 'file to write the changes to', helpValue: 'FILE' }),
    'config-script': Flags.string({
      description: 'lines of a fragment to set instead of opening menuconfig',
      helpValue: 'FILE',
    }),
  };

  protected override readonly streamsEvents = true;

  async run(): Promise<EditedConfig> {
    const place = { projectDir: this.config.root, workingFolder: process.cwd() };
    const { flags } = await this.parse(KernelConfig);
    const script = flags['config-script'];
    if (script === undefined && (this.jsonEnabled() || !process.stdin.isTTY)) {
      throw new UserError('no-terminal', 'menuconfig draws on a terminal, and this is none', {
        hints: ['Give the answers in a file: --config-script FILE.'],
      });
    }
    const options = {
      ...kernelOptions(flags, { ...place, cpus: this.host.facts.cpus }, process.env),
      fragment: flags.fragment,
      ...(script === undefined ? {} : { script }),
      term: process.env.TERM ?? 'linux',
    };
    const edited = await editKernelConfig(options, this.host, this.reporter);
    await this.closeReporter();
    if (edited.fragment === undefined) this.log('Nothing was changed.');
    else this.log(`${edited.changes.length} options changed, written to ${edited.fragment}`);
    for (const { name, before, after } of edited.changes) this.log(`  ${name}: ${before} -> ${after}`);
    if (edited.contradicts.length > 0) {
      this.log('These lines ask for something else; a board cannot list their fragment and this one:');
      for (const place of edited.contradicts) this.log(`  ${place}`);
    }
    return edited;
  }
}
