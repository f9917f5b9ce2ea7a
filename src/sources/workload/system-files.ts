import { readFile } from 'node:fs/promises';
import type { Problem } from '../../errors.js';
import { UserError } from '../../errors.js';
import { DEFAULT_USER, type Workload } from '../../model/workload.js';
import { DEFAULT_PATH } from './elf-closure.js';
import type { FullTree, TreeFile } from './full-tree.js';
import { folder } from './own-files.js';

/** Ids that a workload runs with. */
export type UserIds = { readonly uid: number; readonly gid: number };

/** Debian's users and groups, as the scripts of base-passwd install them. */
const MASTERS = { passwd: '/usr/share/base-passwd/passwd.master', group: '/usr/share/base-passwd/group.master' };
/** What a system without any package has. */
const SMALLEST = {
  passwd: `root:x:0:0:root:/root:/usr/sbin/nologin\nnobody:x:${DEFAULT_USER}:${DEFAULT_USER}::/nonexistent:/usr/sbin/nologin\n`,
  group: `root:x:0:\nnogroup:x:${DEFAULT_USER}:\n`,
};
const CERTIFICATES = '/usr/share/ca-certificates';

/**
 * Files that Debian's maintainer scripts would write, which never run here: users, names, certificates. Throws UserError
 * `workload-user-unknown`.
 */
export async function systemFiles(
  workload: Workload,
  packages: FullTree,
): Promise<{ readonly files: readonly TreeFile[]; readonly user: UserIds }> {
  const users = await textOf(packages, MASTERS.passwd, SMALLEST.passwd);
  const groups = await textOf(packages, MASTERS.group, SMALLEST.group);
  const user = findUser(workload, users);
  const isKnown = users.split('\n').some((line) => line.split(':')[2] === user.uid.toString());
  const own = isKnown ? '' : `workload:x:${user.uid}:${user.gid}::/tmp:/usr/sbin/nologin\n`;
  const nsswitch = await textOf(packages, '/usr/share/libc-bin/nsswitch.conf', '');
  const bundle = await certificateBundle(packages);
  const files = [
    file('/etc/passwd', `${users}${own}`),
    file('/etc/group', groups),
    file('/etc/hostname', `${workload.id}\n`),
    file('/etc/hosts', `127.0.0.1 localhost\n::1 localhost\n127.0.1.1 ${workload.id}\n`),
    ...(nsswitch === '' ? [] : [file('/etc/nsswitch.conf', nsswitch)]),
    ...(bundle === '' ? [] : [file('/etc/ssl/certs/ca-certificates.crt', bundle)]),
    link('/etc/resolv.conf', '/run/resolv.conf'),
    ...['/proc', '/sys', '/dev', '/run'].map((path) => folder(path)),
    folder('/tmp', 0o1777),
  ];
  return { files, user };
}

/** Those that belong into every minimal root, traced or not; certificates only where somebody reads them. */
export function isAlwaysIn({ path }: TreeFile): boolean {
  return path !== '/etc/ssl/certs/ca-certificates.crt';
}

/** What the init reads: a line is a key and its value. */
export function settingsText(workload: Workload, { uid, gid }: UserIds): string {
  const env = { PATH: DEFAULT_PATH, HOME: '/tmp', ...workload.env };
  const { check } = workload;
  const lines = [
    ['hostname', workload.id],
    ['user', uid],
    ['group', gid],
    ['folder', workload.workingFolder],
    ['restart', workload.restart],
    ...workload.writable.map((path) => ['writable', path]),
    ...workload.ports.map((port) => ['port', port]),
    ...Object.entries(env).map(([name, value]) => ['env', `${name}=${value}`]),
    ...workload.command.map((word) => ['arg', word]),
    ...(check !== undefined && 'command' in check ? check.command.map((word) => ['check', word]) : []),
  ];
  return lines.map((line) => `${line.join(' ')}\n`).join('');
}

function findUser({ user, at }: Workload, passwd: string): UserIds {
  const rows = passwd.split('\n').map((line) => line.split(':'));
  const found = rows.find(([name, , uid]) => (typeof user === 'number' ? uid === user.toString() : name === user));
  if (found !== undefined) return { uid: Number(found[2]), gid: Number(found[3]) };
  if (typeof user === 'number') return { uid: user, gid: user };
  const problem: Problem = {
    code: 'workload-user-unknown',
    message: `there is no user "${user}" in the system`,
    hint: `Users that scripts of packages make do not exist here: give a number. Known: ${rows.flatMap(([name = '']) => (name === '' ? [] : [name])).join(', ')}.`,
    ...at.user,
  };
  throw UserError.fromProblems([problem]);
}

/** As update-ca-certificates joins them. */
async function certificateBundle(packages: FullTree): Promise<string> {
  const sources = [...packages.files].filter(({ path, type }) => {
    return type === 'file' && path.startsWith(`${CERTIFICATES}/`) && path.endsWith('.crt');
  });
  const sorted = sources.sort((a, b) => (a.path < b.path ? -1 : 1));
  const texts = await Promise.all(sorted.map(({ source = '' }) => readFile(source, 'latin1')));
  return texts.map((text) => (text.endsWith('\n') ? text : `${text}\n`)).join('');
}

async function textOf(packages: FullTree, path: string, otherwise: string): Promise<string> {
  const source = packages.at(path)?.source;
  return source === undefined ? otherwise : readFile(source, 'utf8');
}

function file(path: string, text: string): TreeFile {
  return { path, type: 'file', mode: 0o644, sizeBytes: Buffer.byteLength(text), text };
}

function link(path: string, target: string): TreeFile {
  return { path, type: 'link', mode: 0o777, sizeBytes: target.length, target };
}
