import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, copyFile, mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { sandboxed } from '../../src/model/sandbox.js';
import { readHostFacts } from '../../src/host/read-facts.js';
import { cli, resultOf } from './cli.js';

const run = promisify(execFile);
const facts = readHostFacts(process.env);

/** Where Debian's packages have the programs of Docker's own bundle. */
const PROGRAMS: Readonly<Record<string, readonly string[]>> = {
  'docker.io': ['usr/sbin/dockerd', 'usr/sbin/docker-proxy'],
  'docker-cli': ['usr/bin/docker'],
  containerd: ['usr/bin/containerd', 'usr/bin/containerd-shim-runc-v2', 'usr/bin/ctr'],
  runc: ['usr/sbin/runc'],
  tini: ['usr/bin/tini-static'],
};

/**
 * A bundle as Docker's download server has it, made of Debian's programs: theirs is out of reach for tests. The packages
 * are those that a build with Docker of Debian has fetched.
 *
 * @returns the path of the .tgz in `folder`
 */
export async function debianBundle(folder: string, architecture: 'arm64' | 'amd64' = 'arm64'): Promise<string> {
  const { entries } = resultOf(await cli(['cache', 'list', '--json'])) as unknown as {
    entries: { stage: string; path: string }[];
  };
  const tools = entries.find(({ stage }) => stage === 'tools');
  if (tools === undefined) throw new Error('the store has no tools');
  const pool = join(facts.cacheDir, 'v1/downloads/debs');
  const names = await readdir(pool);
  await mkdir(join(folder, 'bundle/docker'), { recursive: true });
  for (const [name, paths] of Object.entries(PROGRAMS)) {
    const deb = names
      .filter((one) => one.startsWith(`${name}_`) && one.endsWith(`_${architecture}.deb`))
      .sort()
      .at(-1);
    if (deb === undefined) throw new Error(`no build has fetched ${name}`);
    const mounts = [
      { source: pool, target: '/srv' },
      { source: folder, target: '/mnt', writable: true },
    ];
    const unpack = { file: 'dpkg-deb', args: ['--extract', join('/srv', deb), '/mnt/bundle/debs'] };
    const command = sandboxed({ root: join(tools.path, 'out/tree'), mounts }, unpack, facts.privilege);
    await run(command.file, command.args);
    for (const path of paths) {
      const program = path === 'usr/bin/tini-static' ? 'docker-init' : (path.split('/').at(-1) ?? path);
      const target = join(folder, 'bundle/docker', program);
      await copyFile(join(folder, 'bundle/debs', path), target);
      await chmod(target, 0o755);
    }
  }
  await run('tar', ['-czf', join(folder, 'docker.tgz'), '-C', join(folder, 'bundle'), 'docker']);
  return join(folder, 'docker.tgz');
}

/** `docker.bundle` of a board, for a server that gives the bundle to whatever is asked for. */
export async function bundleOf(file: string, url: string): Promise<string> {
  const digest = createHash('sha256')
    .update(await readFile(file))
    .digest('hex');
  return `  bundle:\n    version: 26.1.5\n    sha256: ${digest}\n    url: ${url}/docker-{version}.tgz\n`;
}
