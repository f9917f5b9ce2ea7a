import { join, resolve } from 'node:path';
import { Args, Flags } from '@oclif/core';
import { parseSize } from '../model/bytes.js';
import type { BootProof } from '../model/boot-proof.js';
import type { PortForward } from '../model/qemu.js';
import { MACHINE_NAMES } from '../model/qemu.js';
import { FIRMWARE_NAMES } from '../model/qemu-firmware.js';
import { NotProvenError, ReswarmError, UserError } from '../errors.js';
import { bootDisc, isDiscImage } from '../check/boot-disc.js';
import type { DiscCheckOptions } from '../check/check-disc.js';
import { checkDisc } from '../check/check-disc.js';
import type { FolderCheckOptions } from '../check/check-folder.js';
import { bootFolder, checkFolder } from '../check/check-folder.js';
import { NETWORK_LOADER_NAMES, NETWORK_SOURCES } from '../check/network-start.js';
import type { BootOptions } from '../check/boot-image.js';
import { bootImage, requireBootable } from '../check/boot-image.js';
import type { SshOptions } from '../check/ssh-into-image.js';
import type { UpdateFailure } from '../check/check-slots.js';
import { checkSlots, UPDATE_FAILURES } from '../check/check-slots.js';
import { sshIntoImage } from '../check/ssh-into-image.js';
import { checkBoot, firstFailure } from '../check/check-boot.js';
import { describeProof } from '../ui/describe-proof.js';
import { readSecretFile } from '../host/secret-file.js';
import { isFolder } from '../images/network-folder.js';
import { homeFolder } from '../host/read-facts.js';
import { BaseCommand } from './base-command.js';

export default class Boot extends BaseCommand {
  static override summary = 'Start an image in QEMU, or prove with --check that it works';
  static override description = `Starts the image itself: its own kernel, command line and seed, read out of its boot partition.
What it writes goes to a throwaway card, or with --snapshot to one that is kept; the image is never changed.
The image may be packed (xz, zstd, gzip), or a card's device, which is only read. Ctrl-a x ends an interactive machine.
Exit codes of --check: 0 the image works, 1 it does not, 3 not proven: this machine was too slow or too busy to say.`;
  static override examples = [
    { description: 'Prove that an image boots', command: '<%= config.bin %> boot reswarm-os-rpi4.img --check' },
    {
      description: 'The same on a Raspberry Pi 3 as QEMU knows it, with the shipped device tree',
      command: '<%= config.bin %> boot reswarm-os-rpi3.img --check --machine raspi3b',
    },
    {
      description: "On QEMU's Raspberry Pi 4, with a copy of the shipped device tree changed for it",
      command: '<%= config.bin %> boot reswarm-os-rpi4.img --check --machine raspi4b',
    },
    {
      description: 'Look around in it on its console',
      command: '<%= config.bin %> boot reswarm-os-rpi4.img --ssh-port 2222 --forward 8080:80',
    },
    {
      description: 'A PC without a drive that starts from a folder for network boot, by UEFI',
      command: '<%= config.bin %> boot netboot --check --firmware uefi',
    },
    { description: 'Log in by ssh', command: '<%= config.bin %> boot reswarm-os-rpi4.img --ssh' },
    {
      description: 'Prove that an image with two slots takes an update as a Raspberry Pi would start it',
      command: '<%= config.bin %> boot reswarm-os-rpi4.img --check --firmware-model --update new.raucb',
    },
    {
      description: 'Run a command in it, and keep what it changes for the next time',
      command: "<%= config.bin %> boot reswarm-os-rpi4.img --ssh --run 'docker info' --snapshot keep",
    },
  ];

  static override args = {
    image: Args.string({
      required: true,
      description: 'image file, packed or not, a block device, or a folder for network boot',
    }),
  };

