import type { Problem } from '../../errors.js';
import { READ_ONLY_FILE_SYSTEMS, ROOT_FILE_SYSTEMS } from '../../model/image-spec.js';
import type { DiskRule } from './draft-disk.js';
import type { DraftPartition } from './draft-partitions.js';

const rootCanBeWritten: DiskRule = ({ partitions }) =>
  partitions
    .filter(({ role, fs }) => role === 'root' && !ROOT_FILE_SYSTEMS.includes(fs))
    .map(({ name, fs, at }) => {
      const message = `the root "${name}" has the file system ${fs}, and a root needs one with owners that can be written to`;
      return unfit(message, `Write fs: ${ROOT_FILE_SYSTEMS.join(' or ')}.`, at('fs'));
    });

/** What is said of a partition that nobody can ever write to, and has no meaning there. */
const nothingIsWrittenToReadOnly: DiskRule = ({ partitions }) =>
  partitions
    .filter(({ fs }) => READ_ONLY_FILE_SYSTEMS.includes(fs))
    .flatMap(({ name, fs, said, headroomBytes, readOnly, at }) => {
      const subject = `"${name}" has the file system ${fs}, which`;
      const problems: Problem[] = [];
      if (!readOnly) {
        problems.push(unfit(`${subject} nobody can write to`, 'Remove readOnly, or choose ext4.', at('readOnly')));
      }
      if (headroomBytes > 0) {
        const hint = 'Remove headroom, or write headroom: 0M.';
        problems.push(unfit(`${subject} has no free space`, hint, at('headroom')));
      }
      if (said.label !== undefined) {
        problems.push(unfit(`${subject} has no label`, 'Remove label.', at('label')));
      }
      return problems;
    });

function unfit(message: string, hint: string, at: ReturnType<DraftPartition['at']>): Problem {
  return { code: 'partition-file-system-unfit', message, hint, ...at };
}

export const FILE_SYSTEM_RULES: readonly DiskRule[] = [rootCanBeWritten, nothingIsWrittenToReadOnly];
