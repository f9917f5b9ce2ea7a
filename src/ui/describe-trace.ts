import type { TracedWorkload } from '../build/workload/trace-workload.js';
import { formatSize } from '../model/bytes.js';

/** How many paths of a kind are shown; the list has all of them. */
const SHOWN = 40;

/** What a trace found, for people: the sums, and what only one of the two methods names. */
export function describeTrace(traced: TracedWorkload, list: string): readonly string[] {
  const { files, sizeBytes, packages, onlyTraced, onlyNeeded, missing } = traced;
  return [
    `${list}: ${files} paths, ${formatSize(sizeBytes)}, of ${packages.length} packages`,
    ...paths('Seen by the trace alone:', onlyTraced),
    ...paths('Named by ELF headers alone:', onlyNeeded),
    ...paths(
      'Libraries that no package of the workload has:',
      missing.map(({ name, needed }) => `${name} for ${needed}`),
    ),
  ];
}

function paths(title: string, found: readonly string[]): readonly string[] {
  if (found.length === 0) return [];
  const rest = found.length - SHOWN;
  return [title, ...found.slice(0, SHOWN).map((path) => `  ${path}`), ...(rest > 0 ? [`  and ${rest} more`] : [])];
}
