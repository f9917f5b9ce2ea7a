import { dirname } from 'node:path';
import type { Command } from '../../../model/command.js';
import { ownerIds } from '../../../formats/owner-ids.js';
import type { Sandbox } from '../../../model/sandbox.js';
import { mergedPath } from '../../../model/software.js';
import { UserError } from '../../../errors.js';
import type { Host } from '../../../host/host.js';
import type { PlacedFile } from '../../../model/software.js';

/**
 * Puts files and archives at their places below /mnt of the sandbox. Throws UserError `software-owner-unknown` and
 * `software-archive-invalid`.
 */
export async function placeFiles(files: readonly PlacedFile[], sandbox: Sandbox, host: Host): Promise<void> {
  if (files.length === 0) return;
  const read = async (file: string): Promise<string> =>
    (await host.runIn(sandbox, { file: 'cat', args: [`/mnt/etc/${file}`] })).stdout;
  const accounts = { passwd: await read('passwd'), group: await read('group') };
  for (const file of files) {
    const ids = ownerIds(file.owner, accounts);
    if (ids === undefined) {
      throw new UserError(
        'software-owner-unknown',
        `${file.to} is to belong to ${file.owner}, whom the image does not have`,
        {
          hints: ['Users of packages are there; those of the seed are made on the device. Or use the numbers.'],
        },
      );
    }
    const mounts = [...(sandbox.mounts ?? []), { source: file.source, target: SOURCE }];
    const inside = { ...sandbox, mounts };
    const target = `/mnt${mergedPath(file.to)}`;
    const owner = ['--owner', ids.user.toString(), '--group', ids.group.toString()];
    if (file.unpack === undefined) {
      await host.runIn(inside, { file: 'mkdir', args: ['--parents', dirname(target)] });
      const mode = file.mode.toString(8).padStart(4, '0');
      await host.runIn(inside, {
        file: 'install',
        args: [...owner, '--mode', mode, '--no-target-directory', SOURCE, target],
      });
    } else {
      await host.runIn(inside, { file: 'mkdir', args: ['--parents', target] });
      await unpack(file, target, file.unpack.strip, ids, inside, host);
    }
  }
}

const SOURCE = '/run/placed-file';

async function unpack(
  file: PlacedFile,
  target: string,
  strip: number,
  ids: { readonly user: number; readonly group: number },
  sandbox: Sandbox,
  host: Host,
): Promise<void> {
  const args = [
    ...['--extract', `--file=${SOURCE}`, `--directory=${target}`, `--strip-components=${strip}`],
    // Links to folders that packages made (/bin) stay links; nothing that is there is replaced by a folder of the archive.
    ...['--same-permissions', '--keep-directory-symlink', '--no-overwrite-dir'],
    // Whoever packed it is nobody here.
    ...['--no-same-owner', '--verbose', '--show-transformed-names', '--quoting-style=literal'],
  ];
  const listed = await host.runIn(sandbox, { file: 'tar', args }).catch((cause: unknown) => {
    throw new UserError(
      'software-archive-invalid',
      `What is to be unpacked into ${file.to} is no archive that tar can read`,
      {
        details: cause instanceof Error && 'details' in cause ? (cause.details as string[]) : [],
        hints: ['Leave `unpack` out for a single file; zip archives cannot be unpacked.'],
        cause,
      },
    );
  });
  const paths = listed.stdout.split('\n').filter((line) => line !== '' && line !== './');
  if (paths.length === 0) {
    throw new UserError('software-archive-invalid', `nothing of the archive is left for ${file.to}`, {
      hints: [`strip is ${strip}: it drops so many leading folders of each path.`],
    });
  }
  if (ids.user === 0 && ids.group === 0) return;
  const stdin = paths.map((path) => `${target}/${path}\0`).join('');
  const chown = ['--null', 'chown', '--no-dereference', `${ids.user}:${ids.group}`];
  await host.runIn(sandbox, { file: 'xargs', args: chown, stdin });
}

/** Afterwards nothing is left of what the programs keep beside what they change. */
export async function runInImage(
  commands: readonly Command[],
  root: string,
  sandbox: Sandbox,
  host: Host,
): Promise<void> {
  for (const command of commands) {
    await host.runIn({ root, rootWritable: true }, { ...command, env: { SYSTEMD_OFFLINE: '1', ...command.env } });
  }
  if (commands.length === 0) return;
  const backups = ['passwd-', 'group-', 'shadow-', 'gshadow-', '.pwd.lock'].map((name) => `/mnt/etc/${name}`);
  await host.runIn(sandbox, { file: 'rm', args: ['-f', ...backups] });
}
