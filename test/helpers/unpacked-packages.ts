import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Host } from '../../src/host/host.js';

/**
 * Packages of the images' suite, fetched and verified by the tools' own apt: the files lie in `debs`, what they hold in
 * `unpacked`, both below `folder`, which exists.
 */
export async function unpackPackages(
  host: Host,
  tools: string,
  folder: string,
  names: readonly string[],
): Promise<readonly string[]> {
  for (const name of ['debs', 'lists', 'cache', 'unpacked']) await mkdir(join(folder, name));
  const mounts = [
    { source: join(folder, 'debs'), target: '/mnt', writable: true },
    { source: join(folder, 'lists'), target: '/var/lib/apt/lists', writable: true },
    { source: join(folder, 'cache'), target: '/var/cache/apt', writable: true },
  ];
  for (const args of [['update'], ['download', ...names]]) {
    await host.runIn(
      { root: tools, mounts, network: true, cwd: '/mnt' },
      { file: 'apt-get', args: ['-qq', '-o', 'APT::Sandbox::User=root', ...args] },
    );
  }
  const files = await readdir(join(folder, 'debs'));
  const unpack = {
    root: tools,
    mounts: [
      { source: join(folder, 'debs'), target: '/srv' },
      { source: join(folder, 'unpacked'), target: '/mnt', writable: true },
    ],
    cwd: '/mnt',
  };
  for (const file of files) await host.runIn(unpack, { file: 'dpkg-deb', args: ['--extract', `/srv/${file}`, '/mnt'] });
  return files;
}
