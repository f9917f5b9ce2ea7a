import { access, chmod, copyFile, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Command } from '../domain/command.js';
import { dpkgFilterOptions } from '../domain/dpkg-filters.js';
import type { DebFile, PackageLock } from '../domain/packages.js';
import { rootfsLeftovers } from '../domain/rootfs-leftovers.js';
import type { Mount, Sandbox } from '../domain/sandbox.js';
import { programKind } from '../domain/twin-programs.js';
import { unitPresets } from '../domain/unit-presets.js';
import { CommandError } from '../errors.js';
import type { Stage, StageContext } from '../pipeline/stage.js';
import { fetchDebs } from './debs.js';
import { twinMounts, unpackTwins } from './rootfs/twin-tree.js';
import type { ToolsTree } from './tools-tree.js';
import { toolVersions } from './tools-tree.js';

export type RootfsInput = {
  readonly tools: ToolsTree;
  readonly hostArchitecture: string;
  readonly lock: Pick<PackageLock, 'architecture' | 'install' | 'essential' | 'twins'>;
  /** The sources.list that the lock was made with. */
  readonly sources: string;
  /** The device's own /etc/apt/sources.list. */
  readonly deviceSources: string;
  /** Text of a file for dpkg.cfg.d: what is left out of packages. The device needs the same file, for its upgrades. */
  readonly dpkgFilters: string;
  /** Text of a systemd.preset(5) file: which units are enabled. The device should have the same file. */
  readonly unitPresets: string;
  readonly sourceDateEpoch: number;
  /** Run maintainer scripts with programs of the host's architecture; false: with the image's own, emulated. */
  readonly accelerate: boolean;
};

/**
 * Debian's packages, installed and configured. Writes `rootfs.tar` (sorted, numeric owners, no time later than
 * sourceDateEpoch, so that the same lock gives the same bytes) and `packages.json`, the list of what is in it.
 */
export const rootfsStage: Stage<RootfsInput> = {
  name: 'rootfs',
  version: 1,
  key: (input) => ({
    tools: toolVersions(input.tools, ['dpkg', 'tar']),
    architecture: input.lock.architecture,
    // Unpacked in this order.
    packages: input.lock.install.map(({ name, sha256 }) => `${name} ${sha256}`),
    deviceSources: input.deviceSources,
    dpkgFilters: dpkgFilterOptions(input.dpkgFilters),
    units: unitPresets(input.unitPresets),
    sourceDateEpoch: input.sourceDateEpoch,
    accelerate: input.accelerate,
  }),

  async run(input, out, context) {
    const root = join(context.work, 'root');
    context.report.step('downloading packages');
    const debs = await fetchDebs(
      [...input.lock.install, ...(accelerated(input) ? input.lock.twins : [])],
      input.sources,
      context,
    );
    const install = debs.slice(0, input.lock.install.length);
    try {
      await prepareRoot(root, input, context);
      const twins = await unpackEssentialAndTwins(root, debs, input, context);
      const overlay = async () => (twins === undefined ? [] : twinMounts(root, twins.tree, twins.imageKind));

      await unpackRest(root, install, await overlay(), input, context);
      const mounts = await overlay();
      await configure(root, mounts, input, context);
      await enableUnits(root, mounts, input, context);
      await finish(root, input, context);
      context.report.step('packing the root file system');
      await pack(root, out, input, context);
      const packages = input.lock.install.map(({ name, version, architecture }) => ({ name, version, architecture }));
      await writeFile(join(out, 'packages.json'), JSON.stringify(packages, undefined, 1));
    } finally {
      // In a user namespace its files belong to users that only the sandbox may act for.
      const mounted = { root: input.tools.root, mounts: [{ source: context.work, target: '/mnt', writable: true }] };
      await context.host.runIn(mounted, { file: 'rm', args: ['-rf', '/mnt/root', '/mnt/twin'] }).catch(() => undefined);
    }
  },
};

