import type { Problem } from '../../errors.js';
import type { ImageSpec, WorkloadTreeSpec } from '../../model/image-spec.js';
import type { CopiedFolder } from '../../sources/copy-folder.js';
import type { BuildOptions } from '../build-options.js';
import { copiedFolders } from '../copied-folders.js';
import { refuseDebianOptions } from '../small/refuse-debian-options.js';

/** What a root of one workload is asked for with. */
export type WorkloadRequest = {
  readonly from: 'workload';
  readonly root: WorkloadTreeSpec;
  /** Folders of the user, in the order in which they are copied. */
  readonly folders: readonly CopiedFolder[];
};

/** Codes: those of `refuseDebianOptions`. */
export async function readWorkloadRequest(
  _spec: ImageSpec,
  root: WorkloadTreeSpec,
  options: BuildOptions,
): Promise<{ readonly request: WorkloadRequest; readonly problems: readonly Problem[] }> {
  const folders = await copiedFolders([], root.overlays);
  return { request: { from: 'workload', root, folders }, problems: refuseDebianOptions(options) };
}
