import * as z from 'zod';
import { DEBIANS_KERNEL, KERNEL_FLAVOURS, SUITES_WITH_KERNELS } from '../../model/board.js';
import { ARCHITECTURES } from '../../model/architecture.js';
import { MACHINE_NAMES } from '../../model/qemu.js';
import { alignment, partitionList, partitionMap, tableType } from './partition-schema.js';
import { chainLayerSchema } from './chain-layer-schema.js';
import { dockerBundlePin } from './layer-schema.js';
import { packageName } from '../package-name.js';
import { capabilityMap, packageList, repositoryList, withoutPackages } from './package-schema.js';
import { rootSchema } from './root-schema.js';
import { softwareSchema } from './software-schema.js';
import { hostname, PACKAGE_WORDS, suite } from './system-schema.js';

const text = z.string().min(1, { error: 'must not be empty' });
const fileName = z.string().regex(/^[A-Za-z0-9._-]+$/, { error: 'must be a file name without a folder' });
const word = z.string().regex(/^[\x21-\x7e]+$/, { error: 'must be one word: printable ASCII without spaces' });

const FRAGMENT_NAMES =
  'names of `boards/kernel/<name>.config`, or paths that begin with `./`, `../` or `/`, from this file';

const kernelImage = z.strictObject({
  name: fileName.describe('File name on /boot.'),
  compression: z
    .enum(['gzip', 'none'])
    .describe('gzip keeps /boot small; firmware and QEMU recognise it by its first bytes.'),
});

/** Names as lsmod shows them, hyphens or underscores. */
const modules = z
  .array(z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]*$/, { error: 'must be the name of a kernel module' }))
  .default([]);

const debianKernel = z.strictObject({
  package: packageName.describe('Package that depends on the newest kernel: linux-image-arm64.'),
  modules: z
    .strictObject({
      storage: modules.describe('Drivers of disks and of file systems that a root may be on.'),
      network: modules.describe('Drivers of network cards, for a root that comes over the network.'),
      input: modules.describe('Drivers of keyboards, for a passphrase that is typed.'),
    })
    .describe('Kernel modules that are loaded before the root is mounted; what they need comes by itself.'),
});

const kernelProfile = z.strictObject({
  fragments: z
    .array(text)
    .min(1)
    .optional()
    .describe(`Configuration fragments, all of them: ${FRAGMENT_NAMES}. None comes by itself.`),
  adds: z
    .array(text)
    .min(1)
    .optional()
    .describe(`Instead of \`fragments\`: those beside the ones of the board's own kernel: ${FRAGMENT_NAMES}.`),
  patches: z
    .array(text)
    .default([])
    .describe(
      'Patches after those of `kernel.patches`: names of folders in `boards/kernel/patches`, or paths that begin with `./`, `../` or `/`, from this file.',
    ),
  image: kernelImage.optional().describe("How it lies on /boot. By default as the board's kernel."),
});

/** For keys in which a board may differ from the system that it runs. */
const OF_SYSTEM = 'By default that of the system.';

