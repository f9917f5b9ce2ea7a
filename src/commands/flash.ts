import { resolve } from 'node:path';
import { Args, Flags } from '@oclif/core';
import { formatCommand } from '../model/command.js';
import { sourceDateEpoch as readEpoch } from '../model/source-date-epoch.js';
import type { FlashOptions, FlashPlan, FlashResult, PreparedFlash } from '../write/flash-image.js';
import { failedCards, withFlash } from '../write/flash-image.js';
import type { FleetFlash } from '../fleet/flash-fleet.js';
import { withFleetFlash } from '../fleet/flash-fleet.js';
import { confirmDeviceWrites } from '../ui/confirm-device.js';
import {
  describeFlashImage,
  describeFlashPlan,
  describeFlashResult,
  describeFleetRest,
  describeWrites,
} from '../ui/describe-flash.js';
import { BaseCommand } from './base-command.js';

export default class Flash extends BaseCommand {
  static override summary = 'Write an image to cards, several at once, and prove that every byte is there';
  static override description = `Only what the image's file systems use is written, past the page cache; all of it is read back. The partition table
comes last: a card that was not finished does not boot. What was cut off goes on where it stopped when it is started
again. Images may be compressed (.xz, .zst, .gz, .bz2, .lzma); a .bmap, a .sha256 and SHA256SUMS beside the image are used.

With --fleet each card becomes a device of the list, in the order of the list: its seed is worked into the boot
partition, read back too, and what was written to which card is recorded for "fleet status".`;
  static override examples = [
    { description: 'Write a card', command: '<%= config.bin %> flash reswarm-os-rpi4.img --to /dev/sdb' },
    {
      description: 'Three cards at once, without being asked',
      command: '<%= config.bin %> flash image.img.xz --to /dev/sdb --to /dev/sdc --to /dev/sdd --yes',
    },
    {
      description: 'Write an image while it is downloaded; a .sha256, SHA256SUMS or .bmap beside it is used',
      command: '<%= config.bin %> flash https://server/image.img.xz --to /dev/sdb',
    },
    {
      description: 'Write what another program sends',
      command: 'ssh builder cat image.img.zst | <%= config.bin %> flash - --to /dev/sdb --yes',
    },
    { description: 'See what would be written', command: '<%= config.bin %> flash image.img --to /dev/sdb --dry-run' },
    {
      description: 'Compare a card with an image, write nothing',
      command: '<%= config.bin %> flash image.img --to /dev/sdb --verify-only',
    },
  ];

  static override args = {
    image: Args.string({
      required: true,
      ignoreStdin: true,
      description: 'image file, its https:// address, or - for standard input; may be packed',
    }),
  };

  static override flags = {
    to: Flags.string({
      description: 'card to write; `reswarm-os devices` lists them',
      multiple: true,
      required: true,
      helpValue: '/dev/sdX',
    }),
    fleet: Flags.string({
      description: 'each card becomes the next device of this list: a YAML or CSV file, or a folder of .flock files',
      helpValue: 'FLEET',
    }),
    only: Flags.string({
      description: 'device of the fleet, one for each card; also one that was written before',
      multiple: true,
      helpValue: 'NAME',
      dependsOn: ['fleet'],
    }),
    record: Flags.string({
      description: 'what was written to which card [default: <fleet>.written.ndjson beside the fleet]',
      helpValue: 'FILE',
      dependsOn: ['fleet'],
    }),
    'unique-disk-id': Flags.boolean({
      description: 'give each device a disk id, PARTUUIDs and a FAT serial of its own',
      dependsOn: ['fleet'],
    }),
    offline: Flags.boolean({
      description: 'use no network: the schemas of cloud-init must be in the store',
      dependsOn: ['fleet'],
    }),
    sha256: Flags.string({
      description: 'what the image, packed or unpacked, must hash to; another one gets no partition table',
      helpValue: 'HEX',
    }),
    'require-signed': Flags.string({
      description: 'public key (minisign, or Ed25519 in PEM) that must have signed the image and its release',
      helpValue: 'KEY',
      exclusive: ['signature'],
    }),
    signature: Flags.string({
      description: 'detached OpenPGP signature of the image file',
      helpValue: 'FILE',
      dependsOn: ['keyring'],
    }),
    keyring: Flags.string({
      description: 'public keys that may have signed it (binary)',
      helpValue: 'FILE',
      dependsOn: ['signature'],
    }),
    'all-blocks': Flags.boolean({ description: 'write all of the image, also what no file system uses' }),
    'verify-only': Flags.boolean({ description: 'compare the cards with the image, write nothing' }),
    'dry-run': Flags.boolean({ description: 'print the plan and write nothing' }),
    'allow-large': Flags.boolean({ description: 'also drives larger than any card on sale' }),
    'allow-built-in': Flags.boolean({ description: 'also drives that are part of this machine' }),
    yes: Flags.boolean({
      char: 'y',
      description: 'write without asking; the cards must be named by their exact paths',
    }),
  };

