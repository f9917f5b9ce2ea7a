import { access, mkdir, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Sandbox } from '../../model/sandbox.js';
import { failedHunks } from './patch-output.js';
import { CommandError, UserError } from '../../errors.js';
import type { StageContext } from '../../pipeline/stage.js';
import { unpackDeb } from '../debian/unpack-deb.js';
import type { KernelBuild, KernelInput, KernelPatch } from './kernel-build.js';
import { inside } from './kernel-build.js';

/**
 * Unpacks the kernel source and applies the patches. Throws UserError `kernel-source-invalid` for a tarball that holds
 * no kernel, `kernel-patch-failed` for a patch that does not apply, and what the download of a tarball throws.
 */
export async function prepareSource(input: KernelInput, build: KernelBuild, context: StageContext): Promise<void> {
  context.report.step('unpacking the kernel source');
  if ('url' in input.source) await unpackTarball(input.source, build, context);
  else await unpackDebianSource(input, build, context);
  await requireKernel(input, build);
  for (const patch of input.patches) {
    context.report.step(`applying ${basename(patch.file)}`);
    await applyPatch(patch, build, context);
  }
}

const STRIP = [`--directory=${inside.source}`, '--strip-components=1', '--no-same-owner'];

async function unpackDebianSource(input: KernelInput, build: KernelBuild, context: StageContext): Promise<void> {
  if ('url' in input.source) return;
  const unpacked = await unpackDeb(input.source, input.tools, context);
  const compression = `--use-compress-program=xz --threads=${context.jobs}`;
  const args = ['--extract', `--file=/mnt/${input.source.name}.tar.xz`, compression, ...STRIP];
  await context.host.runIn(withMount(build.sandbox, join(unpacked, 'usr/src')), { file: 'tar', args });
  await rm(unpacked, { recursive: true });
}

async function unpackTarball(
  { url, sha256 }: { readonly url: string; readonly sha256: string },
  build: KernelBuild,
  context: StageContext,
): Promise<void> {
  const path = join(context.shared.downloads, sha256);
  context.report.step(`fetching ${basename(url)}`);
  await context.host.download({
    urls: [url],
    sha256,
    path,
    onProgress: ({ doneBytes, totalBytes }) => {
      context.report.progress({ done: doneBytes, total: totalBytes, unit: 'bytes' });
    },
  });
  context.report.step('unpacking the kernel source');
  try {
    // tar knows gzip, xz and zstd by the first bytes.
    const args = ['--extract', `--file=/mnt/${sha256}`, ...STRIP];
    await context.host.runIn(withMount(build.sandbox, dirname(path)), { file: 'tar', args });
  } catch (error) {
    if (!(error instanceof CommandError) || error.code !== 'command-failed') throw error;
    throw new UserError('kernel-source-invalid', `${url} is not a tarball that tar can unpack`, {
      details: error.details,
      hints: ['kernel.source.url must lead to a .tar, .tar.gz, .tar.xz or .tar.zst of kernel sources.'],
      cause: error,
    });
  }
}

function withMount(sandbox: Sandbox, source: string): Sandbox {
  return { ...sandbox, mounts: [...(sandbox.mounts ?? []), { source, target: '/mnt' }] };
}

async function requireKernel({ source }: KernelInput, build: KernelBuild): Promise<void> {
  if (!('url' in source)) return;
  try {
    for (const name of ['Kconfig', 'Makefile', 'scripts/kconfig']) await access(join(build.folder, 'source', name));
  } catch (error) {
    throw new UserError('kernel-source-invalid', `The tarball ${source.url} holds no Linux kernel sources`, {
      hints: ['Kconfig, Makefile and scripts/ must lie in the one folder at its top.'],
      cause: error,
    });
  }
}

async function applyPatch(patch: KernelPatch, build: KernelBuild, context: StageContext): Promise<void> {
  const folder = join(build.folder, 'patches');
  await mkdir(folder, { recursive: true });
  const name = basename(patch.file);
  await writeFile(join(folder, name), patch.text);
  const output = await context.host.runIn(
    build.sandbox,
    {
      file: 'patch',
      args: [
        // No fuzz: a patch whose context has changed was made for other code, and could land in the wrong place of it.
        ...['--strip=1', '--fuzz=0', '--forward', '--batch', '--no-backup-if-mismatch', '--reject-file=-'],
        ...[`--directory=${inside.source}`, `--input=${inside.build}/patches/${name}`],
      ],
    },
    { okExitCodes: [0, 1, 2] },
  );
  if (output.exitCode === 0) return;
  const hunks = failedHunks(output.stdout);
  throw new UserError('kernel-patch-failed', `The kernel patch ${patch.file} does not apply`, {
    details: hunks.length > 0 ? hunks : [...output.stdout.split('\n'), ...output.stderr.split('\n')].filter(isText),
    hints: ['Adapt it to this kernel, or take it out of kernel.patches.'],
  });
}

function isText(line: string): boolean {
  return line.trim() !== '';
}
