import { Flags } from '@oclif/core';
import { KERNEL_FLAVOURS, KERNEL_SOURCES } from '../model/board.js';
import { formatSize } from '../model/bytes.js';
import { formatCommand } from '../model/command.js';
import { formatDuration } from '../model/duration.js';
import { formatKeyChange } from '../pipeline/explain.js';
import type { BuiltImage } from '../build/build-image.js';
import { buildImage } from '../build/build-image.js';
import type { ClaimedDevice } from '../drives/claim.js';
import { claimDevice } from '../drives/claim.js';
import type { BuildOptions } from '../build/build-options.js';
import { VIRTUAL_DISK_FORMATS } from '../outputs/virtual-disk.js';
import type { BuildPlan } from '../build/plan-build.js';
import { planBuild } from '../build/plan-build.js';
import type { BuildTarget } from '../build/write-target.js';
import { makeHostReady } from '../maintenance/doctor.js';
import { askRootPassphrase } from '../ui/ask-root-passphrase.js';
import { confirmFix } from '../ui/confirm.js';
import { confirmDeviceWrites } from '../ui/confirm-device.js';
import { ALLOW_BUILT_IN, ALLOW_LARGE } from '../ui/device-flags.js';
import type { DeviceWritePlan } from '../ui/describe-device.js';
import { describeDeviceWrite } from '../ui/describe-device.js';
import { describePlan } from '../ui/describe-plan.js';
import { systemFlag } from '../ui/system-flags.js';
import { seedFlags } from '../ui/seed-flags.js';
import { BaseCommand } from './base-command.js';

/** What the handling of --device needs of the flags. */
type DeviceFlags = {
  readonly board: string;
  readonly device?: string | undefined;
  readonly 'allow-large': boolean;
  readonly 'allow-built-in': boolean;
  readonly yes: boolean;
};

function deviceWrite(device: ClaimedDevice, flags: DeviceFlags): DeviceWritePlan {
  const writes = `the image of board ${flags.board}; its size is known when its parts are made`;
  return { device, path: flags.device ?? device.path, writes };
}

function optionalOutput(output: string | undefined): Pick<BuildOptions, 'output'> {
  return output === undefined ? {} : { output };
}

function targetOf(
  device: ClaimedDevice | undefined,
  flags: { readonly loop: boolean; readonly 'output-folder'?: string | undefined; readonly 'url-base'?: string | undefined },
): BuildTarget {
  if (device !== undefined) return { type: 'device', device };
  if (flags['output-folder'] === undefined) return { type: flags.loop ? 'loop' : 'file' };
  return { type: 'folder', base: flags['url-base']?.replace(/\/+$/, '') };
}

