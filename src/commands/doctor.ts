import { Flags } from '@oclif/core';
import { checkHost, describeFix, installMissing, type HostReport } from '../maintenance/doctor.js';
import { confirmFix } from '../ui/confirm.js';
import { BaseCommand } from './base-command.js';

const MARKS = { found: '✔', missing: '✘', 'not-needed': '–', optional: '–' } as const;

export default class Doctor extends BaseCommand {
  static override summary = 'Check what a build needs of this machine';
  static override description = `Names every requirement, whether it is there, and how to get it. Exits with 1 when something is missing.
Programs that shape an image are not among them: a build brings those itself.`;
  static override examples = [
    '<%= config.bin %> doctor',
    { description: 'Install what is missing, after asking', command: '<%= config.bin %> doctor --fix' },
    { description: 'The same without asking', command: '<%= config.bin %> doctor --fix --yes' },
  ];

  static override flags = {
    fix: Flags.boolean({ description: 'install and set up what is missing; each command is shown first' }),
    yes: Flags.boolean({ char: 'y', description: 'do not ask before that', dependsOn: ['fix'] }),
  };

  override async run(): Promise<HostReport> {
    const { flags } = await this.parse(Doctor);
    const report = flags.fix
      ? await installMissing(this.host, this.reporter, flags.yes ? undefined : confirmFix)
      : await checkHost(this.host);
    this.show(report);
    if (!report.ready) process.exitCode = 1;
    return report;
  }

  private show({ checks, ready, fix }: HostReport): void {
    const width = Math.max(...checks.map(({ title }) => title.length));
    for (const { title, status, detail, hint } of checks) {
      this.log(`${MARKS[status]} ${title.padEnd(width)}  ${detail}`);
      if (hint !== undefined && status === 'missing') this.log(`${' '.repeat(width + 4)}${hint}`);
    }
    this.log('');
    if (ready) {
      this.log('Everything a build needs is there.');
      return;
    }
    const missing = checks.filter(({ status }) => status === 'missing').length;
    this.log(`${missing} of ${checks.length} requirements ${missing === 1 ? 'is' : 'are'} missing.`);
    if (fix === undefined) return;
    const prefix = this.host.facts.privilege === 'root' ? '' : 'sudo ';
    this.log(`${fix.title}, with \`${this.config.bin} doctor --fix\`${fix.isTried ? '' : ' or something like'}:`);
    for (const line of describeFix(fix, prefix)) this.log(`  ${line}`);
  }
}