  static override flags = {
    check: Flags.boolean({ description: 'wait for proof that all of it works, power off, and say how it went' }),
    machine: Flags.option({
      options: MACHINE_NAMES,
      description:
        'machine to be: virt is fast, raspi3b and raspi4b are Raspberry Pis as QEMU knows them, q35 is a PC [default: virt, or q35 for the kernel of a PC]',
    })(),
    firmware: Flags.option({
      options: FIRMWARE_NAMES,
      description:
        'start a PC image by its own boot loader, from SeaBIOS or from OVMF [default: QEMU is given its kernel]',
    })(),
    'firmware-model': Flags.boolean({
      description:
        'play the firmware of a Raspberry Pi for an image with two slots: autoboot.txt, config.txt, tryboot, watchdog',
      dependsOn: ['check'],
    }),
    update: Flags.string({
      description: 'with --firmware-model: install this bundle on the way, and prove that it stays',
      helpValue: 'FILE.raucb',
      dependsOn: ['firmware-model'],
    }),
    fail: Flags.option({
      options: UPDATE_FAILURES,
      description: 'with --update: make it fail, and prove that the old slot comes back with the reason',
      dependsOn: ['update'],
    })(),
    from: Flags.option({
      options: NETWORK_SOURCES,
      description:
        'of a folder for network boot: how kernel and archives come into the machine [default: http on q35, else initrd]',
    })(),
    loader: Flags.option({
      options: NETWORK_LOADER_NAMES,
      description: 'of such a folder: what the PC fetches first [default: ipxe, or grub with --firmware uefi]',
    })(),
    as: Flags.string({
      description: 'of such a folder: be this device, which has a folder of its own there',
      helpValue: 'NAME',
    }),
    usb: Flags.boolean({ description: 'the ISO is written to a USB stick [default: it lies in a CD drive]' }),
    'device-tree': Flags.string({
      description: 'device tree of the image to start raspi3b with [default: the first that fits]',
      helpValue: 'NAME.dtb',
    }),
    memory: Flags.string({ description: 'memory of virt and q35', helpValue: '1G' }),
    cpus: Flags.integer({
      description: 'processors of virt and q35 [default: as many as here, at most 4]',
      min: 1,
      max: 8,
    }),
    'ssh-port': Flags.integer({
      description:
        'port on 127.0.0.1 that leads to the ssh server in the image [default: a free one, not with --check]',
      min: 1,
      max: 65_535,
    }),
    forward: Flags.string({
      description: 'port on 127.0.0.1 that leads to a TCP port of the image; can be repeated',
      helpValue: 'HOST:GUEST',
      multiple: true,
      default: [],
    }),
    ssh: Flags.boolean({
      description: 'log in by ssh as the first user whose key is here, and end the machine afterwards',
      exclusive: ['check'],
    }),
    run: Flags.string({
      description: 'with --ssh: run this instead of a shell; its exit code is ours',
      helpValue: 'COMMAND',
      dependsOn: ['ssh'],
    }),
    identity: Flags.string({
      description: 'with --ssh: private key [default: the one in ~/.ssh that the seed knows]',
      helpValue: 'FILE',
      dependsOn: ['ssh'],
    }),
    snapshot: Flags.string({
      description: 'keep the card in this file and go on from it next time; "keep": beside the image',
      helpValue: 'keep|FILE',
    }),
    timeout: Flags.integer({
      description:
        'give up when the machine had so many seconds of a processor, or slept so long [default: 300 on virt and q35, 900 on the others]; with --check or --ssh',
      min: 1,
    }),
    log: Flags.string({ description: 'keep the whole console in this file', helpValue: 'FILE', dependsOn: ['check'] }),
    'root-key': Flags.string({
      description: 'with --check: file with the passphrase of an encrypted root; - is stdin',
      helpValue: 'FILE',
      dependsOn: ['check'],
    }),
    profile: Flags.boolean({
      description: 'also ask systemd-analyze where the time went; takes longer',
      dependsOn: ['check'],
    }),
    offline: Flags.boolean({ description: 'use no network to make the tools: they must be in the store' }),
    mirror: Flags.string({
      description: 'Debian mirror for the tools [default: the one mmdebstrap knows]',
      env: 'RESWARM_DEBIAN_MIRROR',
      helpValue: 'URL',
    }),
  };

  protected override readonly streamsEvents = true;