export default class Build extends BaseCommand {
  static override summary = 'Build the operating system image of a board';
  static override description = `Makes a bootable image: boot firmware, kernel, Debian root file system with Docker, and a cloud-init seed.
What did not change since the last build is taken from the store ($XDG_CACHE_HOME/reswarm-os).`;
  static override examples = [
    {
      description: 'Write it straight to a card: shows the drive and what is on it, then asks',
      command: 'sudo <%= config.bin %> build --board rpi4 --device /dev/sdb',
    },
    { description: 'Build an image for the Raspberry Pi 4', command: '<%= config.bin %> build --board rpi4' },
    {
      description: "Have a first image soon: Debian's own kernel, nothing is compiled for it",
      command: '<%= config.bin %> build --board rpi4 --kernel debian',
    },
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
      description: 'Pack it for a download page, with entries for Raspberry Pi Imager and other catalogues',
      command: '<%= config.bin %> build --board rpi4 --compress xz --url-base https://example.org/images',
    },
    {
      description: 'A system below 10 MB that lives in memory, on a disc for PCs',
      command: '<%= config.bin %> build --board pc-amd64 --system tiny --output tiny.iso',
    },
    {
      description: 'A folder from which devices start over the network',
      command: '<%= config.bin %> build --board rpi4 --system tiny --output-folder netboot',
    },
    {
      description: 'One workload and the files that it touches',
      command: '<%= config.bin %> build --board pc-amd64 --system minimal --workload node --output node.iso',
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
    ...systemFlag,
    output: Flags.string({
      char: 'o',
      description: 'image to write, a disc if it ends in .iso [default: ./reswarm-os-<board>.img]',
      helpValue: 'FILE',
    }),
    'output-folder': Flags.string({
      description: 'folder to write for network boot (PXE, iPXE, Raspberry Pi), instead of an image',
      helpValue: 'DIR',
      exclusive: ['output', 'device', 'loop', 'compress', 'format'],
    }),
    device: Flags.string({
      description: 'drive to write instead of a file; `reswarm-os devices` lists them',
      helpValue: '/dev/sdX',
      helpGroup: 'TARGET',
      exclusive: ['output', 'loop'],
    }),
    'allow-large': Flags.boolean({ ...ALLOW_LARGE, dependsOn: ['device'] }),
    'allow-built-in': Flags.boolean({ ...ALLOW_BUILT_IN, dependsOn: ['device'] }),
    loop: Flags.boolean({
      description: 'write the image file through a loop device, as root: the same bytes',
      helpGroup: 'TARGET',
    }),
    ...seedFlags,
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
    'update-keyring': Flags.string({
      description: 'certificates whose updates the devices take, for a system with two slots: root.pem of `keys new`',
      helpValue: 'FILE',
    }),
    software: Flags.string({
      description: 'YAML file that names programs of your own: pinned files and systemd units',
      multiple: true,
      helpValue: 'FILE',
      helpGroup: 'CONTENT',
    }),
    workload: Flags.string({
      description: 'what a minimal system runs: id of a workload, or the path of a workload file',
      helpValue: 'FILE',
      helpGroup: 'CONTENT',
    }),
    keep: Flags.string({
      description: 'files that the workload gets though its list does not have them',
      multiple: true,
      helpValue: 'GLOB',
      helpGroup: 'CONTENT',
      dependsOn: ['workload'],
    }),
    drop: Flags.string({
      description: 'files that the workload does not get, whatever its list says',
      multiple: true,
      helpValue: 'GLOB',
      helpGroup: 'CONTENT',
      dependsOn: ['workload'],
    }),
    kernel: Flags.option({
      options: KERNEL_SOURCES,
      description:
        "whose kernel: debian is Debian's own, ready at once; compiled is the board's [default: as the board says]",
      helpGroup: 'CONTENT',
    })(),
    'kernel-flavour': Flags.option({
      options: KERNEL_FLAVOURS,
      description: "flavour of the kernel instead of the board's: rt is PREEMPT_RT",
      helpGroup: 'CONTENT',
    })(),
    'root-key': Flags.string({
      description:
        'file with the passphrase or the key of an encrypted root, which only you can read; - is stdin [default: asks]',
      helpValue: 'FILE',
      helpGroup: 'CONTENT',
    }),
    compress: Flags.option({
      options: ['xz', 'zst', 'gz'] as const,
      exclusive: ['device'],
      description: 'also write the image packed, beside the image itself',
      helpGroup: 'OUTPUT',
    })(),
    format: Flags.option({
      options: VIRTUAL_DISK_FORMATS,
      exclusive: ['device'],
      description: 'also write the image as a disk for hypervisors, beside the image itself',
      helpGroup: 'OUTPUT',
    })(),
    'url-base': Flags.string({
      description: 'where others will fetch the image, for the entries of image catalogues [default: file://…]',
      helpValue: 'URL',
      helpGroup: 'OUTPUT',
      exclusive: ['device'],
    }),
    'dry-run': Flags.boolean({ description: 'print the plan (stages, keys, layout, commands) and write nothing' }),
    explain: Flags.boolean({ description: 'say why a stage runs again: what is different in its key' }),
    yes: Flags.boolean({
      char: 'y',
      description: 'do not ask: install missing host packages, overwrite the --device',
    }),
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
    const wanted: BuildOptions = {
      board: flags.board,
      system: flags.system,
      projectDir: this.config.root,
      ...optionalOutput(flags.output ?? flags['output-folder']),
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
      updateKeyring: flags['update-keyring'],
      workload: flags.workload,
      keep: flags.keep ?? [],
      drop: flags.drop ?? [],
      ...(flags.kernel === undefined ? {} : { kernelSource: flags.kernel }),
      ...(flags['kernel-flavour'] === undefined ? {} : { kernelFlavour: flags['kernel-flavour'] }),
      rootKey: flags['root-key'],
      askRootPassphrase,
      ...(flags.compress === undefined ? {} : { compression: flags.compress }),
      ...(flags.format === undefined ? {} : { format: flags.format }),
      ...(flags['url-base'] === undefined ? {} : { urlBase: flags['url-base'] }),
      accelerate: !flags.emulate,
      jobs: flags.jobs ?? this.host.facts.cpus,
      offline: flags.offline,
      refresh: flags.refresh,
      mirror: flags.mirror,
      sourceDateEpoch: process.env.SOURCE_DATE_EPOCH,
    };
    const device = await this.claim(flags);
    const target = targetOf(device, flags);
    const options: BuildOptions = { ...wanted, target };
    if (flags['dry-run'] && device !== undefined) {
      for (const line of describeDeviceWrite(deviceWrite(device, flags))) this.log(line);
    }
    if (flags['dry-run']) return this.showPlan(await planBuild(options, this.host), flags.explain);
    await makeHostReady(this.host, this.reporter, flags.yes ? undefined : confirmFix);
    if (device !== undefined) await this.confirm(device, flags);
    const built = await buildImage(options, this.host, this.reporter);
    await this.closeReporter();
    this.showImage(built, flags.explain, target.type);
    return built;
  }

