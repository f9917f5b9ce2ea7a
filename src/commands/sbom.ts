import { resolve } from 'node:path';
import { Args, Flags } from '@oclif/core';
import type { RequiredField } from '../inspect/sbom/bsi.js';
import { requiredFields } from '../inspect/sbom/bsi.js';
import { cyclonedxDocument } from '../inspect/sbom/cyclonedx.js';
import type { LicenceCoverage } from '../inspect/sbom/make-sbom.js';
import { makeSbom } from '../inspect/sbom/make-sbom.js';
import { spdxDocument } from '../inspect/sbom/spdx.js';
import { replaceTextFile } from '../host/replace-file.js';
import { describeSbom } from '../ui/describe-sbom.js';
import { BaseCommand } from './base-command.js';

type Written = {
  readonly image: string;
  readonly files: readonly string[];
  readonly components: number;
  readonly licences: LicenceCoverage;
  readonly required: readonly RequiredField[];
};

export default class Sbom extends BaseCommand {
  static override summary = 'List what an image is made of, as SPDX and CycloneDX';
  static override description = `Reads the packages, their licences, the kernel and the firmware out of the image, and what the build says of all else
(IMAGE.json beside it: container images, software of your own, sources of static programs, patches of the kernel). Says how
many licences have an SPDX id, and which fields of BSI TR-03183-2 are missing. Equal images give equal documents.`;

  static override examples = [
    { description: 'Both documents beside the image', command: '<%= config.bin %> sbom reswarm-os-rpi4.img' },
    {
      description: 'With who publishes the image',
      command: '<%= config.bin %> sbom reswarm-os-rpi4.img --creator "Example GmbH" --contact security@example.org',
    },
    {
      description: 'One document to a file',
      command: '<%= config.bin %> sbom image.img --format spdx --output sbom.json',
    },
  ];

  static override args = { image: Args.string({ required: true, description: 'image file or block device' }) };

  static override flags = {
    format: Flags.option({ options: ['spdx', 'cyclonedx'] as const, description: 'only this document' })(),
    output: Flags.string({
      char: 'o',
      description: 'file to write [default: IMAGE.spdx.json and IMAGE.cdx.json]',
      helpValue: 'FILE',
      dependsOn: ['format'],
    }),
    creator: Flags.string({ description: 'who publishes the image', helpValue: 'NAME' }),
    contact: Flags.string({
      description: 'mail or web address of the publisher',
      helpValue: 'ADDRESS',
      dependsOn: ['creator'],
    }),
  };

  async run(): Promise<Written> {
    const { args, flags } = await this.parse(Sbom);
    const creator =
      flags.creator === undefined
        ? undefined
        : { name: flags.creator, ...(flags.contact === undefined ? {} : { contact: flags.contact }) };
    const { bill, coverage, isDescribed } = await makeSbom(args.image, creator, this.config.version, this.host);
    const documents = [
      { format: 'spdx', path: flags.output ?? `${args.image}.spdx.json`, document: spdxDocument(bill) },
      { format: 'cyclonedx', path: flags.output ?? `${args.image}.cdx.json`, document: cyclonedxDocument(bill) },
    ].filter(({ format }) => flags.format === undefined || flags.format === format);
    for (const { path, document } of documents) {
      await replaceTextFile(resolve(path), `${JSON.stringify(document, undefined, 1)}\n`);
    }
    const required = requiredFields(bill);
    const files = documents.map(({ path }) => path);
    for (const line of describeSbom(bill, coverage, required, { files, isDescribed })) this.log(line);
    return { image: args.image, files, components: bill.components.length, licences: coverage, required };
  }
}
