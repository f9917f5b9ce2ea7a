import { UserError } from '../errors.js';
import type { Architecture } from '../model/architecture.js';
import { kernelTarget } from '../model/kernel-target.js';
import type { ToolsTree } from './tools-tree.js';

/**
 * Throws UserError `no-cross-compiler`: the tools tree cross-compiles for arm64, and natively for the host's own
 * architecture.
 * @param what in the plural: "kernels"
 */
export function requireCompiler(what: string, architecture: Architecture, tools: ToolsTree): void {
  const missing = kernelTarget(architecture).compilers.filter((name) => tools.versions[name] === undefined);
  if (missing.length === 0) return;
  throw new UserError('no-cross-compiler', `The tools have no compiler for ${architecture}: ${missing.join(', ')}`, {
    hints: [`Build ${what} for ${architecture} on a machine of that architecture.`],
  });
}
