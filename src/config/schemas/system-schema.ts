import * as z from 'zod';
import { SSH_SERVERS, USERLANDS } from '../../model/image-spec.js';
import { INITRAMFS_FILE_SYSTEMS, ROOT_COMPRESSIONS } from '../../model/initramfs.js';
import { size } from '../size-schema.js';
import { capabilityMap, packageList, repositoryList, withoutPackages } from './package-schema.js';
import { alignment, partitionList, tableType } from './partition-schema.js';
import { rootSchema } from './root-schema.js';
import { softwareSchema } from './software-schema.js';

const text = z.string().min(1, { error: 'must not be empty' });

export const hostname = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, { error: 'must be a host name: small letters, digits and -' });

export const suite = z.enum(['trixie']);

/** How a package may be named. */
export const PACKAGE_WORDS =
  ': names, name=version, name/trixie-backports, or paths of .deb files that begin with `./`, `../` or `/`, from this file.';

/** A whole system: what a file and the ones that it extends say together. */
const kernelName = z.string().regex(/^[a-z][a-z0-9-]*$/, { error: 'must be small letters, digits and -' });

export const systemSchema = z.strictObject({
  id: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,31}$/, { error: 'must be small letters, digits and -, at most 32' })
    .describe('Name on the command line. Never inherited.'),
  description: text.describe('One sentence: what an image with this system is for.'),
  hostname: hostname.default('reswarm').describe('Host name where no seed gives another.'),
  suite: suite.default('trixie').describe('Debian release.'),
  userland: z
    .enum(USERLANDS)
    .default('debian')
    .describe(
      'What the root is made from: Debian packages, BusyBox and musl, or the files of one workload. The last two are an archive that the boot loader puts into memory.',
    ),
  kernel: z
    .union([kernelName, z.array(kernelName).min(1)])
    .default('standard')
    .describe(
      'Which of the kernels of a board: standard, or a name among its `kernel.profiles`. Of a list the first that the board has.',
    ),
  filesystem: z
    .enum(INITRAMFS_FILE_SYSTEMS)
    .optional()
    .describe(
      'Of busybox and workload. initramfs: the archive holds the files. squashfs: it holds one squashfs, which memory keeps compressed. By default initramfs.',
    ),
  compression: z
    .enum(ROOT_COMPRESSIONS)
    .optional()
    .describe('Of busybox and workload, of the archive. By default zstd.'),
  sizeBudget: size
    .optional()
    .describe(
      'Of busybox and workload: most that kernel and archive may have together. A build that needs more fails.',
    ),
  ssh: z.enum(SSH_SERVERS).optional().describe('Of busybox: the ssh server, which takes keys only. By default none.'),
  busybox: z
    .array(text)
    .optional()
    .describe('Of busybox: files with options of BusyBox (CONFIG_…=y) over those of the layers; paths from this file.'),
  layers: z
    .array(text)
    .min(1)
    .optional()
    .describe(
      'Of debian and busybox. What goes into the root file system, in this order: names of `layers/<name>`, or paths of folders that begin with `./`, `../` or `/`, from this file.',
    ),
  engine: text.default('none').describe('Container engine: the layer that has this name as `engine`.'),
  packages: packageList.default([]).describe(`Debian packages beside those of the layers${PACKAGE_WORDS}`),
  withoutPackages: withoutPackages.default([]),
  repositories: repositoryList.default([]),
  capabilities: capabilityMap.default({}),
  overlay: z
    .array(text)
    .default([])
    .describe('Folders that are copied over the layers, in this order; paths from this file.'),
  containerImages: z
    .array(text)
    .default([])
    .describe('Container images that the device has from the start: archives of `docker save`; paths from this file.'),
  software: z
    .array(softwareSchema)
    .default([])
    .describe('Programs of your own: pinned files and systemd units that go into the root file system.'),
  root: rootSchema.optional().describe('How the root is kept, where that is more than a partition.'),
  table: tableType.default('mbr'),
  alignment: alignment.default('4M'),
  partitions: partitionList.describe(
    'Partitions in the order of their numbers; files that extend this one add to it by name.',
  ),
});

export type SystemDefinition = z.output<typeof systemSchema>;
