import { copyFile, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ReswarmError } from '../../errors.js';
import { pathExists } from '../../host/path-exists.js';
import type { Architecture } from '../../model/architecture.js';
import type { Sandbox } from '../../model/sandbox.js';
import type { Stage, StageContext } from '../../pipeline/stage.js';
import type { ToolsTree } from '../../tools/tools-tree.js';
import { toolVersions } from '../../tools/tools-tree.js';
import type { SourceDeb } from '../debian/packages.js';
import { unpackDeb } from '../debian/unpack-deb.js';
import type { Kernel, KernelFiles } from './kernel-files.js';
import { copyDeviceTrees, kernelFiles, openKernel } from './kernel-files.js';

export type DebianKernelInput = {
  readonly tools: ToolsTree;
  readonly architecture: Architecture;
  /** `linux-image-6.12.118+deb13-arm64`. */
  readonly deb: SourceDeb;
};

const INSIDE = '/mnt';
const LINUX = 'linux-image';

/**
 * The kernel that Debian has compiled: image, modules and device trees of its package, with depmod's lists, which the
 * package leaves to its installation. Throws ReswarmError `kernel-package-unread` for a package of another kind.
 */
export const debianKernelStage: Stage<DebianKernelInput, Kernel> = {
  name: 'debian-kernel',
  version: 1,
  group: 'Kernel',

  key: ({ tools, architecture, deb }) => ({
    deb: { version: deb.version, sha256: deb.sha256 },
    architecture,
    tools: toolVersions(tools, ['kmod', 'gzip']),
  }),

  open: openKernel,

  async run({ tools, architecture, deb }, out, context) {
    context.report.step(`unpacking ${deb.name}`);
    const folder = await unpackDeb(deb, tools, context);
    const files = kernelFiles(out);
    const modules = join(folder, 'usr/lib/modules');
    const release = await onlyFolder(modules, deb);
    await writeFile(files.release, `${release}\n`);
    await copyFile(join(folder, `boot/vmlinuz-${release}`), files.image);
    await copyFile(join(folder, `boot/config-${release}`), files.config);
    await copyFile(join(folder, `boot/System.map-${release}`), files.systemMap);
    const trees = join(folder, `usr/lib/${LINUX}-${release}/broadcom`);
    await copyDeviceTrees(architecture === 'arm64' ? trees : undefined, files.deviceTrees);
    await moveModules(modules, release, files.modules);
    await finish(
      files,
      release,
      { root: tools.root, mounts: [{ source: out, target: INSIDE, writable: true }] },
      context,
    );
  },
};

/** The release that a package's modules are for. */
async function onlyFolder(modules: string, { name }: SourceDeb): Promise<string> {
  const names = (await pathExists(modules)) ? await readdir(modules) : [];
  const [release] = names;
  if (release !== undefined && names.length === 1) return release;
  throw new ReswarmError('kernel-package-unread', `The package ${name} holds the modules of ${names.length} kernels`, {
    hints: ['This version of reswarm-os does not know such packages: take the compiled kernel (--kernel compiled).'],
  });
}

/** As they would lie on a root, without links to sources that no image has. */
async function moveModules(from: string, release: string, to: string): Promise<void> {
  await mkdir(join(to, 'usr/lib'), { recursive: true });
  await rename(from, join(to, 'usr/lib/modules'));
  for (const name of ['build', 'source']) await rm(join(to, 'usr/lib/modules', release, name), { force: true });
}

async function finish(files: KernelFiles, release: string, sandbox: Sandbox, { host, report }: StageContext) {
  report.step('listing its modules');
  await host.runIn(sandbox, { file: 'depmod', args: ['--basedir', `${INSIDE}/modules/usr`, release] });
  report.step('packing the kernel');
  const gzip = { file: 'gzip', args: ['-9', '--no-name', '--stdout', `${INSIDE}/Image`] };
  await host.runIn(sandbox, gzip, { stdoutFile: files.imageGz });
}
