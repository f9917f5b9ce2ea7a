import { describeProblem } from '../../errors.js';
import type { FolderReport, StartingModel } from '../../inspect/inspect-folder.js';
import { formatSize } from '../../model/bytes.js';

/** A folder for network boot, for people. */
export function describeFolder(report: FolderReport): readonly string[] {
  const { folder, board, system, architecture, sizeBytes, files, devices, models, problems, warnings } = report;
  return [
    `${folder}: network boot of the board ${board}, system ${system} (${architecture})`,
    `  ${files.length} files, ${formatSize(sizeBytes)}`,
    ...(devices.length === 0 ? [] : ['', 'Devices with folders of their own']),
    ...devices.map(({ name, folders }) => `  ${name}  ${folders.join(', ')}`),
    '',
    'What starts from it',
    ...models.flatMap(describeModel),
    ...(problems.length + warnings.length === 0 ? [] : ['', 'Files']),
    ...problems.map((problem) => `  WRONG    ${describeProblem(problem)}`),
    ...warnings.map(({ message }) => `  changed  ${message}`),
  ];
}

function describeModel({ model, device, starts, setting, missing }: StartingModel): readonly string[] {
  const name = device === undefined ? model : `${model} as ${device}`;
  return [
    `  ${starts ? 'yes' : 'NO '}  ${name}`,
    ...(missing.length === 0 ? [] : [`       missing: ${missing.join(', ')}`]),
    `       setting: ${setting}`,
  ];
}
