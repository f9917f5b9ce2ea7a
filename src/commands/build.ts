import { Flags } from '@oclif/core';
import { formatSize } from '../domain/bytes.js';
import { formatCommand } from '../domain/command.js';
import { formatDuration } from '../domain/duration.js';
import { formatKeyChange } from '../pipeline/explain.js';
import type { BuiltImage } from '../services/build-image.js';
import { buildImage } from '../services/build-image.js';
import type { BuildOptions } from '../services/build-request.js';
import type { BuildPlan } from '../services/plan-build.js';
import { planBuild } from '../services/plan-build.js';
import { assertHostReady, installMissing } from '../services/doctor.js';
import { confirmFix } from '../ui/confirm.js';
import { describePlan } from '../ui/describe-plan.js';
import { BaseCommand } from './base-command.js';

export default class Build extends BaseCommand {
  static override summary = 'Build the operating system image of a board';
  static override description = `Makes a bootable image: boot firmware, kernel, Debian root file system with Docker, and a cloud-init seed.
What did not change since the last build is taken from the store ($XDG_CACHE_HOME/reswarm-os).`;
  static override examples = [
    { description: 'Build an image for the Raspberry Pi 4', command: '<%= config.bin %> build --board rpi4' },
    {
      description: 'Give the device its own name and your ssh key',
      command: '<%= config.bin %> build --board rpi4 --hostname gate-7 --ssh-key ~/.ssh/id_ed25519.pub',
    },
    {
      description: 'Use your own cloud-init files and add packages',
      command: '<%= config.bin %> build --board rpi4 --user-data user-data.yaml --packages vim,tcpdump',
    },
    {
      description: 'Add a container image and a program of your own',
      command: '<%= config.bin %> build --board rpi4 --docker-image app.tar --software agent.yaml',
    },
    {
      description: 'See what would be done and why',
      command: '<%= config.bin %> build --board rpi4 --dry-run --explain',
    },
  ];

  static override flags = {
    board: Flags.string({
      char: 'b',
      required: true,
      description: 'board id, or the path of a board definition',
      helpValue: 'rpi4',
    }),
    output: Flags.string({
      char: 'o',
      description: 'image to write [default: ./reswarm-os-<board>.img]',
      helpValue: 'FILE',
    }),
    'user-data': Flags.string({
      description: 'cloud-init user-data of this device',
      helpValue: 'FILE',
      helpGroup: 'SEED',
    }),
    'meta-data': Flags.string({ description: 'cloud-init meta-data', helpValue: 'FILE', helpGroup: 'SEED' }),
    'network-config': Flags.string({ description: 'cloud-init network-config', helpValue: 'FILE', helpGroup: 'SEED' }),
    hostname: Flags.string({ description: 'name of the device', helpGroup: 'SEED' }),
    'ssh-key': Flags.string({
      description: 'public key that may log in as the default user: a file, or the key itself',
      multiple: true,
      helpValue: 'FILE|KEY',
      helpGroup: 'SEED',
    }),
    packages: Flags.string({
      description: 'Debian packages to add, separated by commas',
      multiple: true,
      delimiter: ',',
      helpValue: 'NAME,NAME',
      helpGroup: 'CONTENT',
    }),
    overlay: Flags.string({
      description: 'folder to copy over the root file system; owned by root afterwards, modes as they are',
      multiple: true,
      helpValue: 'DIR',
      helpGroup: 'CONTENT',
    }),
    docker: Flags.string({
      description: "source of the container engine, instead of the board's: debian, static, containerd, podman, none",
      helpValue: 'SOURCE',
      helpGroup: 'CONTENT',
    }),
    'docker-image': Flags.string({
      description: 'container image that the device has from the start: an archive of `docker save`',
      multiple: true,
      helpValue: 'FILE',
      helpGroup: 'CONTENT',
    }),
    software: Flags.string({
      description: 'YAML file that names programs of your own: pinned files and systemd units',
      multiple: true,
      helpValue: 'FILE',
      helpGroup: 'CONTENT',
    }),
    'dry-run': Flags.boolean({ description: 'print the plan (stages, keys, layout, commands) and write nothing' }),
    explain: Flags.boolean({ description: 'say why a stage runs again: what is different in its key' }),
    yes: Flags.boolean({ char: 'y', description: 'install missing host packages without asking' }),
    jobs: Flags.integer({ char: 'j', description: 'processes of the kernel compile [default: all cores]', min: 1 }),
    emulate: Flags.boolean({
      description: 'run all maintainer scripts by emulated programs: slower, for comparison with the usual way',
    }),
    offline: Flags.boolean({ description: 'use no network: everything must be in the store' }),
    refresh: Flags.boolean({ description: 'look for newer packages in the Debian archive', exclusive: ['offline'] }),
    mirror: Flags.string({
      description: 'Debian mirror [default: the one mmdebstrap knows]',
      env: 'RESWARM_DEBIAN_MIRROR',
      helpValue: 'URL',
    }),
  };

  protected override readonly streamsEvents = true;

  async run(): Promise<BuiltImage | BuildPlan> {
    const { flags } = await this.parse(Build);
    const options: BuildOptions = {
      board: flags.board,
      projectDir: this.config.root,
      ...(flags.output === undefined ? {} : { output: flags.output }),
      workingFolder: process.cwd(),
      seed: {
        userData: flags['user-data'],
        metaData: flags['meta-data'],
        networkConfig: flags['network-config'],
        hostname: flags.hostname,
        sshKeys: flags['ssh-key'] ?? [],
      },
      packages: flags.packages ?? [],
      overlays: flags.overlay ?? [],
      docker: flags.docker,
      dockerImages: flags['docker-image'] ?? [],
      software: flags.software ?? [],
      accelerate: !flags.emulate,
      jobs: flags.jobs ?? this.host.facts.cpus,
      offline: flags.offline,
      refresh: flags.refresh,
      mirror: flags.mirror,
      sourceDateEpoch: process.env.SOURCE_DATE_EPOCH,
    };
    if (flags['dry-run']) return this.showPlan(await planBuild(options, this.host, this.reporter), flags.explain);
    assertHostReady(await installMissing(this.host, this.reporter, flags.yes ? undefined : confirmFix));
    const built = await buildImage(options, this.host, this.reporter);
    await this.closeReporter();
    this.showImage(built, flags.explain);
    return built;
  }

  private showPlan(plan: BuildPlan, explain: boolean): BuildPlan {
    for (const line of describePlan(plan, explain)) this.log(line);
    return plan;
  }

  private showImage(built: BuiltImage, explain: boolean): void {
    if (explain) {
      for (const { stage, changes } of built.stages) {
        for (const change of changes) this.log(`${stage} ran because ${formatKeyChange(change)}`);
      }
    }
    const made = built.stages.filter(({ cached }) => !cached);
    this.log(built.unchanged ? 'Nothing changed: the image is up to date.' : 'Image built.');
    this.log('');
    this.log(`  image   ${built.image}`);
    this.log(
      `  size    ${formatSize(built.sizeBytes)} (${built.sizeBytes} bytes), ${formatSize(built.diskBytes)} on disk`,
    );
    this.log(`  sha256  ${built.sha256}`);
    for (const { stage, durationMs } of made) this.log(`  ${formatDuration(durationMs).padStart(11)}  ${stage}`);
    this.log(`  ${formatDuration(built.durationMs).padStart(11)}  in all`);
    this.log('');
    this.log('Next: prove that it boots, without a Raspberry Pi:');
    this.log(`  ${formatCommand({ file: 'npx', args: ['reswarm-os', 'boot', built.image, '--check'] })}`);
  }
}
