import { resolve } from 'node:path';
import { Args, Flags } from '@oclif/core';
import { UserError } from '../../errors.js';
import { recordPathOf } from '../../fleet/fleet-record.js';
import { fleetDevices } from '../../fleet/remote/fleet-devices.js';
import type { PushedUpdate, PushOutcome } from '../../fleet/remote/push-device.js';
import type { PushedFleet } from '../../fleet/remote/push-fleet.js';
import { pushToFleet } from '../../fleet/remote/push-fleet.js';
import { bundleToPush, urlToPush } from '../../fleet/remote/pushed-update.js';
import { recordOutcome } from '../../fleet/remote/record-outcome.js';
import type { SshDevice } from '../../fleet/remote/ssh-device.js';
import { parseHost } from '../../fleet/remote/ssh-device.js';
import { parseWave } from '../../fleet/remote/waves.js';
import { obtainUpdateTree } from '../../tools/obtain-tools.js';
import { describeOutcome, describePush } from '../../ui/describe-push.js';
import { signingFlags } from '../../ui/key-flags.js';
import { addressFlags, sshFlags, sshSettings } from '../../ui/ssh-flags.js';
import { BaseCommand } from '../base-command.js';

const MINUTE_MS = 60_000;

export default class UpdatePush extends BaseCommand {
  static override summary = 'Install an update on devices over ssh, wave by wave';
  static override description = `Copies the bundle to each device (or has it fetch a URL), installs it into the other slot, restarts the device and waits
until it has decided whether it keeps the update. When more devices of a wave fail than --max-failures, no other device
begins. A device that fails runs what it ran before. Exits with 1 when a device failed.`;
  static override strict = false;
  static override args = {
    host: Args.string({ description: '[user@]host[:port] of each device; or --fleet' }),
  };
  static override flags = {
    bundle: Flags.string({ description: 'bundle to copy', helpValue: 'FILE.raucb', exclusive: ['url'] }),
    url: Flags.string({ description: 'address that the devices fetch the bundle from', helpValue: 'URL' }),
    keyring: Flags.string({
      description: 'check the bundle with these root certificates first',
      helpValue: 'FILE',
      dependsOn: ['bundle'],
    }),
    fleet: Flags.string({
      description: 'all devices of a fleet; outcomes go into its record',
      helpValue: 'FILE',
    }),
    record: Flags.string({ description: 'record to note outcomes in [default: that of the fleet]', helpValue: 'FILE' }),
    wave: Flags.string({
      description:
        'how many devices have it after a wave: a number or a share; once for each wave [default: all at once]',
      multiple: true,
      multipleNonGreedy: true,
      default: [],
      helpValue: 'N|N%',
    }),
    'max-failures': Flags.integer({ description: 'devices that may fail', default: 0, min: 0, helpValue: 'N' }),
    'no-restart': Flags.boolean({ description: 'only install: the next restart of a device is the trial' }),
    force: Flags.boolean({ description: 'also an older version, or the one that runs' }),
    patience: Flags.integer({
      description: 'minutes to wait for restart and trial of a device',
      default: 25,
      min: 1,
      helpValue: 'MINUTES',
    }),
    ...sshFlags,
    ...addressFlags,
    ...signingFlags,
  };
  static override examples = [
    '<%= config.bin %> update push ada@gate-1.local --bundle gates-1.0.1.raucb',
    {
      description: 'One device, then a tenth, then all; stop when two have failed',
      command:
        '<%= config.bin %> update push --fleet gates.yaml --domain .local --bundle gates-1.0.1.raucb --wave 1 --wave 10% --max-failures 1',
    },
    '<%= config.bin %> update push gate-1 gate-2 --url https://updates.example.org/gates-1.0.1.raucb --no-restart',
  ];

  protected override readonly streamsEvents = true;

  async run(): Promise<PushedFleet> {
    const { flags, argv } = await this.parse(UpdatePush);
    const waves = flags.wave.map(parseWave);
    const devices = await this.devicesOf(argv as string[], flags);
    const record = flags.record ?? (flags.fleet === undefined ? undefined : recordPathOf(flags.fleet));
    const options = {
      devices,
      waves,
      update: await this.updateOf(flags),
      ssh: sshSettings(flags),
      restart: !flags['no-restart'],
      force: flags.force,
      patienceMs: flags.patience * MINUTE_MS,
      maxFailures: flags['max-failures'],
      jobs: flags.jobs,
    };
    const pushed = await pushToFleet(options, this.host, {
      wave: (number, of, count) => {
        this.tell(`wave ${number} of ${of}: ${count} ${count === 1 ? 'device' : 'devices'}`);
      },
      step: (device, text) => {
        this.tell(`${device}: ${text}`);
      },
      done: async (outcome: PushOutcome) => {
        this.tell(describeOutcome(outcome));
        if (record !== undefined) await recordOutcome(resolve(record), outcome, new Date(), this.host.signal);
      },
    });
    await this.closeReporter();
    for (const line of describePush(pushed)) this.log(line);
    if (pushed.outcomes.some(({ outcome }) => outcome === 'failed')) process.exitCode = 1;
    return pushed;
  }

  private tell(text: string): void {
    this.reporter.emit({ type: 'notice', text });
  }

  private async devicesOf(
    hosts: readonly string[],
    flags: {
      readonly fleet: string | undefined;
      readonly domain: string;
      readonly address: readonly string[];
      readonly user: string | undefined;
      readonly port: number | undefined;
    },
  ): Promise<readonly SshDevice[]> {
    const { fleet, domain, address: addresses, user, port } = flags;
    if ((fleet === undefined) === (hosts.length === 0)) {
      throw new UserError('push-hosts', 'Name the devices to update, or a fleet with --fleet, and not both', {
        hints: ['For example: reswarm-os update push gate-1.local --bundle gates-1.0.1.raucb'],
      });
    }
    if (fleet !== undefined) return fleetDevices(fleet, { domain, addresses, user, port });
    const base = { ...(user === undefined ? {} : { user }), ...(port === undefined ? {} : { port }) };
    return hosts.map((host) => ({ ...base, ...parseHost(host) }));
  }

  private async updateOf(flags: {
    readonly bundle: string | undefined;
    readonly url: string | undefined;
    readonly keyring: string | undefined;
    readonly offline: boolean;
    readonly mirror: string | undefined;
  }): Promise<PushedUpdate> {
    if (flags.url !== undefined) return urlToPush(flags.url);
    if (flags.bundle === undefined) {
      throw new UserError('push-bundle', 'Nothing is named that the devices shall get', {
        hints: ['--bundle FILE.raucb copies a file, --url URL lets them fetch one.'],
      });
    }
    const tools = await obtainUpdateTree(flags, this.host, this.reporter);
    return bundleToPush(flags.bundle, flags.keyring, tools, this.host);
  }
}
