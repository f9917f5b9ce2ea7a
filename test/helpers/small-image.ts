import { execFile } from 'node:child_process';
import { chmod, link, mkdir, open, symlink, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { MiB } from '../../src/model/bytes.js';
import { sandboxed } from '../../src/model/sandbox.js';

const exec = promisify(execFile);

export const FAT_OFFSET = MiB;
export const FAT_BYTES = 34 * MiB;
export const ROOT_OFFSET = FAT_OFFSET + FAT_BYTES;
export const ROOT_BYTES = 24 * MiB;

/** What goes where: text for a file; a folder is made for each path. */
export type Texts = Readonly<Record<string, string>>;

/** Runs a program of the tools tree in a folder of ours, as root of the sandbox. */
export async function inTools(
  tools: string,
  dir: string,
  file: string,
  args: readonly string[],
  stdin = '',
): Promise<string> {
  const sandbox = { root: tools, mounts: [{ source: dir, target: '/run/dir', writable: true }], cwd: '/run/dir' };
  const command = sandboxed(sandbox, { file, args, env: { MTOOLS_SKIP_CHECK: '1' } }, privilege());
  const running = exec(command.file, command.args, { maxBuffer: 64 * MiB });
  running.child.stdin?.end(stdin);
  return (await running).stdout;
}

function privilege(): 'root' | 'user-namespace' {
  return process.getuid?.() === 0 ? 'root' : 'user-namespace';
}

export const USER_DATA = `#cloud-config
hostname: garden
users:
  - name: ada
    sudo: ALL=(ALL) NOPASSWD:ALL
    hashed_passwd: $6$salt$averysecrethash
    ssh_authorized_keys:
      - ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f ada@desk
write_files:
  - path: /etc/secret.conf
    content: a very secret line
`;

const NETWORK_CONFIG = `version: 2
wifis:
  wlan0:
    dhcp4: true
    access-points:
      "shed":
        password: averysecretpsk
`;

export const BOOT_TEXTS: Texts = {
  'config.txt': '[all]\narm_64bit=1\nkernel=kernel8.img\n',
  'cmdline.txt': 'console=tty1 root=PARTUUID=1234abcd-02 rootwait\n',
  'kernel8.img': `head\0Linux version 6.12.1-garden (builder)\0${'k'.repeat(5000)}`,
  'user-data': USER_DATA,
  'meta-data': 'instance-id: garden-1\n',
  'network-config': NETWORK_CONFIG,
  'overlays/A long name of a file.dtbo': 'overlay',
};

export const ROOT_TEXTS: Texts = {
  'etc/fstab': 'PARTUUID=1234abcd-02 / ext4 defaults 0 1\nPARTUUID=1234abcd-01 /boot vfat defaults 0 2\n',
  'etc/os-release': 'PRETTY_NAME="Garden Linux 1"\nID=garden\nVERSION_ID="1"\n',
  'etc/passwd': 'root:x:0:0:root:/root:/bin/sh\nada:x:1000:1000::/home/ada:/bin/sh\n',
  'etc/group': 'root:x:0:\nada:x:1000:\n',
  'boot/hidden-below-the-fat': 'never seen',
  'usr/bin/tool': 'T'.repeat(50_000),
  'usr/bin/<script>alert(1)<\\script>': 'odd',
  'usr/lib/modules/6.12.1-garden/modules.dep': 'none',
  'var/lib/dpkg/status': [
    'Package: tool\nStatus: install ok installed\nInstalled-Size: 60\nArchitecture: arm64\nVersion: 1.2-3\nSection: utils\nDescription: does <b>things</b>\n more\n',
    'Package: gone\nStatus: deinstall ok config-files\nVersion: 1\n',
  ].join('\n'),
  'var/lib/dpkg/info/tool.list': '/.\n/usr\n/bin/tool\n/usr/share/doc/tool/left-out\n',
};

/** A folder with `texts` in it, links, holes, odd modes and a folder of many names. */
async function fillRoot(dir: string, texts: Texts): Promise<void> {
  await writeTexts(dir, texts);
  await symlink('usr/bin', join(dir, 'bin'));
  await symlink('/etc/fstab', join(dir, 'etc/absolute'));
  await symlink(`${'../etc/'.repeat(12)}fstab`, join(dir, 'etc/long'));
  await symlink('nowhere', join(dir, 'etc/dangling'));
  await symlink('loop', join(dir, 'etc/loop'));
  await link(join(dir, 'usr/bin/tool'), join(dir, 'usr/bin/same-tool'));
  await chmod(join(dir, 'usr/bin/tool'), 0o4755);
  const sparse = await open(join(dir, 'etc/sparse'), 'w');
  await sparse.write('begin', 0);
  await sparse.write('end', 3 * MiB);
  await sparse.close();
  await mkdir(join(dir, 'many'));
  for (let index = 0; index < 700; index += 1) {
    await writeFile(join(dir, 'many', `a-file-with-a-rather-long-name-${index}`), index.toString());
  }
}

async function writeTexts(dir: string, texts: Texts): Promise<void> {
  for (const [path, text] of Object.entries(texts)) {
    await mkdir(dirname(join(dir, path)), { recursive: true });
    await writeFile(join(dir, path), text);
  }
}

export type SmallImage = { readonly image: string; readonly root: string; readonly boot: string };

/** A disk image with a FAT32 and an ext file system, and the folders that they were made of. */
export async function makeSmallImage(
  tools: string,
  dir: string,
  options: { readonly kind?: string; readonly root?: Texts; readonly boot?: Texts } = {},
): Promise<SmallImage> {
  await mkdir(join(dir, 'root'), { recursive: true });
  await mkdir(join(dir, 'boot'));
  await fillRoot(join(dir, 'root'), { ...ROOT_TEXTS, ...options.root });
  await writeTexts(join(dir, 'boot'), { ...BOOT_TEXTS, ...options.boot });
  const image = join(dir, 'disk.img');
  await writeFile(image, '');
  await truncate(image, ROOT_OFFSET + ROOT_BYTES);
  const sector = (bytes: number): number => bytes / 512;
  const table =
    `label: dos\nlabel-id: 0x1234abcd\nstart=${sector(FAT_OFFSET)}, size=${sector(FAT_BYTES)}, type=c\n` +
    `start=${sector(ROOT_OFFSET)}, size=${sector(ROOT_BYTES)}, type=83\n`;
  await inTools(tools, dir, 'sfdisk', ['-q', 'disk.img'], table);
  const drive = ['-i', `disk.img@@${FAT_OFFSET}`];
  const shape = ['-F', '-T', sector(FAT_BYTES).toString(), '-h', '64', '-s', '32', '-v', 'GARDEN', '-N', '1234abcd'];
  await inTools(tools, dir, 'mformat', [...drive, ...shape, '::']);
  const names = [...new Set(Object.keys({ ...BOOT_TEXTS, ...options.boot }).map((path) => path.split('/')[0] ?? path))];
  await inTools(tools, dir, 'mcopy', ['-s', ...drive, ...names.map((name) => `boot/${name}`), '::']);
  const offset = `offset=${ROOT_OFFSET},root_owner=0:0`;
  const kind = options.kind ?? 'ext4';
  const features = kind === 'ext4' ? [] : ['-O', '^extent'];
  await inTools(tools, dir, 'mke2fs', [
    ...['-q', '-t', kind, ...features, '-b', kind === 'ext2' ? '1024' : '4096', '-d', 'root', '-L', 'garden-root'],
    ...['-U', '01234567-89ab-4cde-8f01-23456789abcd', '-E', offset, 'disk.img', `${ROOT_BYTES / 1024}k`],
  ]);
  return { image, root: join(dir, 'root'), boot: join(dir, 'boot') };
}
