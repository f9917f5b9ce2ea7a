import { formatSize } from '../../model/bytes.js';
import type { ImageDiff, LineChanges, SizeChange } from '../../inspect/image-diff.js';
import { printable } from '../printable.js';
import { table } from './describe-image.js';

const SHOWN = 20;

/** Two images compared, as lines for people; `--json` has the whole lists. */
export function describeDiff(diff: ImageDiff): readonly string[] {
  const { packages, files } = diff;
  if (diff.same) return [`${diff.first} and ${diff.second} hold the same.`];
  const [before, after] = diff.sizeBytes;
  return [
    `- ${diff.first}  ${formatSize(before)}`,
    `+ ${diff.second}  ${formatSize(after)}${before === after ? '' : ` (${signed(after - before)})`}`,
    ...section(
      'Facts',
      diff.facts.map(({ what, first, second }) => `  ${what}: ${first ?? 'none'} -> ${second ?? 'none'}`),
    ),
    ...section('Packages', [
      ...packages.removed.map(({ name, version }) => `  - ${name} ${version}`),
      ...packages.added.map(({ name, version }) => `  + ${name} ${version}`),
      ...packages.changed.map(({ name, first, second }) => `    ${name} ${first} -> ${second}`),
    ]),
    ...section('config.txt', lineChanges(diff.configTxt)),
    ...section('Kernel command line', lineChanges(diff.commandLine)),
    ...section(
      `Files: ${files.removed.length} only in the first, ${files.added.length} only in the second, ${files.changed.length} changed`,
      [
        ...shortened(files.removed.map((path) => `  - ${path}`)),
        ...shortened(files.added.map((path) => `  + ${path}`)),
        ...shortened(files.changed.map(({ path, what }) => `    ${path} (${what.join(', ')})`)),
      ],
      files.removed.length + files.added.length + files.changed.length > 0,
    ),
    ...section('Not compared', shortened(diff.notCompared.map((what) => `    ${what}`))),
    ...section('Size by package', sizeLines(diff.packageSizes)),
    ...section('Size by folder', sizeLines(diff.folders)),
  ].map(printable);
}

function section(title: string, lines: readonly string[], shown = lines.length > 0): readonly string[] {
  return shown ? ['', title, ...lines] : [];
}

function lineChanges({ removed, added }: LineChanges): readonly string[] {
  return [...removed.map((line) => `  - ${line}`), ...added.map((line) => `  + ${line}`)];
}

function sizeLines(changes: readonly SizeChange[]): readonly string[] {
  const rows = changes
    .slice(0, SHOWN)
    .map(({ name, firstBytes, secondBytes }) => [
      `  ${signed(secondBytes - firstBytes).padStart(10)}`,
      name,
      `${formatSize(firstBytes)} -> ${formatSize(secondBytes)}`,
    ]);
  return [...table(rows), ...rest(changes.length)];
}

function shortened(lines: readonly string[]): readonly string[] {
  return [...lines.slice(0, SHOWN), ...rest(lines.length)];
}

function rest(length: number): readonly string[] {
  return length > SHOWN ? [`    … and ${length - SHOWN} more (--json lists all)`] : [];
}

function signed(bytes: number): string {
  return bytes < 0 ? `-${formatSize(-bytes)}` : `+${formatSize(bytes)}`;
}
