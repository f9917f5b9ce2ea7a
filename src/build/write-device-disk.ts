import { parseMbr } from '../formats/mbr.js';
import { planWrite } from '../write/write-plan.js';
import { IntegrityError, ReswarmError } from '../errors.js';
import type { Host } from '../host/host.js';
import type { StageReporter } from '../pipeline/reporter.js';
import type { DiskParts, WrittenDisk } from '../outputs/disk.js';
import { partitionTable } from '../outputs/disk.js';
import type { ClaimedDevice } from '../drives/claim.js';
import { claimedFor } from '../drives/claim.js';
import type { CardProgress } from '../write/device-writer.js';
import { writeCards } from '../write/device-writer.js';
import { withDiskSource } from './disk-source.js';
import { describeFailure } from '../write/flash-image.js';
import { ImageDigests } from '../write/image-digests.js';
import { withCardOpen } from '../write/open-card.js';

/**
 * Writes a disk to a claimed device as `flash` does, but every byte of it: all of it is read back, and the partition
 * table comes last. Throws ReswarmError `cards-failed`, InterruptedError, and as `withDeviceOpen` does.
 */
export async function writeDeviceDisk(
  parts: DiskParts,
  claimed: ClaimedDevice,
  host: Host,
  report: StageReporter,
): Promise<WrittenDisk> {
  const sizeBytes = parts.disk.totalBytes;
  const table = await partitionTable(parts, host);
  const mbr = parseMbr(table[0]?.bytes ?? Buffer.alloc(0));
  if (mbr === undefined) throw new IntegrityError('not-an-image', 'sfdisk made no partition table');
  const plan = planWrite({ sizeBytes, mapped: [{ offsetBytes: 0, sizeBytes }], partitions: mbr.partitions });
  const device = claimedFor(claimed, plan.cardSizeBytes);
  const warn = (text: string, hint?: string): void => {
    report.warn(text, hint);
  };
  const result = await withDiskSource(parts, table, host, (source) =>
    withCardOpen(device, host, warn, (card) => {
      const digests = new ImageDigests(source.path, false, [], undefined);
      const cards = [{ card, onProgress: progressOf(device.path, report) }];
      return writeCards({ source, plan, digests, cards, compareOnly: false }, host);
    }),
  );
  const failure = result.cards[0]?.failure;
  if (failure === undefined) return { sizeBytes, sha256: result.sha256 };
  throw new ReswarmError('cards-failed', `${device.path} was not written`, {
    details: describeFailure(failure),
    hints: ['It has no partition table and does not boot. Try it once more, in another reader; or replace it.'],
  });
}

const STEPS: Readonly<Record<CardProgress['phase'], string>> = {
  preparing: 'erasing the old partition table',
  writing: 'writing',
  'reading-back': 'reading back',
  comparing: 'comparing',
  sealing: 'writing the partition table',
};

function progressOf(path: string, report: StageReporter): (progress: CardProgress) => void {
  let last: CardProgress['phase'] | undefined;
  return ({ phase, doneBytes, totalBytes }) => {
    if (phase !== last) report.step(`${path}: ${STEPS[phase]}`);
    last = phase;
    report.progress({ done: doneBytes, total: totalBytes, unit: 'bytes' });
  };
}
