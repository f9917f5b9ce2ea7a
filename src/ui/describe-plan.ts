import { formatSize } from '../model/bytes.js';
import { formatKeyChange } from '../pipeline/explain.js';
import { fileSystemName } from '../build/describe-image.js';
import type { BuildPlan } from '../build/plan-build.js';
import type { PlannedStage } from '../pipeline/plan.js';

const STATES: Readonly<Record<PlannedStage['state'], string>> = {
  'in-store': 'in the store',
  make: 'to be made',
  unknown: 'known after the stages before it',
  'each-time': 'made each time',
};

/** Keys are shown as long as git shows a commit. */
const KEY_LENGTH = 12;

/** A build's plan as lines for people. */
export function describePlan(plan: BuildPlan, explain: boolean): readonly string[] {
  return [
    `Board     ${plan.board}`,
    `${plan.isFolder ? 'Folder' : 'Image '}    ${plan.image}`,
    `Packages  ${plan.packages.join(' ')}`,
    '',
    'Stages',
    ...plan.stages.flatMap((stage) => describeStage(stage, explain)),
    ...(plan.isFolder ? [] : ['', 'Disk', ...describeLayout(plan)]),
  ];
}

function describeStage({ stage, key, state, changes, commands }: PlannedStage, explain: boolean): readonly string[] {
  return [
    `  ${stage.padEnd(18)} ${(key?.slice(0, KEY_LENGTH) ?? '').padEnd(KEY_LENGTH)} ${STATES[state]}`,
    ...commands.map((command) => `      $ ${command}`),
    ...(explain ? changes.map((change) => `      because ${formatKeyChange(change)}`) : []),
  ];
}

function describeLayout({ layout }: BuildPlan): readonly string[] {
  if (layout === undefined)
    return ['  sized by content: known when firmware, kernel and root file system are in the store'];
  return [
    `  ${layout.table === 'mbr' ? 'MBR' : 'GPT'}, disk id ${layout.diskId}, ${formatSize(layout.totalBytes)}`,
    ...layout.partitions.map(({ number, fs, label, offsetBytes, sizeBytes, mount }) =>
      [
        `  ${number}`,
        fileSystemName(fs),
        label,
        `at ${formatSize(offsetBytes)}`,
        formatSize(sizeBytes),
        mount === undefined ? 'not mounted' : `mounted at ${mount}`,
      ].join('  '),
    ),
  ];
}