  protected override readonly streamsEvents = true;

  async run(): Promise<FlashResult | FlashPlanJson> {
    const { args, flags } = await this.parse(Flash);
    const sourceDateEpoch = readEpoch(process.env.SOURCE_DATE_EPOCH);
    const { sha256, signature, keyring } = flags;
    const options: FlashOptions = {
      image: args.image,
      to: flags.to,
      allBlocks: flags['all-blocks'],
      verifyOnly: flags['verify-only'],
      allowLarge: flags['allow-large'],
      allowBuiltIn: flags['allow-built-in'],
      ...(sha256 === undefined ? {} : { sha256 }),
      ...(flags['require-signed'] === undefined ? {} : { requireSigned: flags['require-signed'] }),
      ...(signature === undefined || keyring === undefined ? {} : { signature: { signature, keyring } }),
      personal: { projectDir: this.config.root, sourceDateEpoch, uniqueDisk: flags['unique-disk-id'] },
    };
    const use = async (flash: PreparedFlash | FleetFlash): Promise<FlashResult | FlashPlanJson> => {
      await this.closeReporter();
      if (flags['dry-run']) return this.showPlan(flash.plan);
      await this.confirm(flash, flags.yes);
      const result = await flash.run();
      await this.closeReporter();
      this.showResult(result, flash);
      return result;
    };
    if (flags.fleet === undefined) return withFlash(options, this.host, this.reporter, use);
    const fleet = {
      path: flags.fleet,
      ...(flags.only === undefined ? {} : { only: flags.only }),
      ...(flags.record === undefined ? {} : { record: resolve(flags.record) }),
      base: { projectDir: this.config.root, workingFolder: process.cwd(), offline: flags.offline },
      planOnly: flags['dry-run'],
    };
    return withFleetFlash(options, fleet, this.host, this.reporter, use);
  }

  private showPlan(plan: FlashPlan): FlashPlanJson {
    for (const line of describeFlashPlan(plan)) this.log(line);
    return { plan: planJson(plan) };
  }

  private async confirm({ plan }: PreparedFlash, agreed: boolean): Promise<void> {
    for (const line of describeFlashImage(plan)) process.stderr.write(`${line}\n`);
    if (plan.verifyOnly) return;
    process.stderr.write('\n');
    await confirmDeviceWrites(
      plan.cards.map((card) => ({ device: card.device, path: card.path, writes: describeWrites(plan, card) })),
      {
        agreed,
        commandLine: formatCommand({ file: this.config.bin, args: ['flash', ...this.argv, '--yes'] }),
        signal: this.host.signal,
      },
    );
  }

  private showResult(result: FlashResult, flash: PreparedFlash | FleetFlash): void {
    const failure = failedCards(result);
    for (const line of describeFlashResult(result)) this.log(line);
    if ('waiting' in flash && !result.verifyOnly) for (const line of describeFleetRest(flash)) this.log(line);
    if (failure === undefined) return;
    if (this.jsonEnabled()) process.exitCode = failure.exitCode;
    else throw failure;
  }
}

type FlashPlanJson = { readonly plan: ReturnType<typeof planJson> };

/** The plan without what the cards are to keep secret. */
function planJson({ cards, ...plan }: FlashPlan) {
  return {
    ...plan,
    cards: cards.map(({ device, path, personal }) => ({
      path,
      device: device.path,
      model: device.model,
      serial: device.serial,
      cid: device.cid,
      sizeBytes: device.sizeBytes,
      name: personal?.name,
      hostname: personal?.hostname,
      instanceId: personal?.instanceId,
    })),
  };
}
