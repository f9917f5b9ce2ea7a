import { UserError } from '../errors.js';
import type { Host } from '../host/host.js';
import { archiveAsOf } from '../pipeline/archive-date.js';
import { stageNode } from '../pipeline/graph.js';
import type { Reporter } from '../pipeline/reporter.js';
import { withRunner } from '../pipeline/runner.js';
import type { Stage } from '../pipeline/stage.js';
import { Store } from '../pipeline/store.js';
import type { ToolsTree, ToolsTreeInput } from './tools-tree.js';
import { qemuTreeStage, toolsTreeStage, updateTreeStage } from './tools-tree.js';

/** The suite of the tools and of every image. */
export const SUITE = 'trixie';

export type ToolsOptions = { readonly archiveAsOf: string; readonly mirror?: string | undefined };

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

/** QEMU's PC and its UEFI, which are not among the tools: nobody needs them for a Raspberry Pi. */
const QEMU_PC_PACKAGES = ['qemu-system-x86', 'qemu-utils', 'ovmf'];

/**
 * What makes and checks update bundles, and the modules of signing tokens: OpenSC for smart cards, Yubico's own, and
 * SoftHSM, whose tokens are files. Nobody needs them for an image, so they are no reason to make its tools again.
 */
const UPDATE_PACKAGES = [
  'rauc',
  'openssl',
  'squashfs-tools',
  // veritysetup
  'cryptsetup-bin',
  'libengine-pkcs11-openssl',
  'opensc-pkcs11',
  'ykcs11',
  'softhsm2',
];

/** For work that needs tools and no other stage. */
export type ToolsRequest = { readonly mirror?: string | undefined; readonly offline: boolean };

/** A tree with the QEMU for PCs, from the store or made now. Throws what the stage throws. */
export async function obtainQemuTree(request: ToolsRequest, host: Host, reporter: Reporter): Promise<ToolsTree> {
  return obtain(qemuTreeStage, QEMU_PC_PACKAGES, request, host, reporter);
}

/** A tree with RAUC and OpenSSL, from the store or made now. Throws what the stage throws. */
export async function obtainUpdateTree(request: ToolsRequest, host: Host, reporter: Reporter): Promise<ToolsTree> {
  return obtain(updateTreeStage, UPDATE_PACKAGES, request, host, reporter);
}

/** The tools tree, from the store or made now. Throws what the stage throws. */
export async function obtainToolsTree(request: ToolsRequest, host: Host, reporter: Reporter): Promise<ToolsTree> {
  return obtain(toolsTreeStage, undefined, request, host, reporter);
}

async function obtain(
  stage: Stage<ToolsTreeInput, ToolsTree>,
  packages: readonly string[] | undefined,
  { mirror, offline }: ToolsRequest,
  host: Host,
  reporter: Reporter,
): Promise<ToolsTree> {
  const store = new Store(host.facts.cacheDir, host);
  return withRunner(host, store, reporter, { jobs: host.facts.cpus, offline }, async (runner) => {
    const options = { archiveAsOf: await archiveAsOf(store, false), mirror };
    const input = toolsTreeInput(host.facts.architecture, options);
    return runner.run(stageNode(stage, {}, () => (packages === undefined ? input : { ...input, packages })));
  });
}
