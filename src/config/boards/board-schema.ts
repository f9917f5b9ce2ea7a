import * as z from 'zod';
import { KERNEL_FLAVOURS, SUITES_WITH_KERNELS } from '../../model/board.js';
import { ARCHITECTURES } from '../../model/architecture.js';
import { parseSize } from '../../model/bytes.js';
import { DOCKER_SOURCES } from '../../model/container-engine.js';
import { MACHINE_NAMES } from '../../model/qemu.js';
import { softwareSchema } from '../software/software-schema.js';

const SIZE = /^\d+(\.\d+)?[KMG](iB)?$/;
const AUTO_OR_SIZE = /^(auto|\d+(\.\d+)?[KMG](iB)?)$/;
const SIZE_HINT = 'Write a number and its unit: 64M, 1.5G (binary units).';

const size = z.string().regex(SIZE, { error: `must be a size. ${SIZE_HINT}` });
const autoOrSize = z.string().regex(AUTO_OR_SIZE, { error: `must be "auto" or a size. ${SIZE_HINT}` });
const text = z.string().min(1, { error: 'must not be empty' });
const packageName = z.string().regex(/^[a-z0-9][a-z0-9+.-]+$/, {
  error: 'must be the name of a Debian package: small letters, digits, + - .',
});
const fileName = z.string().regex(/^[A-Za-z0-9._-]+$/, { error: 'must be a file name without a folder' });
const word = z.string().regex(/^[\x21-\x7e]+$/, { error: 'must be one word: printable ASCII without spaces' });

/** A string that fits; the length is told to editors, the code and the hint to the person. */
function label(name: string, maxLength: number, code: string) {
  return z
    .string()
    .min(1, { error: 'must not be empty' })
    .meta({ maxLength })
    .refine((value) => Buffer.byteLength(value) <= maxLength, {
      error: (issue) =>
        `"${String(issue.input)}" is too long for a ${name} label: ${maxLength} characters are the most`,
      params: { code, hint: `Shorten it to ${maxLength} characters.` },
    });
}

const fatLabel = label('FAT', 11, 'fat-label-too-long').regex(/^[A-Z0-9_-]+$/, {
  error: 'must be capital letters, digits, _ and -: others read differently on other systems',
});
const ext4Label = label('ext4', 16, 'ext4-label-too-long').regex(/^[\x21-\x7e]+$/, {
  error: 'must be printable ASCII without spaces',
});

const place = {
  start: autoOrSize
    .default('auto')
    .describe('Where the partition begins on the disk. "auto": the first aligned place after the one before it.'),
  size: autoOrSize
    .default('auto')
    .describe('Fixed size, or "auto": content, what the file system itself needs, and the headroom, rounded up.'),
};

const partitions = z
  .strictObject({
    alignment: size
      .default('4M')
      .describe('Starts and sizes are multiples of it. A multiple of 4M: SD cards erase in blocks of 4 MiB.'),
    boot: z
      .strictObject({
        fs: z.literal('fat32').default('fat32').describe('The only file system that the boot ROM reads.'),
        label: fatLabel.describe('Volume label: 11 characters at most, capital letters, digits, `_` and `-`.'),
        ...place,
        headroom: size.default('8M').describe('Free space beside the content, for a second kernel or larger seeds.'),
      })
      .describe(
        'First partition: firmware, kernel, device trees, config.txt, cmdline.txt and seeds; mounted at /boot.',
      ),
    root: z
      .strictObject({
        fs: z.literal('ext4').default('ext4').describe('File system of the root partition.'),
        label: ext4Label.describe('Volume label: 16 characters at most.'),
        ...place,
        headroom: size
          .default('16M')
          .describe('Free space for what is written before the partition grows on first boot.'),
      })
      .describe('Second partition: the root file system. It grows to the end of the card on first boot.'),
  })
  .describe('Partition table (MBR). Disk id, UUIDs and volume serials are derived from the board id.');

