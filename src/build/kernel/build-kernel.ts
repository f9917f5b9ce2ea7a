import { cp, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { UserError } from '../../errors.js';
import { linkTarget, temporaryBeside } from '../../host/replace-file.js';
import type { Host } from '../../host/host.js';
import { guardSpace } from '../../pipeline/disk-full.js';
import { stageNode } from '../../pipeline/graph.js';
import type { StageRecord } from '../../pipeline/runner.js';
import type { Reporter } from '../../pipeline/reporter.js';
import { kernelStage } from '../../sources/kernel/kernel.js';
import type { KernelOptions } from './prepare-kernel.js';
import { withKernel } from './prepare-kernel.js';

export type BuiltKernel = {
  readonly board: string;
  /** What `uname -r` says. */
  readonly release: string;
  readonly output: string;
  readonly stages: readonly StageRecord[];
};

/**
 * A board's kernel in a folder of its own: Image, Image.gz, dtbs, modules, config, System.map. Throws UserError
 * `output-not-empty` when there is something in that folder, and what the stages throw.
 */
export async function buildKernel(
  options: KernelOptions & { readonly output: string },
  host: Host,
  reporter: Reporter,
): Promise<BuiltKernel> {
  const output = await linkTarget(resolve(options.workingFolder, options.output));
  await requireEmpty(output);
  return withKernel(options, host, reporter, async ({ board, runner, input }) => {
    const kernel = await runner.run(stageNode(kernelStage, { input }, (made) => made.input));
    await copyWhole(kernel.path, output);
    return { board: board.id, release: await kernel.release(), output, stages: runner.records };
  });
}

async function requireEmpty(output: string): Promise<void> {
  const status = await stat(output).catch(() => undefined);
  if (status === undefined) return;
  if (status.isDirectory() && (await readdir(output)).length === 0) return;
  throw new UserError('output-not-empty', `${output} exists and is not an empty folder`, {
    hints: ['Name another folder, or remove this one.'],
  });
}

/** Whole or not at all. */
async function copyWhole(from: string, output: string): Promise<void> {
  const temporary = temporaryBeside(output);
  await mkdir(dirname(output), { recursive: true });
  await guardSpace(dirname(output), 'Make room there, or name a folder on another disk.', async () => {
    try {
      await cp(from, temporary, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
      await rename(temporary, output);
    } catch (error) {
      await rm(temporary, { recursive: true, force: true });
      throw error;
    }
  });
}