  async run(): Promise<BootProof | { exitCode: number }> {
    const { args, flags } = await this.parse(Boot);
    const options: BootOptions = {
      image: args.image,
      offline: flags.offline,
      ...(flags.machine === undefined ? {} : { machine: flags.machine }),
      ...(flags.firmware === undefined ? {} : { firmware: flags.firmware }),
      ...(flags.memory === undefined ? {} : { memoryBytes: memoryOf(flags.memory) }),
      ...(flags['device-tree'] === undefined ? {} : { deviceTree: flags['device-tree'] }),
      ...(flags.cpus === undefined ? {} : { cpus: flags.cpus }),
      ...(flags['ssh-port'] === undefined ? {} : { sshPort: flags['ssh-port'] }),
      forwards: flags.forward.map(forwardOf),
      ...(flags.snapshot === undefined ? {} : { snapshot: snapshotPath(flags.snapshot, args.image) }),
      ...(flags.mirror === undefined ? {} : { mirror: flags.mirror }),
    };
    if (await isFolder(args.image)) return this.folder(options, flags);
    refuseFolderFlags(args.image, flags);
    if (await isDiscImage(args.image, this.host)) {
      const ofCheck = {
        ...(flags.timeout === undefined ? {} : { timeoutSeconds: flags.timeout }),
        ...(flags.log === undefined ? {} : { logFile: flags.log }),
      };
      return this.disc({ ...options, ...ofCheck, usb: flags.usb }, flags);
    }
    if (flags.usb) {
      throw new UserError('usb-needs-disc', `${args.image} is no ISO: --usb is for those`, {
        hints: ['Leave --usb out: the image is on a card of its own.'],
      });
    }
    if (flags['firmware-model']) {
      return this.slots(
        {
          ...options,
          projectDir: this.config.root,
          ...(flags.timeout === undefined ? {} : { timeoutSeconds: flags.timeout }),
          ...(flags.log === undefined ? {} : { logFile: flags.log }),
        },
        flags.update,
        flags.fail,
      );
    }
    if (flags.check) {
      return this.check({
        ...options,
        projectDir: this.config.root,
        profile: flags.profile,
        rootPassphrase:
          flags['root-key'] === undefined ? undefined : await readSecretFile(flags['root-key'], process.cwd()),
        ...(flags.timeout === undefined ? {} : { timeoutSeconds: flags.timeout }),
        ...(flags.log === undefined ? {} : { logFile: flags.log }),
      });
    }
    if (flags.ssh && (flags.run !== undefined || (process.stdin.isTTY && !this.jsonEnabled()))) {
      return this.exitAs(await sshIntoImage(this.sshOptions(options, flags), this.host, this.reporter));
    }
    if (this.jsonEnabled() || !process.stdin.isTTY) {
      await requireBootable(args.image, this.host);
      throw new UserError('no-terminal', 'Without --check the image is started on a terminal, and this is none', {
        hints: [flags.ssh ? "Add a command for it: --run 'docker info'." : 'Add --check.'],
      });
    }
    return this.exitAs(await bootImage(options, this.host, this.reporter));
  }

  /** A disc's firmware starts it: on a terminal, or to prove that it works. */
  private async disc(options: DiscCheckOptions, flags: { check: boolean; ssh: boolean }) {
    if (flags.ssh) {
      throw new UserError('disc-without-ssh', `${options.image} is an ISO: --ssh is for images of cards`, {
        hints: ['--ssh-port PORT leads to its ssh server.'],
      });
    }
    if (flags.check) return this.show(await checkDisc(options, this.host, this.reporter), options.logFile);
    if (this.jsonEnabled() || !process.stdin.isTTY) {
      throw new UserError('no-terminal', 'An ISO is started on a terminal, and this is none');
    }
    return this.exitAs(await bootDisc(options, this.host, this.reporter));
  }

  /** A machine without any drive: on a terminal, or to prove that it works. */
  private async folder(options: BootOptions, flags: FolderFlags) {
    refuseCardFlags(options.image, flags);
    const ofFolder: FolderCheckOptions = {
      ...options,
      ...(flags.from === undefined ? {} : { from: flags.from }),
      ...(flags.loader === undefined ? {} : { loader: flags.loader }),
      ...(flags.as === undefined ? {} : { device: flags.as }),
      ...(flags.timeout === undefined ? {} : { timeoutSeconds: flags.timeout }),
      ...(flags.log === undefined ? {} : { logFile: resolve(flags.log) }),
    };
    if (flags.check) {
      const proof = await checkFolder(ofFolder, this.host, this.reporter);
      if (proof.fetched.length > 0) await this.closeReporter();
      if (proof.fetched.length > 0) this.log(`Fetched by HTTP: ${proof.fetched.join(', ')}`);
      return this.show(proof, flags.log);
    }
    if (this.jsonEnabled() || !process.stdin.isTTY) {
      throw new UserError('no-terminal', 'Without --check the folder is started on a terminal, and this is none', {
        hints: ['Add --check.'],
      });
    }
    return this.exitAs(await bootFolder(ofFolder, this.host, this.reporter));
  }

  private exitAs(exit: { exitCode: number }): { exitCode: number } {
    process.exitCode = exit.exitCode;
    return exit;
  }

