import type { Host } from '../host/host.js';
import type { Reporter } from '../pipeline/reporter.js';
import type { Machine } from '../model/qemu.js';
import type { ToolsRequest } from '../tools/obtain-tools.js';
import { obtainQemuTree, obtainToolsTree } from '../tools/obtain-tools.js';

export type BootToolsOptions = {
  /** Root of a tools tree; by default the one of the store, made when it is not there yet. */
  readonly tools?: string;
  readonly mirror?: string;
  readonly offline?: boolean;
};

/** The tools tree's root: QEMU and mtools. Throws what the tools stage throws. */
export async function obtainBootTools(options: BootToolsOptions, host: Host, report: Reporter): Promise<string> {
  if (options.tools !== undefined) return options.tools;
  return (await obtainToolsTree(requestOf(options), host, report)).root;
}

/** Root of the tree that has the QEMU for a machine: the tools themselves, but for PCs, which few people start. */
export async function obtainQemu(
  machine: Machine,
  tools: string,
  options: BootToolsOptions,
  host: Host,
  report: Reporter,
): Promise<string> {
  if (machine.architecture !== 'amd64') return tools;
  return (await obtainQemuTree(requestOf(options), host, report)).root;
}

function requestOf({ mirror, offline }: BootToolsOptions): ToolsRequest {
  return { mirror, offline: offline === true };
}
