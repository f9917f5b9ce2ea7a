import { chmod, copyFile, mkdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Command } from '../../../model/command.js';
import { dpkgFilterOptions } from '../dpkg-filters.js';
import type { DebFile } from '../packages.js';
import type { StageContext } from '../../../pipeline/stage.js';
import type { NativeMounts, RootfsBuild, RootfsInput } from './rootfs-build.js';
import { runDpkg } from './dpkg-failure.js';
import { debMounts, followDpkg, inImage, scriptEnvironment } from './rootfs-build.js';

/** The least that dpkg and debconf need to start in an empty folder. */
export async function prepareRoot({ root, input, context }: RootfsBuild): Promise<void> {
  for (const folder of ['var/lib/dpkg/info', 'var/lib/dpkg/updates', 'var/cache/debconf', 'etc']) {
    await mkdir(join(root, folder), { recursive: true, mode: 0o755 });
  }
  await chmod(root, 0o755);
  for (const file of ['status', 'available']) await writeFile(join(root, 'var/lib/dpkg', file), '');
  await writeFile(join(root, 'var/lib/dpkg/arch'), `${input.lock.architecture}\n${input.hostArchitecture}\n`);
  await copyFile(join(input.tools.root, 'etc/debconf.conf'), join(root, 'etc/debconf.conf'));
  await forbidServices(context);
}

/** What dpkg needs in a root that has packages already. */
export async function prepareInstalledRoot({ root, input, context }: RootfsBuild): Promise<void> {
  const architectures = `${input.lock.architecture}\n${input.hostArchitecture}\n`;
  await writeFile(join(root, 'var/lib/dpkg/arch'), architectures);
  await forbidServices(context);
}

async function forbidServices(context: StageContext): Promise<void> {
  const policy = join(context.work, 'policy-rc.d');
  await writeFile(policy, '#!/bin/sh\nexit 101\n');
  await chmod(policy, 0o755);
}

/**
 * Into an empty root, so no script of theirs can run in it yet: the tools' dpkg calls them outside, with DPKG_ROOT set,
 * which Debian's essential packages know how to handle.
 */
export async function unpackEssential(build: RootfsBuild, install: readonly DebFile[]): Promise<void> {
  build.context.report.step('unpacking essential packages');
  const essential = install.filter(({ name }) => build.input.lock.essential.includes(name));
  await unpackFromOutside(build, essential, ['--force-script-chrootless']);
}

/** Everything else. The essential packages are there by now, so `overlay` can speed up the scripts that run before. */
export async function unpackRest(
  build: RootfsBuild,
  install: readonly DebFile[],
  overlay: NativeMounts,
): Promise<void> {
  const { input, context } = build;
  context.report.step('unpacking packages');
  const rest = install.filter(({ name }) => !input.lock.essential.includes(name));
  if (rest.length === 0) return;
  if (overlay.length === 0 && input.hostArchitecture !== input.lock.architecture) {
    // Scripts run in a chroot there, emulated. It has no /dev: what they throw away lands in files that `finish` removes.
    await unpackFromOutside(build, rest, []);
    return;
  }
  const { sandbox, env } = inImage(build, overlay, debMounts(rest, '/run/debs'));
  const command = unpackCommand(rest, '/run/debs', ['dpkg'], input);
  await runDpkg(context.host, sandbox, { ...command, env }, followDpkg('Unpacking', rest.length, context));
}

/** By the tools' dpkg: unpacking needs no program of the image, whatever its architecture. */
async function unpackFromOutside(
  build: RootfsBuild,
  debs: readonly DebFile[],
  options: readonly string[],
): Promise<void> {
  const { root, input, context } = build;
  const mounts = [{ source: root, target: '/mnt', writable: true }, ...debMounts(debs, '/srv')];
  const dpkg = ['eatmydata', 'dpkg', '--root=/mnt', '--force-architecture', ...options];
  await runDpkg(
    context.host,
    { root: input.tools.root, mounts },
    unpackCommand(debs, '/srv', dpkg, input),
    followDpkg('Unpacking', debs.length, context),
  );
}

function unpackCommand(debs: readonly DebFile[], folder: string, dpkg: readonly string[], input: RootfsInput): Command {
  const [file = 'dpkg', ...first] = dpkg;
  return {
    file,
    args: [
      ...first,
      ...['--force-unsafe-io', '--force-depends'],
      ...dpkgFilterOptions(input.dpkgFilters),
      '--unpack',
      ...debs.map(({ path }) => `${folder}/${basename(path)}`),
    ],
    env: scriptEnvironment(input),
  };
}
