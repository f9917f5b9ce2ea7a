import { resolve } from 'node:path';
import { Args, Flags } from '@oclif/core';
import { UserError } from '../errors.js';
import type { Release } from '../inspect/release/make-release.js';
import { makeRelease } from '../inspect/release/make-release.js';
import { readSecretKey } from '../inspect/release/read-secret-key.js';
import { sourceDateEpoch } from '../model/source-date-epoch.js';
import { readSecretFile } from '../host/secret-file.js';
import { askSecret } from '../ui/ask-secret.js';
import { BaseCommand } from './base-command.js';

export default class ReleaseCommand extends BaseCommand {
  static override summary = 'Put an image and all that proves it into one signed folder';
  static override description = `The folder has the image, its block map and packed forms, SBOMs (SPDX, CycloneDX), the lock, SHA256SUMS, provenance
(in-toto statement with SLSA v1, in a DSSE envelope), signatures as minisign makes them, and the public key. Check with
\`flash\` or \`inspect --require-signed KEY\`, with \`minisign -V\`, or SHA256SUMS.sig with cosign or openssl. The key is
one of minisign, or Ed25519 in PEM; its password is asked for, or read from a file.`;

  static override examples = [
    {
      description: 'Make a key, and a release',
      command: `openssl genpkey -algorithm ed25519 -out release.key && chmod 600 release.key
<%= config.bin %> release reswarm-os-rpi4.img --sign release.key --output release`,
    },
    {
      description: 'With the lock that it was built from, good for a year',
      command:
        '<%= config.bin %> release image.img --sign minisign.key --lock image.lock.json --expires 2027-11-28 --output out',
    },
    {
      description: 'Check it before it is written',
      command: '<%= config.bin %> flash release/reswarm-os-rpi4.img --require-signed release.pub --to /dev/sdX',
    },
  ];

  static override args = { image: Args.string({ required: true, description: 'image that reswarm-os built' }) };

  static override flags = {
    sign: Flags.string({ required: true, description: 'secret key of minisign, or Ed25519 in PEM', helpValue: 'KEY' }),
    'password-file': Flags.string({
      description: 'file whose first line is the password of the key; "-" is stdin',
      helpValue: 'FILE',
    }),
    output: Flags.string({ char: 'o', required: true, description: 'folder to make', helpValue: 'DIR' }),
    lock: Flags.string({ description: 'lock file that the image was built from', helpValue: 'LOCK' }),
    expires: Flags.string({
      description: 'date after which --require-signed no longer takes the signatures',
      helpValue: '2027-11-28',
    }),
    creator: Flags.string({ description: 'who publishes the image, for the SBOMs', helpValue: 'NAME' }),
    contact: Flags.string({
      description: 'mail or web address of the publisher',
      helpValue: 'ADDRESS',
      dependsOn: ['creator'],
    }),
    builder: Flags.string({
      description: 'what built the image, as a URI, for the provenance',
      default: 'tag:reswarm-os,2026:local',
      helpValue: 'URI',
    }),
  };

  async run(): Promise<Release> {
    const { args, flags } = await this.parse(ReleaseCommand);
    const expires = flags.expires === undefined ? undefined : readDate(flags.expires);
    const passwordFile = flags['password-file'];
    const key = await readSecretKey(resolve(flags.sign), () =>
      passwordFile === undefined
        ? askSecret(`Password of ${flags.sign}`, '--password-file FILE')
        : readSecretFile(passwordFile, process.cwd()),
    );
    const epoch = process.env.SOURCE_DATE_EPOCH;
    const release = await makeRelease(
      {
        image: args.image,
        output: resolve(flags.output),
        lock: flags.lock,
        expires,
        ...(flags.creator === undefined
          ? {}
          : { creator: { name: flags.creator, ...(flags.contact === undefined ? {} : { contact: flags.contact }) } }),
        builder: flags.builder,
        toolVersion: this.config.version,
        timestamp: epoch === undefined ? Math.floor(Date.now() / 1000) : sourceDateEpoch(epoch),
      },
      key,
      this.host,
    );
    this.log(`Release in ${flags.output}: ${release.files.length} files, all in SHA256SUMS`);
    this.log('');
    for (const { name, sha256 } of release.files) this.log(`  ${sha256.slice(0, 16)}…  ${name}`);
    this.log('');
    this.log('Publish the key release.pub over another way than the files.');
    return release;
  }
}

/** Throws UserError `date-invalid`. */
function readDate(text: string): string {
  const isDate = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2})?Z)?$/.test(text);
  const date = new Date(text);
  if (isDate && !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text.slice(0, 10))) {
    return date.toISOString();
  }
  throw new UserError('date-invalid', `"${text}" is no date`, {
    hints: ['For example --expires 2027-11-28, or with a time in UTC: 2027-11-28T12:00:00Z'],
  });
}
