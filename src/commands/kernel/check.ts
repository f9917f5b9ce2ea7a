import { UserError } from '../../errors.js';
import type { KernelCheck } from '../../build/kernel/check-kernel.js';
import { checkKernel } from '../../build/kernel/check-kernel.js';
import { kernelFlags, kernelOptions } from '../../ui/kernel-flags.js';
import { BaseCommand } from '../base-command.js';

export default class KernelCheckCommand extends BaseCommand {
  static override summary = 'Hold the kernel configuration of a board against what is asked of it';
  static override description = `Resolves the configuration without compiling, and looks whether every option that a fragment asks for survived, and
whether it has what Docker, systemd, cloud-init, QEMU and the board need. Names what a lost option depends on.
Exits with 2 when something is missing.`;
  static override examples = [
    '<%= config.bin %> kernel check --board rpi4',
    '<%= config.bin %> kernel check --board ./my-board.yaml --flavour rt --json',
    '<%= config.bin %> kernel check --board pc-amd64 --profile tiny',
  ];

  static override flags = kernelFlags;

  protected override readonly streamsEvents = true;

  async run(): Promise<KernelCheck> {
    const place = { projectDir: this.config.root, workingFolder: process.cwd() };
    const { flags } = await this.parse(KernelCheckCommand);
    const check = await checkKernel(
      kernelOptions(flags, { ...place, cpus: this.host.facts.cpus }, process.env),
      this.host,
      this.reporter,
    );
    await this.closeReporter();
    this.log(`${check.kept} of ${check.asked} options that the fragments ask for survived`);
    this.log(`${check.builtIn} options are built in, ${check.modules} are modules`);
    for (const { source, unmet } of check.lists) {
      this.log(`${unmet.length === 0 ? 'ok     ' : 'missing'}  ${source}`);
    }
    if (check.problems.length > 0) throw UserError.fromProblems(check.problems);
    return check;
  }
}