  /** The drive named with --device, when it may be written to. */
  private async claim(flags: DeviceFlags): Promise<ClaimedDevice | undefined> {
    if (flags.device === undefined) return undefined;
    const allow = { allowLarge: flags['allow-large'], allowBuiltIn: flags['allow-built-in'] };
    // What is read while it is written lies in the store.
    return claimDevice(flags.device, { imagePaths: [this.host.facts.cacheDir], ...allow }, this.host);
  }

  private async confirm(device: ClaimedDevice, flags: DeviceFlags): Promise<void> {
    await confirmDeviceWrites([deviceWrite(device, flags)], {
      agreed: flags.yes,
      commandLine: formatCommand({ file: 'reswarm-os', args: ['build', ...this.argv, '--yes'] }),
      signal: this.host.signal,
    });
  }

  private showPlan(plan: BuildPlan, explain: boolean): BuildPlan {
    for (const line of describePlan(plan, explain)) this.log(line);
    return plan;
  }

  private showImage(built: BuiltImage, explain: boolean, type: BuildTarget['type']): void {
    if (explain) {
      for (const { stage, changes } of built.stages) {
        for (const change of changes) this.log(`${stage} ran because ${formatKeyChange(change)}`);
      }
    }
    const isDevice = type === 'device';
    if (type === 'folder') {
      this.showFolder(built);
      return;
    }
    const made = built.stages.filter(({ cached }) => !cached);
    this.log(built.unchanged ? 'Nothing changed: the image is up to date.' : 'Image built.');
    this.log('');
    this.log(`  image   ${built.image}${isDevice ? ' (a drive: every byte was read back)' : ''}`);
    this.log(
      `  size    ${formatSize(built.sizeBytes)} (${built.sizeBytes} bytes), ${formatSize(built.diskBytes)} on disk`,
    );
    this.log(`  sha256  ${built.sha256}`);
    const packed = built.files.filter(({ kind }) => kind === 'compressed');
    for (const { name, sizeBytes } of packed) this.log(`  packed  ${name}, ${formatSize(sizeBytes)}`);
    const disks = built.files.filter(({ kind }) => kind === 'virtual-disk');
    for (const { name, sizeBytes } of disks) this.log(`  disk    ${name}, ${formatSize(sizeBytes)}`);
    const map = built.files.filter(({ kind }) => kind === 'block-map').map(({ name }) => name);
    if (!isDevice) this.log(`  beside  ${[...map, ...built.described].join(', ')}`);
    for (const { stage, durationMs } of made) this.log(`  ${formatDuration(durationMs).padStart(11)}  ${stage}`);
    this.log(`  ${formatDuration(built.durationMs).padStart(11)}  in all`);
    this.log('');
    if (isDevice) return;
    this.log('Next: prove that it boots, without a Raspberry Pi:');
    this.log(`  ${formatCommand({ file: 'npx', args: ['reswarm-os', 'boot', built.image, '--check'] })}`);
  }

  private showFolder(built: BuiltImage): void {
    this.log(built.unchanged ? 'Nothing changed: the folder is up to date.' : 'Folder for network boot written.');
    this.log('');
    this.log(`  folder  ${built.image}`);
    this.log(`  size    ${formatSize(built.sizeBytes)} (${built.sizeBytes} bytes) in ${built.files.length} files`);
    this.log(`  sums    sha256sum --check ${built.described.at(-1) ?? ''}`);
    this.log(`  ${formatDuration(built.durationMs).padStart(11)}  in all`);
    this.log('');
    this.log('Next: prove that a machine without a drive boots from it:');
    this.log(`  ${formatCommand({ file: 'npx', args: ['reswarm-os', 'boot', built.image, '--check'] })}`);
  }
}
