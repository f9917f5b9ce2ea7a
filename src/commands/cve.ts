import { basename, resolve } from 'node:path';
import { Args, Flags } from '@oclif/core';
import type { CveCheck } from '../inspect/cve/check-cves.js';
import { checkCves } from '../inspect/cve/check-cves.js';
import { readVex, vexDocument } from '../inspect/cve/openvex.js';
import { sarifDocument } from '../inspect/cve/sarif.js';
import { readTracker } from '../inspect/cve/tracker.js';
import { replaceTextFile } from '../host/replace-file.js';
import { readSourceDateEpoch } from '../model/source-date-epoch.js';
import { describeCves } from '../ui/describe-cves.js';
import { BaseCommand } from './base-command.js';

export default class Cve extends BaseCommand {
  static override summary = 'Which known vulnerabilities the packages of an image have';
  static override description = `Holds the source packages of an image, or of an SBOM, against the data of Debian's security tracker: a file that you
fetch when you like (https://security-tracker.debian.org/tracker/data/json). No network is used. Vulnerabilities that
Debian ignores or finds unimportant are counted and not reported. Exits with 1 when something is reported; --fail-on says
what counts.`;

  static override examples = [
    { description: 'Check an image', command: '<%= config.bin %> cve reswarm-os-rpi4.img --tracker tracker.json' },
    {
      description: 'Without those that you have judged, and with a report for a code hosting service',
      command: '<%= config.bin %> cve image.img --tracker tracker.json --vex judged.json --sarif cve.sarif',
    },
    {
      description: 'A gate that opens when all fixes are taken',
      command: '<%= config.bin %> cve image.img.spdx.json --tracker tracker.json --fail-on fixable',
    },
  ];

  static override args = { image: Args.string({ required: true, description: 'image, or an SBOM of it (NAME.json)' }) };

  static override flags = {
    tracker: Flags.string({ required: true, description: "data of Debian's security tracker", helpValue: 'FILE' }),
    release: Flags.string({ description: "Debian's code name [default: the image's own]", helpValue: 'trixie' }),
    vex: Flags.string({
      description: 'OpenVEX document with what is not affected or fixed',
      multiple: true,
      helpValue: 'FILE',
    }),
    'vex-output': Flags.string({ description: 'write an OpenVEX document of what was found', helpValue: 'FILE' }),
    author: Flags.string({ description: 'author of that document', default: 'unknown', helpValue: 'NAME' }),
    sarif: Flags.string({ description: 'write what is reported as SARIF', helpValue: 'FILE' }),
    'fail-on': Flags.option({
      options: ['reported', 'fixable', 'nothing'] as const,
      default: 'reported' as const,
      description: 'exit with 1 for anything that is reported, only for what an update fixes, or never',
    })(),
  };

  async run(): Promise<CveCheck & { readonly image: string }> {
    const { args, flags } = await this.parse(Cve);
    const tracker = await readTracker(flags.tracker);
    const vex = (await Promise.all((flags.vex ?? []).map(readVex))).flat();
    const check = await checkCves(args.image, tracker, { vex, codename: flags.release }, this.host);
    if (flags.sarif !== undefined) {
      await this.write(flags.sarif, sarifDocument(check.reported, basename(args.image), this.config.version));
    }
    if (flags['vex-output'] !== undefined) {
      const { seconds } = readSourceDateEpoch(process.env.SOURCE_DATE_EPOCH);
      const timestamp = new Date(
        process.env.SOURCE_DATE_EPOCH === undefined ? Date.now() : seconds * 1000,
      ).toISOString();
      const found = [...check.reported, ...check.silenced];
      await this.write(flags['vex-output'], vexDocument(found, vex, { author: flags.author, timestamp }));
    }
    for (const line of describeCves(check)) this.log(line);
    const failing =
      flags['fail-on'] === 'fixable' ? check.reported.filter(({ state }) => state === 'fixable') : check.reported;
    if (flags['fail-on'] !== 'nothing' && failing.length > 0) process.exitCode = 1;
    return { image: args.image, ...check };
  }

  private async write(path: string, document: unknown): Promise<void> {
    await replaceTextFile(resolve(path), `${JSON.stringify(document, undefined, 1)}\n`);
  }
}
