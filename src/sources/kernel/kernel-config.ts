import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mergeFragments } from './fragments.js';
import type { Problem } from '../../errors.js';
import type { Stage } from '../../pipeline/stage.js';
import { lostOptions, resolveConfig } from './configure.js';
import type { KernelInput } from './kernel-build.js';
import { startBuild } from './kernel-build.js';
import { prepareSource } from './source.js';
import { kernelKey } from './kernel.js';

/** What Kconfig makes of a board's fragments, without compiling: `config` and `lost.json`, the options it dropped. */
export const kernelConfigStage: Stage<KernelInput, KernelConfig> = {
  name: 'kernel-config',
  version: 1,
  group: 'Kernel',
  open: ({ path }) => readKernelConfig(path),
  check: (input) => mergeFragments(input.fragments).problems,
  // Where an option was asked for is in the result, so the files' names count too.
  key: (input) => ({
    kernel: kernelKey(input),
    places: input.fragments.map(({ file, text }) => `${file}\n${text}`),
  }),

  async run(input, out, context) {
    const build = await startBuild(input, context);
    await prepareSource(input, build, context);
    const resolved = await resolveConfig(input.fragments, build, context);
    const lost = await lostOptions(input.fragments, resolved, build);
    await writeFile(join(out, 'lost.json'), JSON.stringify(lost, undefined, 1));
    await copyFile(join(build.folder, 'objects', '.config'), join(out, 'config'));
  },
};

/** A resolved configuration, and what was asked for and is not in it. */
export type KernelConfig = { readonly config: string; readonly lost: readonly Problem[] };

async function readKernelConfig(out: string): Promise<KernelConfig> {
  const lost = JSON.parse(await readFile(join(out, 'lost.json'), 'utf8')) as readonly Problem[];
  return { config: await readFile(join(out, 'config'), 'utf8'), lost };
}