/** A whole board: what a file and the ones that it extends say together. */
export const boardSchema = z.strictObject({
  id: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,31}$/, { error: 'must be small letters, digits and -, at most 32' })
    .describe('Name on the command line and of the image; disk ids are derived from it. Never inherited.'),
  name: text.describe('Name for people.'),
  description: text.describe('One sentence: what this image is for.'),
  status: z
    .strictObject({
      qemu: text.describe('What was booted in QEMU, and how far.'),
      hardware: text.describe('What was tried on real hardware.'),
    })
    .describe('What is proven of this board and what is not.'),
  soc: text.describe('System on a chip: BCM2837, BCM2711.'),
  models: z.array(text).min(1).describe('Models that this image is for, as they are sold.'),
  architecture: z.enum(ARCHITECTURES).default('arm64').describe("Debian's name of the architecture."),
  hostname: z
    .string()
    .regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, { error: 'must be a host name: small letters, digits and -' })
    .default('reswarm')
    .describe('Host name where no seed gives another.'),
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
        .strictObject({
          url: z
            .string()
            .regex(/^(https?|file):\/\/\S+$/, { error: 'must be an http:, https: or file: URL' })
            .describe('Where the tarball lies: .tar, .tar.gz, .tar.xz or .tar.zst with one folder at its top.'),
          sha256: z
            .string()
            .regex(/^[0-9a-f]{64}$/, { error: 'must be a sha256 digest: 64 hex digits' })
            .describe('Its digest; a tarball with another one is refused.'),
        })
        .optional()
        .describe('A tarball of kernel sources, such as raspberrypi/linux, instead of the Debian package.'),
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
          'Configuration fragments: names of `boards/kernel/<name>.config`, or paths that begin with `./`, `../` or `/`, from this file. Those of architecture, flavour and kernel series come by themselves.',
        ),
      patches: z
        .array(text)
        .default([])
        .describe(
          'Patch files, or folders whose *.patch are applied in the order of their names; paths from this file.',
        ),
      image: z
        .strictObject({
          name: fileName.describe('File name on /boot.'),
          compression: z
            .enum(['gzip', 'none'])
            .describe('gzip keeps /boot small; firmware and QEMU recognise it by its first bytes.'),
        })
        .describe('How the kernel lies on /boot.'),
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
  partitions,
  rootfs: z
    .strictObject({
      suite: z.enum(['trixie']).default('trixie').describe('Debian release.'),
      packages: z.array(packageName).default([]).describe('Debian packages beside those that every image has.'),
      overlay: z
        .array(text)
        .default([])
        .describe('Folders that are copied over the root file system, in this order; paths from this file.'),
    })
    .prefault({})
    .describe('Root file system.'),
  docker: z
    .strictObject({
      source: z
        .enum(DOCKER_SOURCES)
        .default('debian')
        .describe(
          "Where the container engine comes from: Docker of Debian, Docker's own static programs, containerd alone, Podman, or none.",
        ),
      bundle: z
        .strictObject({
          version: text.describe("Docker's version."),
          sha256: z
            .string()
            .regex(/^[0-9a-f]{64}$/, { error: 'must be a sha256: 64 hex digits in small letters' })
            .describe('What the archive must hash to.'),
          url: z
            .string()
            .regex(/^https?:\/\/\S+$/, { error: 'must begin with https:// or http://' })
            .optional()
            .describe("Where it is; default: Docker's own download server. {version} stands for the version."),
        })
        .optional()
        .describe('With source static: another bundle than the pinned one of firmware-manifest.json.'),
      images: z
        .array(text)
        .default([])
        .describe(
          'Container images that the device has from the start: archives of `docker save`; paths from this file.',
        ),
    })
    .prefault({})
    .describe('Container engine.'),
  software: z
    .array(softwareSchema)
    .default([])
    .describe('Programs of your own: pinned files and systemd units that go into the root file system.'),
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

/** A size that the schema has let through. */
export function sizeBytes(text: string): number {
  const bytes = parseSize(text);
  if (bytes === undefined) throw new TypeError(`not a size: ${text}`);
  return bytes;
}
