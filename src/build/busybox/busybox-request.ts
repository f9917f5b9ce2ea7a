import type { Problem } from '../../errors.js';
import type { BusyboxTreeSpec } from '../../model/image-spec.js';
import type { CopiedFolder } from '../../sources/copy-folder.js';
import type { BuildOptions } from '../build-options.js';
import { copiedFolders } from '../copied-folders.js';
import { refuseDebianOptions } from '../small/refuse-debian-options.js';

/** What a root of BusyBox is asked for with. */
export type BusyboxRequest = {
  readonly from: 'busybox';
  readonly root: BusyboxTreeSpec;
  /** Folders of the root's layers and overlays, in the order in which they are copied. */
  readonly folders: readonly CopiedFolder[];
};

/** Codes: those of `refuseDebianOptions`. */
export async function readBusyboxRequest(
  root: BusyboxTreeSpec,
  options: BuildOptions,
): Promise<{ readonly request: BusyboxRequest; readonly problems: readonly Problem[] }> {
  const folders = await copiedFolders(root.layers, root.overlays);
  return { request: { from: 'busybox', root, folders }, problems: refuseDebianOptions(options) };
}