/** A whole board: what a file and the ones that it extends say together. */
export const boardSchema = z.strictObject({
  id: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,31}$/, { error: 'must be small letters, digits and -, at most 32' })
    .describe('Name on the command line and of the image; disk ids are derived from it. Never inherited.'),
  name: text.describe('Name for people.'),
  description: text.optional().describe(`One sentence: what this image is for. ${OF_SYSTEM}`),
  status: z
    .strictObject({
      qemu: text.describe('What was booted in QEMU, and how far.'),
      hardware: text.describe('What was tried on real hardware.'),
    })
    .describe('What is proven of this board and what is not.'),
  soc: text.describe('System on a chip: BCM2837, BCM2711.'),
  models: z.array(text).min(1).describe('Models that this image is for, as they are sold.'),
  architecture: z.enum(ARCHITECTURES).default('arm64').describe("Debian's name of the architecture."),
  hostname: hostname.optional().describe(`Host name where no seed gives another. ${OF_SYSTEM}`),
  firmware: z
    .strictObject({
      manifest: text.describe('Entry of firmware-manifest.json that the files come from.'),
      files: z.array(fileName).min(1).describe('Files that the boot ROM loads, copied to the root of /boot.'),
    })
    .optional()
    .describe('Boot firmware; none for boards that have all of it in a flash chip, and for virtual machines.'),
  deviceTrees: z
    .array(z.string().regex(/^[a-z0-9._-]+\.dtb$/, { error: 'must be the file name of a device tree, ending in .dtb' }))
    .default([])
    .describe("Device trees that are copied to /boot, by mainline Linux's names; the firmware picks the right one."),
  deviceTreeCopies: z
    .record(fileName, fileName)
    .default({})
    .describe("Device trees that the firmware asks for by another name: name on /boot, then one of the kernel's."),
  deviceTreeOverlays: z
    .array(text)
    .default([])
    .describe(
      'Overlays that lie in /boot/overlays for `dtoverlay=` in config.txt, compiled from source: names of `boards/overlays/<name>.dtso`, or paths that begin with `./`, `../` or `/`, from this file.',
    ),
  kernel: z
    .strictObject({
      package: packageName.describe('Debian package that holds the kernel source.'),
      suite: z
        .enum(SUITES_WITH_KERNELS)
        .default('trixie')
        .describe('Debian suite of that package; only the kernel source is taken from backports.'),
      source: z
        .union([
          z.literal(DEBIANS_KERNEL),
          z.strictObject({
            url: z
              .string()
              .regex(/^(https?|file):\/\/\S+$/, { error: 'must be an http:, https: or file: URL' })
              .describe('Where the tarball lies: .tar, .tar.gz, .tar.xz or .tar.zst with one folder at its top.'),
            sha256: z
              .string()
              .regex(/^[0-9a-f]{64}$/, { error: 'must be a sha256 digest: 64 hex digits' })
              .describe('Its digest; a tarball with another one is refused.'),
          }),
        ])
        .optional()
        .describe(
          'A tarball of kernel sources, such as raspberrypi/linux, instead of the Debian package; or debian: the kernel that Debian has compiled, and nothing is compiled here.',
        ),
      debian: z
        .union([z.literal('none'), debianKernel])
        .optional()
        .describe("What Debian's own kernel needs on this board, where it is asked for; none: it does not run there."),
      flavour: z
        .enum(KERNEL_FLAVOURS)
        .default('standard')
        .describe('rt: PREEMPT_RT, for bounded latencies at the cost of throughput.'),
      localVersion: z
        .string()
        .regex(/^[a-z0-9.+~-]*$/, { error: 'must be small letters, digits, . + ~ -' })
        .describe('Appended to the kernel version, as uname -r shows it.'),
      fragments: z
        .array(text)
        .min(1)
        .describe(
          `Configuration fragments: ${FRAGMENT_NAMES}. Those of architecture, flavour and kernel series come by themselves.`,
        ),
      patches: z
        .array(text)
        .default([])
        .describe(
          'Patch files, or folders whose *.patch are applied in the order of their names; paths from this file.',
        ),
      image: kernelImage.describe('How the kernel lies on /boot.'),
      profiles: z
        .record(
          z.string().regex(/^[a-z0-9][a-z0-9-]{0,15}$/, { error: 'must be small letters, digits and -, at most 16' }),
          kernelProfile,
        )
        .default({})
        .describe(
          'Other kernels of the same sources, by name: `tiny` is the one of small systems. The name is appended to localVersion.',
        ),
    })
    .describe('Linux kernel, built from source. Boards with the same values share one build.'),
  configTxt: z
    .record(z.string(), z.array(text))
    .describe(
      'config.txt: lines by filter (all, pi3, pi4, cm4, …). kernel= is added. Lines keep their order, a key may occur more than once.',
    ),
  consoles: z
    .array(word)
    .min(1)
    .describe('console= of the kernel command line: tty1, ttyS1,115200. The last one becomes /dev/console.'),
  cmdline: z
    .array(word)
    .describe('Words of the kernel command line, one an item. console=, root=, rootfstype= and rootwait are added.'),
  partitions: z
    .union([partitionMap, partitionList])
    .optional()
    .describe(partitionMap.description ?? ''),
  partitionAlignment: alignment.optional().describe(`Beside a list of partitions. ${alignment.description ?? ''}`),
  partitionTable: tableType.optional().describe(`${tableType.description ?? ''} ${OF_SYSTEM}`),
  root: rootSchema.optional().describe(`How the root is kept, where that is more than a partition. ${OF_SYSTEM}`),
  rootfs: z
    .strictObject({
      suite: suite.optional().describe(`Debian release. ${OF_SYSTEM}`),
      packages: packageList.optional().describe(`Debian packages beside those of the system${PACKAGE_WORDS}`),
      withoutPackages: withoutPackages.optional(),
      repositories: repositoryList.optional(),
      capabilities: capabilityMap.optional(),
      overlay: z
        .array(text)
        .optional()
        .describe('Folders that are copied over the root file system, in this order; paths from this file.'),
    })
    .optional()
    .describe('Root file system, beside what the system says.'),
  docker: z
    .strictObject({
      source: text
        .optional()
        .describe(
          `Where the container engine comes from: debian (Docker of Debian), static (Docker's own static programs), containerd, podman, or none; layers have more. ${OF_SYSTEM}`,
        ),
      bundle: dockerBundlePin
        .optional()
        .describe('With source static: another bundle than the pinned one of firmware-manifest.json.'),
      images: z
        .array(text)
        .optional()
        .describe(
          'Container images that the device has from the start: archives of `docker save`; paths from this file.',
        ),
    })
    .optional()
    .describe('Container engine.'),
  software: z
    .array(softwareSchema)
    .optional()
    .describe('Programs of your own: pinned files and systemd units that go into the root file system.'),
  layers: z
    .array(chainLayerSchema)
    .optional()
    .describe('Layers over those of a layered system, each an image of its own (docs/layered.md).'),
  wireless: z
    .array(
      z.strictObject({
        package: packageName.describe('Debian package that is unpacked, not installed.'),
        files: z
          .array(
            z.string().regex(/^[A-Za-z0-9][A-Za-z0-9,._*?/ +-]*$/, { error: 'must be a path below /usr/lib/firmware' }),
          )
          .min(1)
          .describe('Paths below /usr/lib/firmware; `*` and `?` stand for anything but `/`.'),
      }),
    )
    .default([])
    .describe("Firmware of the board's wifi and Bluetooth chips."),
  qemu: z
    .array(z.enum(MACHINE_NAMES))
    .min(1)
    .describe(
      'Machines of QEMU that can start the image: virt (fast), raspi3b and raspi4b (the real device tree); q35 for amd64.',
    ),
});

/** The values of a board file, defaults applied, sizes still as text. */
export type BoardDefinition = z.output<typeof boardSchema>;
