import { dirname, join } from 'node:path';
import type { DebFile, PackageLock } from '../packages.js';
import type { PinnedPackageFile } from '../../../model/packages.js';
import type { Mount, Sandbox } from '../../../model/sandbox.js';
import type { RunOptions } from '../../../host/host.js';
import type { StageContext } from '../../../pipeline/stage.js';
import type { ToolsTree } from '../../../tools/tools-tree.js';

export type RootfsInput = {
  readonly tools: ToolsTree;
  readonly hostArchitecture: string;
  readonly lock: Pick<PackageLock, 'architecture' | 'install' | 'essential' | 'twins'>;
  /** The sources.list that the lock was made with. */
  readonly sources: string;
  /** Files of the user's among the locked packages. */
  readonly packageFiles?: readonly PinnedPackageFile[];
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

/** One run of the stage: what is asked for, and the folder in which the image comes into being. */
export type RootfsBuild = {
  readonly input: RootfsInput;
  readonly root: string;
  readonly context: StageContext;
  /** Units that were there before these packages: what became of them is not changed. */
  readonly unitsBelow?: ReadonlySet<string>;
};

/** What is laid over the image while a command runs in it; empty: nothing, its programs are emulated or native as they are. */
export type NativeMounts = readonly Mount[];

/** How to run a command with the image as its root. */
export type InImage = { readonly sandbox: Sandbox; readonly env: Readonly<Record<string, string>> };

/**
 * No service of the image may start there.
 *
 * @param more mounts on top of the overlay
 */
export function inImage(
  { root, input, context }: RootfsBuild,
  overlay: NativeMounts,
  more: readonly Mount[] = [],
): InImage {
  const policy = { source: join(context.work, 'policy-rc.d'), target: '/usr/sbin/policy-rc.d' };
  const sandbox = { root, rootWritable: true, mounts: [...overlay, ...more, policy] };
  // With twins nothing is flushed to the disk: the tree lives for a minute only.
  const preload: Readonly<Record<string, string>> = overlay.length === 0 ? {} : { LD_PRELOAD: 'libeatmydata.so' };
  return { sandbox, env: { ...scriptEnvironment(input), ...preload } };
}

/** What every maintainer script sees. */
export function scriptEnvironment({ sourceDateEpoch }: RootfsInput): Readonly<Record<string, string>> {
  return {
    DEBIAN_FRONTEND: 'noninteractive',
    DEBCONF_NONINTERACTIVE_SEEN: 'true',
    // debconf writes its hashes in Perl's order.
    PERL_HASH_SEED: '0',
    SOURCE_DATE_EPOCH: sourceDateEpoch.toString(),
    // Python scripts would leave bytecode of what they import.
    PYTHONDONTWRITEBYTECODE: '1',
    SYSTEMD_OFFLINE: '1',
    LC_ALL: 'C.UTF-8',
  };
}

export function debMounts(debs: readonly DebFile[], target: string): readonly Mount[] {
  const folders = [...new Set(debs.map(({ path }) => dirname(path)))];
  return folders.map((source) => ({ source, target }));
}

/** Turns dpkg's lines ("Setting up bash (5.2-1) ...") into progress, and keeps all of them in a log. */
export function followDpkg(verb: string, total: number, { report, work }: StageContext): RunOptions {
  let done = 0;
  const onLine = (line: string): void => {
    if (!line.startsWith(`${verb} `)) return;
    done += 1;
    const name = line.slice(verb.length + 1).split(/[\s:]/)[0] ?? '';
    report.progress({ done: Math.min(done, total), total, unit: 'steps', text: name });
  };
  return { onLine, logFile: join(work, 'dpkg.log') };
}
