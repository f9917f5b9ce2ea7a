import type { Compression } from '../formats/compression.js';
import type { KernelFlavour, KernelSource } from '../model/board.js';
import type { SeedOptions } from '../seeds/compose/read-seed.js';
import type { VirtualDiskFormat } from '../outputs/virtual-disk.js';
import type { BuildTarget } from './write-target.js';

/** What the user asks for; the command fills it from flags. Paths that were typed begin at `workingFolder`. */
export type BuildOptions = {
  /** Board id or path. */
  readonly board: string;
  /** System id or path; `debian` by default. */
  readonly system?: string | undefined;
  /** Where boards/, systems/, layers/, cloud-init/ and firmware-manifest.json are. */
  readonly projectDir: string;
  readonly workingFolder: string;
  readonly output?: string | undefined;
  /** An image file unless said otherwise. */
  readonly target?: BuildTarget;
  readonly seed: SeedOptions;
  readonly packages: readonly string[];
  readonly overlays: readonly string[];
  /** Another container engine than the system's. */
  readonly docker?: string | undefined;
  /** Archives of container images, beside the system's. */
  readonly dockerImages?: readonly string[];
  /** Files that name software of the user's own, beside the board's. */
  readonly software?: readonly string[];
  /** Id or path of the workload, for a system that holds one. */
  readonly workload?: string | undefined;
  /** Globs of files that a workload gets, and that it does not get, whatever its list says. */
  readonly keep?: readonly string[];
  readonly drop?: readonly string[];
  /** PEM of the certificates whose updates the devices take, for a system with slots. */
  readonly updateKeyring?: string | undefined;
  /** File with the passphrase or the key of an encrypted root; `-`: standard input. */
  readonly rootKey?: string | undefined;
  /** Where no file is given. */
  readonly askRootPassphrase?: () => Promise<string>;
  /** Also write the image compressed. */
  readonly compression?: Compression | undefined;
  /** Also write it as a hypervisor's disk. */
  readonly format?: VirtualDiskFormat | undefined;
  /** Where the image will be offered to others: http(s), for catalogue entries. */
  readonly urlBase?: string | undefined;
  /** Run maintainer scripts by programs of the host's architecture where they are the same version. */
  readonly accelerate: boolean;
  readonly jobs: number;
  readonly offline: boolean;
  readonly refresh: boolean;
  readonly mirror?: string | undefined;
  /** As the environment has it: seconds since 1970. */
  readonly sourceDateEpoch?: string | undefined;
  /** Who compiles the kernel, instead of what the board says. */
  readonly kernelSource?: KernelSource | undefined;
  /** Instead of the board's own flavour of the kernel. */
  readonly kernelFlavour?: KernelFlavour | undefined;
};
