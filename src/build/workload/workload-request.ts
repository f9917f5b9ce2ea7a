import { findWorkload } from '../../config/listing/workloads.js';
import { configPlaces } from '../../config/places.js';
import type { Problem } from '../../errors.js';
import { UserError } from '../../errors.js';
import type { WorkloadTreeSpec } from '../../model/image-spec.js';
import type { Workload } from '../../model/workload.js';
import type { CopiedFolder } from '../../sources/copy-folder.js';
import type { BuildOptions } from '../build-options.js';
import { copiedFolders } from '../copied-folders.js';
import { refuseDebianOptions } from '../small/refuse-debian-options.js';

/** What a root of one workload is asked for with. */
export type WorkloadRequest = {
  readonly from: 'workload';
  readonly root: WorkloadTreeSpec;
  readonly workload: Workload;
  /** Globs of the command line: what goes in though no list has it, and what stays out though one does. */
  readonly keep: readonly string[];
  readonly drop: readonly string[];
  /** Folders of the user, in the order in which they are copied. */
  readonly folders: readonly CopiedFolder[];
};

/** Throws what `findWorkload` throws, and UserError `workload-missing`. Codes: `userland-unfit`. */
export async function readWorkloadRequest(
  root: WorkloadTreeSpec,
  options: BuildOptions,
): Promise<{ readonly request: WorkloadRequest; readonly problems: readonly Problem[] }> {
  if (options.workload === undefined) {
    throw new UserError('workload-missing', 'This system holds one workload, and none is named', {
      hints: ['Name it with --workload FILE; `reswarm-os workload list` shows those that are shipped.'],
    });
  }
  const { workload } = await findWorkload(options.workload, configPlaces(options.projectDir, options.workingFolder));
  const { keep = [], drop = [] } = options;
  const folders = await copiedFolders([], root.overlays);
  return {
    request: { from: 'workload', root, workload, keep, drop, folders },
    problems: [...refuseDebianOptions(options), ...refuseSeed(options)],
  };
}

/** Nothing in such a system reads one. */
function refuseSeed({ seed }: BuildOptions): readonly Problem[] {
  const { sshKeys = [], ...texts } = seed;
  const isGiven = sshKeys.length > 0 || Object.values(texts).some((value) => value !== undefined);
  if (!isGiven) return [];
  return [
    {
      code: 'userland-unfit',
      message: 'a system of one workload reads no seed: no host name, keys or networks can be given to it',
      hint: 'Put settings into the files or the environment of the workload.',
    },
  ];
}
