import { Flags } from '@oclif/core';
import type { BuildOptions } from '../build/build-options.js';
import type { KernelFlavour, KernelSource } from '../model/board.js';
import { KERNEL_FLAVOURS, KERNEL_SOURCES } from '../model/board.js';
import { systemFlag } from './system-flags.js';

/** Which image is meant. */
export const imageFlags = {
  board: Flags.string({
    char: 'b',
    required: true,
    description: 'board id, or the path of a board definition',
    helpValue: 'rpi4',
  }),
  ...systemFlag,
};

/** What is in it, beside what the board and the system say. */
export const contentFlags = {
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
  layers: Flags.string({
    description: 'YAML file that lists layers over those of the system, each an image of its own (layered systems)',
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
};

type ContentFlags = {
  readonly board: string;
  readonly system?: string | undefined;
  readonly packages?: readonly string[] | undefined;
  readonly overlay?: readonly string[] | undefined;
  readonly docker?: string | undefined;
  readonly 'docker-image'?: readonly string[] | undefined;
  readonly 'update-keyring'?: string | undefined;
  readonly software?: readonly string[] | undefined;
  readonly layers?: readonly string[] | undefined;
  readonly workload?: string | undefined;
  readonly keep?: readonly string[] | undefined;
  readonly drop?: readonly string[] | undefined;
  readonly kernel?: KernelSource | undefined;
  readonly 'kernel-flavour'?: KernelFlavour | undefined;
};

/** The flags as the services take them. */
export function contentOptions(flags: ContentFlags) {
  return {
    board: flags.board,
    system: flags.system,
    packages: flags.packages ?? [],
    overlays: flags.overlay ?? [],
    docker: flags.docker,
    dockerImages: flags['docker-image'] ?? [],
    software: flags.software ?? [],
    updateKeyring: flags['update-keyring'],
    layers: flags.layers ?? [],
    workload: flags.workload,
    keep: flags.keep ?? [],
    drop: flags.drop ?? [],
    ...(flags.kernel === undefined ? {} : { kernelSource: flags.kernel }),
    ...(flags['kernel-flavour'] === undefined ? {} : { kernelFlavour: flags['kernel-flavour'] }),
  } satisfies Partial<BuildOptions>;
}
