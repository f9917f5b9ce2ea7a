import { UserError } from '../errors.js';
import type { Engine } from '../pipeline/engine.js';
import type { ToolsTree, ToolsTreeInput } from './tools-tree.js';
import { qemuTreeStage, readToolsTree, toolsTreeStage } from './tools-tree.js';

/** The suite of the tools and of every image. */
export const SUITE = 'trixie';

export type ToolsOptions = { readonly archiveAsOf: string; readonly mirror?: string };

/** Throws UserError `mirror-invalid`. */
export function toolsTreeInput(hostArchitecture: string, { archiveAsOf, mirror }: ToolsOptions): ToolsTreeInput {
  checkMirror(mirror);
  return { architecture: hostArchitecture, suite: SUITE, archiveAsOf, ...(mirror === undefined ? {} : { mirror }) };
}

/** Throws UserError `mirror-invalid`. */
export function checkMirror(mirror: string | undefined): void {
  if (mirror === undefined || isMirror(mirror)) return;
  throw new UserError('mirror-invalid', `"${mirror}" is not the address of a Debian mirror`, {
    hints: ['For example --mirror https://debian.example.org/debian'],
  });
}

function isMirror(text: string): boolean {
  return URL.canParse(text) && /^(https?|file):$/.test(new URL(text).protocol);
}

/** QEMU's PC, which is not among the tools: nobody needs it for a Raspberry Pi. */
const QEMU_PC_PACKAGES = ['qemu-system-x86', 'qemu-utils'];

/** A tree with the QEMU for PCs, from the store or made now. */
export async function obtainQemuTree(engine: Engine, options: ToolsOptions): Promise<ToolsTree> {
  const input = { ...toolsTreeInput(engine.host.facts.architecture, options), packages: QEMU_PC_PACKAGES };
  const entry = await engine.obtain(qemuTreeStage, input);
  return readToolsTree(entry.path);
}

/** The tools tree, from the store or made now. */
export async function obtainToolsTree(engine: Engine, options: ToolsOptions): Promise<ToolsTree> {
  const entry = await engine.obtain(toolsTreeStage, toolsTreeInput(engine.host.facts.architecture, options));
  return readToolsTree(entry.path);
}
