import { chmod, lstat, mkdir, open, rename } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { DockerBundle } from '../../model/container-engine.js';
import { BUNDLE_FOLDER, BUNDLE_PROGRAMS } from '../../model/container-engine.js';
import { ELF_HEADER_BYTES, elfArchitecture } from '../../formats/elf.js';
import { CommandError, IntegrityError } from '../../errors.js';
import type { Made, Stage, StageContext } from '../../pipeline/stage.js';
import { fetchPinned } from './pinned-files.js';
import type { ToolsTree } from '../../tools/tools-tree.js';

export type DockerBundleInput = {
  readonly tools: ToolsTree;
  readonly bundle: DockerBundle;
  /** Debian's name of the board's architecture. */
  readonly architecture: string;
};

/**
 * Docker's own static programs at their places of the root file system. Throws what the download throws, and
 * IntegrityError `docker-bundle-unreadable`, `docker-bundle-incomplete` or `docker-bundle-architecture`.
 */
export const dockerBundleStage: Stage<DockerBundleInput, Made> = {
  name: 'docker-bundle',
  version: 1,
  group: 'Packages of the root file system',
  open: (made) => made,
  key: ({ bundle, architecture }) => ({ sha256: bundle.sha256, architecture, programs: [...BUNDLE_PROGRAMS] }),

  async run({ tools, bundle, architecture }, out, context) {
    const archive = await fetchPinned({ source: { url: bundle.url }, sha256: bundle.sha256 }, context);
    const unpacked = await unpack(archive, tools, bundle, context);
    const folder = join(out, BUNDLE_FOLDER);
    await mkdir(folder, { recursive: true });
    const missing: string[] = [];
    for (const program of BUNDLE_PROGRAMS) {
      const found = await architectureOf(join(unpacked, program));
      if (found === 'absent') missing.push(program);
      else if (found !== architecture) throw wrongArchitecture(bundle, program, found, architecture);
      else {
        await chmod(join(unpacked, program), 0o755);
        await rename(join(unpacked, program), join(folder, program));
      }
    }
    if (missing.length > 0) throw incomplete(bundle, missing);
  },
};

async function unpack(
  archive: string,
  tools: ToolsTree,
  bundle: DockerBundle,
  { host, report, work }: StageContext,
): Promise<string> {
  report.step(`unpacking Docker ${bundle.version}`);
  const mounts = [
    { source: dirname(archive), target: '/srv' },
    { source: work, target: '/mnt', writable: true },
  ];
  const args = ['--extract', `--file=/srv/${basename(archive)}`, '--directory=/mnt', '--no-same-owner', 'docker'];
  try {
    await host.runIn({ root: tools.root, mounts }, { file: 'tar', args });
  } catch (error) {
    if (!(error instanceof CommandError) || error.code !== 'command-failed') throw error;
    throw new IntegrityError(
      'docker-bundle-unreadable',
      `${basename(bundle.url)} is no archive with a folder "docker" in it`,
      { details: error.details, hints: [CHECK_URL], cause: error },
    );
  }
  return join(work, 'docker');
}

const CHECK_URL = 'Check docker.bundle of the board: its url must lead to a bundle of static programs for Linux.';

async function architectureOf(program: string): Promise<string | undefined> {
  if ((await lstat(program).catch(() => undefined))?.isFile() !== true) return 'absent';
  const handle = await open(program);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(ELF_HEADER_BYTES), 0, ELF_HEADER_BYTES, 0);
    return elfArchitecture(buffer.subarray(0, bytesRead));
  } finally {
    await handle.close();
  }
}

function incomplete({ url, version }: DockerBundle, missing: readonly string[]): IntegrityError {
  const message = `Docker's bundle ${version} lacks ${missing.join(', ')}`;
  return new IntegrityError('docker-bundle-incomplete', message, { details: [`from ${url}`], hints: [CHECK_URL] });
}

function wrongArchitecture(
  { url, version }: DockerBundle,
  program: string,
  found: string | undefined,
  wanted: string,
): IntegrityError {
  const kind = found === undefined ? 'no program' : `a program for ${found}`;
  return new IntegrityError(
    'docker-bundle-architecture',
    `${program} in Docker's bundle ${version} is ${kind}; the board is ${wanted}`,
    { details: [`from ${url}`], hints: ['The folder aarch64 of the download server has those for arm64.'] },
  );
}
