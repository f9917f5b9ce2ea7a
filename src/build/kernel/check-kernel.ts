import { join } from 'node:path';
import { readKernelRequirements } from '../../sources/kernel/read-requirements.js';
import { mergeFragments, parseResolvedConfig } from '../../sources/kernel/fragments.js';
import { holdsFor, unmetRequirements } from '../../sources/kernel/requirements.js';
import type { Problem } from '../../errors.js';
import type { Host } from '../../host/host.js';
import type { Reporter } from '../../pipeline/reporter.js';
import { stageNode } from '../../pipeline/graph.js';
import { kernelConfigStage } from '../../sources/kernel/kernel-config.js';
import type { KernelOptions } from './prepare-kernel.js';
import { withKernel } from './prepare-kernel.js';

export type KernelCheck = {
  readonly board: string;
  /** How many options the fragments ask for, and how many of those Kconfig kept. */
  readonly asked: number;
  readonly kept: number;
  readonly builtIn: number;
  readonly modules: number;
  /** The lists that hold for this board, and what is missing of each. */
  readonly lists: readonly { readonly source: string; readonly unmet: readonly string[] }[];
  readonly problems: readonly Problem[];
};

/** Holds a board's resolved kernel configuration against what its fragments ask for and what its programs need. */
export async function checkKernel(options: KernelOptions, host: Host, reporter: Reporter): Promise<KernelCheck> {
  const {
    board,
    input,
    resolved: found,
  } = await withKernel(options, host, reporter, async (kernel) => ({
    board: kernel.board,
    input: await kernel.runner.run(kernel.input),
    resolved: await kernel.runner.run(stageNode(kernelConfigStage, { input: kernel.input }, (made) => made.input)),
  }));
  const { config, lost } = found;
  const resolved = parseResolvedConfig(config);
  const names = board.kernel.fragments.map(({ name }) => name);
  const requirements = await readKernelRequirements(join(options.projectDir, 'boards/kernel/requirements.yaml'));
  const lists = requirements
    .filter((list) => holdsFor(list, names))
    .map((list) => ({
      source: list.source,
      unmet: unmetRequirements(list, names, (name) => resolved.get(`CONFIG_${name}`) ?? 'n'),
    }));
  const asked = mergeFragments(input.fragments).requests.length;
  const values = [...resolved.values()];
  return {
    board: board.id,
    asked,
    kept: asked - lost.length,
    builtIn: values.filter((value) => value === 'y').length,
    modules: values.filter((value) => value === 'm').length,
    lists,
    problems: [...lost, ...lists.flatMap(({ source, unmet }) => unmet.map((text) => requirementUnmet(source, text)))],
  };
}

function requirementUnmet(source: string, text: string): Problem {
  return {
    code: 'kernel-requirement-unmet',
    message: `CONFIG_${text}: wanted by ${source}`,
    hint: 'Ask for it in a fragment of the board.',
  };
}