  private sshOptions(options: BootOptions, flags: { run?: string; identity?: string; timeout?: number }): SshOptions {
    const passedOn = ['TERM', 'COLORTERM', 'SSH_AUTH_SOCK'].flatMap((name): [string, string][] => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    });
    return {
      ...options,
      keyFolder: join(homeFolder(process.env), '.ssh'),
      environment: Object.fromEntries(passedOn),
      ...(flags.run === undefined ? {} : { command: flags.run }),
      ...(flags.identity === undefined ? {} : { identity: resolve(flags.identity) }),
      ...(flags.timeout === undefined ? {} : { timeoutSeconds: flags.timeout }),
    };
  }

  private async check(options: Parameters<typeof checkBoot>[0]): Promise<BootProof> {
    return this.show(await checkBoot(options, this.host, this.reporter), options.logFile);
  }

  /** An image with two slots, started as by a Raspberry Pi. */
  private async slots(
    options: Parameters<typeof checkBoot>[0],
    update: string | undefined,
    fail: UpdateFailure | undefined,
  ): Promise<BootProof> {
    const asked = {
      ...options,
      ...(update === undefined ? {} : { update: resolve(update) }),
      ...(fail === undefined ? {} : { fail }),
    };
    return this.show(await checkSlots(asked, this.host, this.reporter), options.logFile);
  }

  private async show(proof: BootProof, logFile: string | undefined): Promise<BootProof> {
    await this.closeReporter();
    for (const line of describeProof(proof)) this.log(line);
    if (proof.passed) return proof;
    const failure = failureOf(proof, logFile);
    if (!this.jsonEnabled()) throw failure;
    process.exitCode = failure.exitCode;
    return proof;
  }
}

type FolderFlags = {
  readonly check: boolean;
  readonly ssh: boolean;
  readonly usb: boolean;
  readonly profile: boolean;
  readonly snapshot?: string | undefined;
  readonly from?: (typeof NETWORK_SOURCES)[number] | undefined;
  readonly loader?: (typeof NETWORK_LOADER_NAMES)[number] | undefined;
  readonly as?: string | undefined;
  readonly timeout?: number | undefined;
  readonly log?: string | undefined;
};

/** Throws UserError `only-for-network-folder`. */
function refuseFolderFlags(image: string, flags: Pick<FolderFlags, 'from' | 'loader' | 'as'>): void {
  const given = (['from', 'loader', 'as'] as const).filter((name) => flags[name] !== undefined);
  if (given.length === 0) return;
  const names = given.map((name) => `--${name}`).join(' and ');
  throw new UserError('only-for-network-folder', `${image} is no folder for network boot: ${names} is for those`, {
    hints: ['Make one with `reswarm-os build --output-folder DIR`, or leave it out.'],
  });
}

/** Throws UserError `not-for-network-folder`. */
function refuseCardFlags(folder: string, flags: FolderFlags): void {
  const given = (['ssh', 'usb', 'profile', 'snapshot'] as const).filter(
    (name) => flags[name] !== undefined && flags[name] !== false,
  );
  if (given.length === 0) return;
  const names = given.map((name) => `--${name}`).join(' and ');
  throw new UserError('not-for-network-folder', `${folder} is a folder for network boot: ${names} is for images`, {
    hints: given.includes('ssh') ? ['--ssh-port PORT leads to its ssh server.'] : ['Leave it out.'],
  });
}

function failureOf(proof: BootProof, logFile: string | undefined): ReswarmError {
  const text = firstFailure(proof)?.text ?? proof.stopped?.detail ?? 'The check failed';
  const details = [
    ...(proof.waitingFor.length === 0 ? [] : ['The device was waiting for:', ...proof.waitingFor]),
    // After a power-off in good order the console's end tells how it powered off, not what was wrong.
    ...(proof.stopped === undefined ? proof.failedUnits : ['The console ended with:', ...proof.consoleTail]),
  ];
  const log = logFile === undefined ? ['Keep the whole console with --log FILE.'] : [];
  if (proof.verdict !== 'not-proven') return new ReswarmError('boot-check-failed', text, { details, hints: log });
  const hint = 'Try again when this machine has less to do, or allow more with --timeout SECONDS.';
  return new NotProvenError('boot-not-proven', `Not proven, this machine was too slow. ${text}`, {
    details,
    hints: [hint, ...log],
  });
}

function forwardOf(text: string): PortForward {
  const match = /^(\d{1,5}):(\d{1,5})$/.exec(text);
  const [hostPort, guestPort] = [Number(match?.[1]), Number(match?.[2])];
  const isPort = (port: number): boolean => port >= 1 && port <= 65_535;
  if (isPort(hostPort) && isPort(guestPort)) return { hostPort, guestPort };
  throw new UserError('bad-forward', `"${text}" is no pair of ports`, {
    hints: ["The port here, a colon, the image's port: --forward 8080:80."],
  });
}

/** `keep` lies beside the image under its name. */
function snapshotPath(text: string, image: string): string {
  return resolve(text === 'keep' ? `${image}.snapshot.qcow2` : text);
}

function memoryOf(text: string): number {
  const bytes = parseSize(text);
  if (bytes !== undefined && bytes >= 16 * 2 ** 20) return bytes;
  throw new UserError('bad-memory', `"${text}" is no memory size of 16M or more`, { hints: ['For example 1G.'] });
}
