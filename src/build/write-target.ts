import type { Host } from '../host/host.js';
import type { StageReporter } from '../pipeline/reporter.js';
import type { DiskParts, WrittenDisk } from '../outputs/disk.js';
import { writeDisk } from '../outputs/disk.js';
import type { ClaimedDevice } from '../drives/claim.js';
import { stageImage } from '../images/image-file.js';
import type { StagedFiles } from '../images/staged-files.js';
import { writeDeviceDisk } from './write-device-disk.js';
import { writeLoopDisk } from './write-loop-disk.js';

/** Where a build goes. The bytes are the same for all of them. */
export type BuildTarget =
  /** An image file, written as a file. */
  | { readonly type: 'file' }
  /** An image file, written through a loop device. */
  | { readonly type: 'loop' }
  /** A disc for PCs, as a file. */
  | { readonly type: 'iso' }
  /** A folder that a server of network boot offers; `base`: where, by HTTP. */
  | { readonly type: 'folder'; readonly base?: string | undefined }
  | { readonly type: 'device'; readonly device: ClaimedDevice };

/** @param image path of the image file, its mode, and what it takes its place with; not used for a device */
export async function writeTarget(
  target: BuildTarget,
  parts: DiskParts,
  image: { readonly path: string; readonly mode: number; readonly staged: StagedFiles },
  host: Host,
  report: StageReporter,
): Promise<WrittenDisk> {
  if (target.type === 'device') return writeDeviceDisk(parts, target.device, host, report);
  const options = { sizeBytes: parts.disk.totalBytes, mode: image.mode };
  return stageImage(image.staged, image.path, options, (handle, path) =>
    target.type === 'loop'
      ? writeLoopDisk(parts, { handle, path }, host, report)
      : writeDisk(parts, handle, host, report),
  );
}