/** Answers that maintainer scripts would otherwise ask a person for. */
const DEBCONF_ANSWERS = [
  // The index of manual pages is written at each installation: slow on a card, and `man` does not need it.
  'man-db man-db/auto-update boolean false',
];

function accelerated({ accelerate, lock, hostArchitecture }: RootfsInput): boolean {
  return (
    accelerate &&
    hostArchitecture !== lock.architecture &&
    programKind(hostArchitecture) !== undefined &&
    programKind(lock.architecture) !== undefined
  );
}

function scriptEnvironment(input: RootfsInput): Readonly<Record<string, string>> {
  return {
    DEBIAN_FRONTEND: 'noninteractive',
    DEBCONF_NONINTERACTIVE_SEEN: 'true',
    // debconf writes its hashes in Perl's order.
    PERL_HASH_SEED: '0',
    SOURCE_DATE_EPOCH: input.sourceDateEpoch.toString(),
    SYSTEMD_OFFLINE: '1',
    LC_ALL: 'C.UTF-8',
  };
}

/** The least that dpkg and debconf need to start in an empty folder. */
async function prepareRoot(root: string, input: RootfsInput, { work }: StageContext): Promise<void> {
  for (const folder of ['var/lib/dpkg/info', 'var/lib/dpkg/updates', 'var/cache/debconf', 'etc']) {
    await mkdir(join(root, folder), { recursive: true, mode: 0o755 });
  }
  await chmod(root, 0o755);
  for (const file of ['status', 'available']) await writeFile(join(root, 'var/lib/dpkg', file), '');
  await writeFile(join(root, 'var/lib/dpkg/arch'), `${input.lock.architecture}\n${input.hostArchitecture}\n`);
  await copyFile(join(input.tools.root, 'etc/debconf.conf'), join(root, 'etc/debconf.conf'));
  const policy = join(work, 'policy-rc.d');
  await writeFile(policy, '#!/bin/sh\nexit 101\n');
  await chmod(policy, 0o755);
  await writeFile(join(work, 'empty.py'), '');
}

async function unpackEssentialAndTwins(
  root: string,
  debs: readonly DebFile[],
  input: RootfsInput,
  context: StageContext,
) {
  context.report.step('unpacking essential packages');
  const install = debs.slice(0, input.lock.install.length);
  const twinKind = programKind(input.hostArchitecture);
  const imageKind = programKind(input.lock.architecture);
  if (!accelerated(input) || twinKind === undefined || imageKind === undefined) {
    await unpackEssential(root, install, input, context);
    return undefined;
  }
  const request = {
    tools: input.tools,
    debs: debs.slice(input.lock.install.length),
    kind: twinKind,
    architectures: { host: input.hostArchitecture, image: input.lock.architecture },
  };
  const [tree] = await Promise.all([unpackTwins(request, context), unpackEssential(root, install, input, context)]);
  return { tree, imageKind };
}

/**
 * Into an empty root, so no script of theirs can run in it yet: the tools' dpkg calls them outside, with DPKG_ROOT set,
 * which Debian's essential packages know how to handle.
 */
async function unpackEssential(root: string, install: readonly DebFile[], input: RootfsInput, context: StageContext) {
  const essential = install.filter(({ name }) => input.lock.essential.includes(name));
  await unpackFromOutside(root, essential, ['--force-script-chrootless'], input, context);
}

async function unpackRest(
  root: string,
  install: readonly DebFile[],
  overlay: readonly Mount[],
  input: RootfsInput,
  context: StageContext,
): Promise<void> {
  context.report.step('unpacking packages');
  const rest = install.filter(({ name }) => !input.lock.essential.includes(name));
  if (rest.length === 0) return;
  if (overlay.length === 0 && input.hostArchitecture !== input.lock.architecture) {
    // Scripts run in a chroot there, emulated. It has no /dev: what they throw away lands in files, which `finish` removes.
    await unpackFromOutside(root, rest, [], input, context);
    return;
  }
  const sandbox = inImage(root, [...overlay, ...debMounts(rest, '/run/debs')], context);
  await context.host.runIn(sandbox, unpackCommand(rest, '/run/debs', ['dpkg'], input), {
    logFile: join(context.work, 'dpkg.log'),
    onLine: reportPackage('Unpacking', rest.length, context),
  });
}

