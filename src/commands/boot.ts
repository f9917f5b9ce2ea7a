import { Args, Flags } from '@oclif/core';
import { parseSize } from '../domain/bytes.js';
import type { BootProof } from '../domain/boot-proof.js';
import type { MachineName } from '../domain/qemu.js';
import { MACHINE_NAMES } from '../domain/qemu.js';
import { ReswarmError, UserError } from '../errors.js';
import type { BootOptions } from '../services/boot-image.js';
import { bootImage } from '../services/boot-image.js';
import { checkBoot, firstFailure } from '../services/check-boot.js';
import { describeProof } from '../ui/describe-proof.js';
import { BaseCommand } from './base-command.js';

export default class Boot extends BaseCommand {
  static override summary = 'Start an image in QEMU, or prove with --check that it works';
  static override description = `Starts the image itself: its own kernel, command line and seed, read out of its boot partition.
What it writes goes to a throwaway card; the image is never changed. Ctrl-a x ends an interactive machine.`;
  static override examples = [
    { description: 'Prove that an image boots', command: '<%= config.bin %> boot reswarm-os-rpi4.img --check' },
    {
      description: 'The same on a Raspberry Pi 3 as QEMU knows it, with the shipped device tree',
      command: '<%= config.bin %> boot reswarm-os-rpi3.img --check --machine raspi3b',
    },
    {
      description: 'Look around in it, with its ssh server at port 2222',
      command: '<%= config.bin %> boot reswarm-os-rpi4.img --ssh-port 2222',
    },
  ];

  static override args = { image: Args.string({ required: true, description: 'image file, not compressed' }) };

  static override flags = {
    check: Flags.boolean({ description: 'wait for proof that all of it works, power off, and say how it went' }),
    machine: Flags.option({
      options: MACHINE_NAMES,
      default: 'virt' as MachineName,
      description: 'machine to be: virt is fast, raspi3b is a Raspberry Pi 3',
    })(),
    'device-tree': Flags.string({
      description: 'device tree of the image to start raspi3b with [default: the first that fits]',
      helpValue: 'NAME.dtb',
    }),
    memory: Flags.string({ description: 'memory of virt', helpValue: '1G' }),
    cpus: Flags.integer({ description: 'processors of virt [default: as many as here, at most 4]', min: 1, max: 8 }),
    'ssh-port': Flags.integer({
      description: 'port on 127.0.0.1 that leads to the ssh server in the image',
      min: 1,
      max: 65_535,
    }),
    timeout: Flags.integer({
      description: 'give up after this many seconds [default: 300 on virt, 900 on raspi3b]',
      min: 1,
      dependsOn: ['check'],
    }),
    log: Flags.string({ description: 'keep the whole console in this file', helpValue: 'FILE', dependsOn: ['check'] }),
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
      machine: flags.machine,
      offline: flags.offline,
      ...(flags.memory === undefined ? {} : { memoryBytes: memoryOf(flags.memory) }),
      ...(flags['device-tree'] === undefined ? {} : { deviceTree: flags['device-tree'] }),
      ...(flags.cpus === undefined ? {} : { cpus: flags.cpus }),
      ...(flags['ssh-port'] === undefined ? {} : { sshPort: flags['ssh-port'] }),
      ...(flags.mirror === undefined ? {} : { mirror: flags.mirror }),
    };
    if (flags.check) {
      return this.check({
        ...options,
        profile: flags.profile,
        ...(flags.timeout === undefined ? {} : { timeoutSeconds: flags.timeout }),
        ...(flags.log === undefined ? {} : { logFile: flags.log }),
      });
    }
    if (this.jsonEnabled() || !process.stdin.isTTY) {
      throw new UserError('no-terminal', 'Without --check the image is started on a terminal, and this is none', {
        hints: ['Add --check.'],
      });
    }
    const exit = await bootImage(options, this.host, this.reporter);
    process.exitCode = exit.exitCode;
    return exit;
  }

  private async check(options: Parameters<typeof checkBoot>[0]): Promise<BootProof> {
    const proof = await checkBoot(options, this.host, this.reporter);
    await this.closeReporter();
    for (const line of describeProof(proof)) this.log(line);
    const failure = firstFailure(proof);
    if (!proof.passed && this.jsonEnabled()) process.exitCode = 1;
    else if (!proof.passed) {
      throw new ReswarmError('boot-check-failed', failure?.text ?? proof.stopped?.detail ?? 'The check failed', {
        // After a power-off in good order the console's end tells how it powered off, not what was wrong.
        details: proof.stopped === undefined ? proof.failedUnits : ['The console ended with:', ...proof.consoleTail],
        hints: options.logFile === undefined ? ['Keep the whole console with --log FILE.'] : [],
      });
    }
    return proof;
  }
}

function memoryOf(text: string): number {
  const bytes = parseSize(text);
  if (bytes !== undefined && bytes >= 256 * 2 ** 20) return bytes;
  throw new UserError('bad-memory', `"${text}" is no memory size of 256M or more`, { hints: ['For example 1G.'] });
}
