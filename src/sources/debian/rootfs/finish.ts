import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { rootfsLeftovers } from './leftovers.js';
import type { RootfsBuild, RootfsInput } from './rootfs-build.js';
import { pathExists } from '../../../host/path-exists.js';

/** Removes what belongs to the build, and leaves to the device what must be its own. */
export async function finish({ root, input, context }: RootfsBuild): Promise<void> {
  const conditions = rootfsLeftovers(input.lock.architecture)
    .flatMap((pattern) => ['-o', '-path', `/mnt${pattern}`])
    .slice(1);
  await context.host.runIn(
    { root: input.tools.root, mounts: [{ source: root, target: '/mnt', writable: true }] },
    { file: 'find', args: ['/mnt', '(', ...conditions, ')', '-delete'] },
  );
  // Empty: systemd makes the device's own on first boot, and does not take it for a factory reset.
  await rm(join(root, 'etc/machine-id'), { force: true });
  await writeFile(join(root, 'etc/machine-id'), '', { mode: 0o444 });
  if (await pathExists(join(root, 'etc/apt'))) {
    await writeFile(join(root, 'etc/apt/sources.list'), input.deviceSources, { mode: 0o644 });
  }
}

/** A tree and what it is packed with. */
type PackedTree = Pick<RootfsBuild, 'root' | 'context'> & {
  readonly input: Pick<RootfsInput, 'tools' | 'sourceDateEpoch'>;
};

/** Names of what is packed, each with a NUL behind it: without what is in a folder. In the order of the names. */
type PackedNames = { readonly folder: string; readonly file: string };

/** The same tree gives the same bytes: sorted, owners as numbers, no time later than sourceDateEpoch. */
export async function pack({ root, input, context }: PackedTree, out: string, names?: PackedNames): Promise<void> {
  context.report.step('packing the root file system');
  const mounts = [
    { source: root, target: '/mnt' },
    { source: out, target: '/media', writable: true },
    ...(names === undefined ? [] : [{ source: names.folder, target: '/srv' }]),
  ];
  const what =
    names === undefined
      ? ['--sort=name', '.']
      : ['--no-recursion', '--null', '--verbatim-files-from', `--files-from=/srv/${names.file}`];
  await context.host.runIn(
    { root: input.tools.root, mounts },
    {
      file: 'tar',
      args: [
        ...['--create', '--file=/media/rootfs.tar', '--directory=/mnt'],
        ...['--numeric-owner', '--format=pax'],
        // Without the times of reading and the process id that tar would put into headers.
        '--pax-option=delete=atime,delete=ctime,exthdr.name=%d/PaxHeaders/%f',
        ...[`--mtime=@${input.sourceDateEpoch}`, '--clamp-mtime'],
        ...['--xattrs', '--xattrs-include=security.capability'],
        ...what,
      ],
    },
  );
}

/** In a user namespace the files belong to users that only the sandbox may act for. */
export async function removeTrees({ input, context }: Pick<PackedTree, 'input' | 'context'>): Promise<void> {
  const mounts = [{ source: context.work, target: '/mnt', writable: true }];
  const command = { file: 'rm', args: ['-rf', '/mnt/root', '/mnt/twin'] };
  // After an interruption nothing may be started any more; the store cleans up then.
  await context.host.runIn({ root: input.tools.root, mounts }, command).catch(() => undefined);
}
