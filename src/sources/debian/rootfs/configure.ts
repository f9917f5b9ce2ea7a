import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { unitPresets } from '../unit-presets.js';
import { CommandError } from '../../../errors.js';
import { DpkgError, runDpkg } from './dpkg-failure.js';
import type { InImage, NativeMounts, RootfsBuild } from './rootfs-build.js';
import { pathExists } from '../../../host/path-exists.js';
import { followDpkg, inImage } from './rootfs-build.js';

/** Answers that maintainer scripts would otherwise ask a person for. */
const DEBCONF_ANSWERS = [
  // The index of manual pages is written at each installation: slow on a card, and `man` does not need it.
  'man-db man-db/auto-update boolean false',
];

/** Scripts of other essential packages call awk and read /etc/passwd before dpkg would have configured these. */
const CONFIGURED_FIRST = ['base-passwd', 'base-files', 'mawk', 'gawk', 'original-awk', 'debconf'];

const DPKG = ['--force-unsafe-io', '--force-confnew'];

/** Runs the maintainer scripts of all packages, with `overlay`; what fails with it is done again without. */
export async function configure(build: RootfsBuild, overlay: NativeMounts): Promise<void> {
  const { context, input } = build;
  context.report.step('configuring packages');
  try {
    const image = inImage(build, overlay, await mutedPrograms(build, overlay));
    await configureFirst(build, image);
    await configureRest(build, image);
  } catch (error) {
    // A twin cannot be written to, so a script that changes a program's owner fails here instead of being lost.
    if (overlay.length === 0 || !(error instanceof CommandError)) throw error;
    context.report.warn(
      'Some packages could not be configured at native speed; their scripts run under emulation instead.',
      error instanceof DpkgError ? error.packages.join(', ') : error.message,
    );
    await configureRest(build, inImage(build, [], await mutedPrograms(build, [])));
  }
  await enableUnits(build, overlay, unitPresets(input.unitPresets));
}

async function configureFirst({ input, context }: RootfsBuild, { sandbox, env }: InImage): Promise<void> {
  const follow = followDpkg('Setting up', input.lock.install.length, context);
  const names = CONFIGURED_FIRST.filter((name) => input.lock.install.some((one) => one.name === name));
  const args = [...DPKG, '--force-depends', '--configure', ...names];
  if (names.length > 0) await runDpkg(context.host, sandbox, { file: 'dpkg', args, env }, follow);
  const stdin = `${DEBCONF_ANSWERS.join('\n')}\n`;
  await context.host.runIn(sandbox, { file: 'debconf-set-selections', args: [], stdin, env }, follow);
}

async function configureRest({ input, context }: RootfsBuild, { sandbox, env }: InImage): Promise<void> {
  await runDpkg(
    context.host,
    sandbox,
    { file: 'dpkg', args: [...DPKG, '--configure', '-a'], env },
    followDpkg('Setting up', input.lock.install.length, context),
  );
}

/** Only what is installed. */
async function enableUnits(
  build: RootfsBuild,
  overlay: NativeMounts,
  units: ReturnType<typeof unitPresets>,
): Promise<void> {
  const { root, context, unitsBelow } = build;
  for (const verb of ['enable', 'disable'] as const) {
    const present: string[] = [];
    for (const unit of units[verb]) {
      if (unitsBelow?.has(unit) === true) continue;
      if (await pathExists(join(root, 'usr/lib/systemd/system', unit))) present.push(unit);
    }
    if (present.length === 0) continue;
    const { sandbox, env } = inImage(build, overlay);
    const command = { file: 'systemctl', args: [verb, ...present], env };
    await context.host.runIn(sandbox, command, followDpkg('Created', present.length, context));
  }
}

/**
 * Programs that do nothing while packages are configured: daemons must not start, and Python is not to compile what
 * the device compiles at first use anyway (the slowest part of all, and 22 MB).
 */
async function mutedPrograms({ root, context }: RootfsBuild, overlay: NativeMounts): Promise<NativeMounts> {
  const nothing = overlay.find(({ target }) => target === '/usr/bin/true')?.source ?? join(root, 'usr/bin/true');
  const emptyScript = join(context.work, 'empty.py');
  await writeFile(emptyScript, '');
  const pythons = (await readdir(join(root, 'usr/lib'))).filter((name) => /^python3\.\d+$/.test(name));
  const muted = [
    { source: nothing, target: '/usr/sbin/start-stop-daemon' },
    { source: nothing, target: '/usr/bin/py3compile' },
    { source: nothing, target: '/usr/bin/py3clean' },
    ...pythons.map((name) => ({ source: emptyScript, target: `/usr/lib/${name}/py_compile.py` })),
  ];
  const present = await Promise.all(muted.map(({ target }) => pathExists(join(root, target))));
  return muted.filter((_, index) => present[index]);
}