/** By the tools' dpkg: unpacking needs no program of the image, whatever its architecture. */
async function unpackFromOutside(
  root: string,
  debs: readonly DebFile[],
  options: readonly string[],
  input: RootfsInput,
  context: StageContext,
): Promise<void> {
  const mounts = [{ source: root, target: '/mnt', writable: true }, ...debMounts(debs, '/srv')];
  const dpkg = ['eatmydata', 'dpkg', '--root=/mnt', '--force-architecture', ...options];
  await context.host.runIn({ root: input.tools.root, mounts }, unpackCommand(debs, '/srv', dpkg, input), {
    logFile: join(context.work, 'dpkg.log'),
    onLine: reportPackage('Unpacking', debs.length, context),
  });
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

async function configure(root: string, overlay: readonly Mount[], input: RootfsInput, context: StageContext) {
  const env = scriptEnvironment(input);
  const logFile = join(context.work, 'dpkg.log');
  const dpkg = ['--force-unsafe-io', '--force-confnew'];
  // Scripts of other essential packages call awk and read /etc/passwd before dpkg would have configured these.
  const first = ['base-passwd', 'base-files', 'mawk', 'gawk', 'original-awk', 'debconf'].filter((name) =>
    input.lock.install.some((one) => one.name === name),
  );
  const run = async (mounts: readonly Mount[]): Promise<void> => {
    const sandbox = inImage(root, [...mounts, ...(await muted(root, mounts, context))], context);
    context.report.step('configuring packages');
    await context.host.runIn(
      sandbox,
      { file: 'dpkg', args: [...dpkg, '--force-depends', '--configure', ...first], env },
      { logFile },
    );
    if (first.includes('debconf')) {
      const stdin = `${DEBCONF_ANSWERS.join('\n')}\n`;
      await context.host.runIn(sandbox, { file: 'debconf-set-selections', args: [], stdin, env }, { logFile });
    }
    const onLine = reportPackage('Setting up', input.lock.install.length, context);
    await context.host.runIn(sandbox, { file: 'dpkg', args: [...dpkg, '--configure', '-a'], env }, { logFile, onLine });
  };
  try {
    await run(overlay);
  } catch (error) {
    if (overlay.length === 0 || !(error instanceof CommandError)) throw error;
    context.report.warn(
      `Some packages could not be configured at native speed and are configured under emulation: ${failedPackages(error).join(', ')}`,
    );
    await configureRest(root, input, context);
  }
}

/** What is still unconfigured, by the image's own programs. */
async function configureRest(root: string, input: RootfsInput, context: StageContext): Promise<void> {
  await context.host.runIn(
    inImage(root, await muted(root, [], context), context),
    {
      file: 'dpkg',
      args: ['--force-unsafe-io', '--force-confnew', '--configure', '-a'],
      env: scriptEnvironment(input),
    },
    { logFile: join(context.work, 'dpkg.log') },
  );
}

function failedPackages({ details }: CommandError): readonly string[] {
  const names = details.flatMap((line) => /^dpkg: error processing package (\S+)/.exec(line)?.[1] ?? []);
  return names.length === 0 ? ['(see dpkg.log)'] : names;
}

/** Only what a preset names and what is installed. */
async function enableUnits(root: string, overlay: readonly Mount[], input: RootfsInput, context: StageContext) {
  const units = unitPresets(input.unitPresets);
  const sandbox = inImage(root, overlay, context);
  for (const verb of ['enable', 'disable'] as const) {
    const present: string[] = [];
    for (const unit of units[verb]) {
      if (await exists(join(root, 'usr/lib/systemd/system', unit))) present.push(unit);
    }
    if (present.length === 0) continue;
    await context.host.runIn(sandbox, { file: 'systemctl', args: [verb, ...present], env: scriptEnvironment(input) });
  }
}

async function finish(root: string, input: RootfsInput, context: StageContext): Promise<void> {
  const sandbox: Sandbox = { root: input.tools.root, mounts: [{ source: root, target: '/mnt', writable: true }] };
  const conditions = rootfsLeftovers.flatMap((pattern, index) => [
    ...(index === 0 ? [] : ['-o']),
    ...['-path', `/mnt${pattern}`],
  ]);
  await context.host.runIn(sandbox, { file: 'find', args: ['/mnt', '(', ...conditions, ')', '-delete'] });
  // Empty: systemd makes the device's own on first boot, and knows that this is not a factory reset.
  await rm(join(root, 'etc/machine-id'), { force: true });
  await writeFile(join(root, 'etc/machine-id'), '', { mode: 0o444 });
  if (await exists(join(root, 'etc/apt'))) {
    await writeFile(join(root, 'etc/apt/sources.list'), input.deviceSources, { mode: 0o644 });
  }
}

async function pack(root: string, out: string, input: RootfsInput, { host }: StageContext): Promise<void> {
  const mounts = [
    { source: root, target: '/mnt' },
    { source: out, target: '/media', writable: true },
  ];
  await host.runIn(
    { root: input.tools.root, mounts },
    {
      file: 'tar',
      args: [
        ...['--create', '--file=/media/rootfs.tar', '--directory=/mnt'],
        ...['--sort=name', '--numeric-owner', '--format=pax'],
        // Without the times of reading and the process id that tar would put into headers.
        '--pax-option=delete=atime,delete=ctime,exthdr.name=%d/PaxHeaders/%f',
        ...[`--mtime=@${input.sourceDateEpoch}`, '--clamp-mtime'],
        ...['--xattrs', '--xattrs-include=security.capability'],
        '.',
      ],
    },
  );
}

/** Commands with the image as their root; no service of it may start. */
function inImage(root: string, mounts: readonly Mount[], { work }: StageContext): Sandbox {
  const policy = { source: join(work, 'policy-rc.d'), target: '/usr/sbin/policy-rc.d' };
  return { root, rootWritable: true, mounts: [...mounts, policy] };
}

/**
 * Programs that do nothing while packages are configured: daemons must not start, and Python is not to compile what
 * it compiles on the device at first use (that takes longer than all else, and 22 MB).
 */
async function muted(root: string, overlay: readonly Mount[], { work }: StageContext): Promise<readonly Mount[]> {
  const nothing = overlay.find(({ target }) => target === '/usr/bin/true')?.source ?? join(root, 'usr/bin/true');
  const mounts: Mount[] = [];
  for (const program of ['/usr/sbin/start-stop-daemon', '/usr/bin/py3compile', '/usr/bin/py3clean']) {
    if (await exists(join(root, program))) mounts.push({ source: nothing, target: program });
  }
  for (const version of await pythonVersions(root)) {
    mounts.push({ source: join(work, 'empty.py'), target: `/usr/lib/${version}/py_compile.py` });
  }
  return mounts;
}

async function pythonVersions(root: string): Promise<readonly string[]> {
  const names = await readdir(join(root, 'usr/lib')).catch(() => []);
  const present: string[] = [];
  for (const name of names.filter((one) => /^python3\.\d+$/.test(one))) {
    if (await exists(join(root, 'usr/lib', name, 'py_compile.py'))) present.push(name);
  }
  return present;
}

function debMounts(debs: readonly DebFile[], target: string): readonly Mount[] {
  const folders = [...new Set(debs.map(({ path }) => dirname(path)))];
  return folders.map((source) => ({ source, target }));
}

function reportPackage(verb: string, total: number, { report }: StageContext): (line: string) => void {
  let done = 0;
  return (line) => {
    if (!line.startsWith(`${verb} `)) return;
    done += 1;
    const name = line.slice(verb.length + 1).split(/[\s:]/)[0] ?? '';
    report.progress({ done: Math.min(done, total), total, unit: 'steps', text: name });
  };
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
