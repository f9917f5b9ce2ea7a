import { formatSize } from '../model/bytes.js';
import type { ChangelogNews } from '../build/lock/security-fixes.js';
import type { LockChange } from '../build/lock/lock-diff.js';
import type { ImageLock } from '../build/lock/lock-file.js';
import { allDebs } from '../build/lock/lock-file.js';
import type { PackageReason } from '../build/lock/why-package.js';

const PARTS: readonly (readonly [LockChange['part'], string])[] = [
  ['image', 'Packages of the image'],
  ['build', 'Packages that are unpacked or run while building'],
  ['tools', 'Packages of the tools'],
  ['source', 'Source packages'],
  ['download', 'Downloads'],
  ['file', 'Your files'],
];

/** What a lock has, in a few lines. */
export function describeLock(lock: ImageLock, path: string): readonly string[] {
  const image = lock.packages.reduce((sum, { install }) => sum + install.length, 0);
  const bytes = allDebs(lock).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  return [
    `Locked ${lock.board} with ${lock.system}, Debian as of ${lock.asOf}`,
    '',
    `  lock       ${path}`,
    `  image      ${image} packages`,
    `  tools      ${lock.tools.debs.length} packages, for ${lock.hostArchitecture}`,
    `  sources    ${lock.sources.length} source packages`,
    `  downloads  ${lock.downloads.length} pinned files`,
    `  in all     ${formatSize(bytes)} of packages`,
  ];
}

/** Added, removed and changed, part by part. */
export function describeLockChanges(changes: readonly LockChange[]): readonly string[] {
  if (changes.length === 0) return ['Nothing changes.'];
  return PARTS.flatMap(([part, title]) => {
    const own = changes.filter((one) => one.part === part);
    return own.length === 0 ? [] : [`${title}:`, ...own.map(describeChange), ''];
  });
}

function describeChange({ name, architecture, before, after, sameVersion, why, bytes }: LockChange): string {
  const label = architecture === undefined || architecture === 'all' ? name : `${name}:${architecture}`;
  const size = bytes === 0 ? '' : ` (${bytes > 0 ? '+' : '-'}${formatSize(Math.abs(bytes))})`;
  if (before === undefined) return `  + ${label} ${after ?? ''}${size}: ${why.join(', ')}`;
  if (after === undefined) return `  - ${label} ${before}${size}`;
  if (sameVersion === true) return `  ! ${label} ${after}: the same version with other bytes${size}`;
  return `  ~ ${label} ${before} → ${after}${size}`;
}

/** CVE numbers of the changelogs in between. */
export function describeFixes(news: readonly ChangelogNews[]): readonly string[] {
  const fixes = news.filter(({ cves }) => cves.length > 0);
  const unknown = news.filter((one) => one.unknown !== undefined);
  return [
    ...(fixes.length === 0 ? [] : ['Security fixes that the changelogs name:']),
    ...fixes.map(({ name, before, after, cves }) => `  ${name} ${before} → ${after}: ${cves.join(', ')}`),
    ...(unknown.length === 0 ? [] : [`No changelog of their own: ${unknown.map(({ name }) => name).join(', ')}`]),
  ];
}

const REASON_PARTS = { image: 'in the image', tools: 'in the tools', build: 'for the build only' };

/** The way from what was asked for to the package, and what it costs. */
export function describeReasons(reasons: readonly PackageReason[]): readonly string[] {
  return reasons.flatMap((one) => [
    `${one.name} ${one.version} ${one.architecture}, ${REASON_PARTS[one.part]}`,
    `  asked for by  ${one.askedBy.join(', ')}`,
    `  path          ${one.path.join(' → ')}`,
    `  needed by     ${one.neededBy.length === 0 ? 'no other package' : one.neededBy.join(', ')}`,
    `  size          ${formatSize(one.downloadBytes)} to download, ${formatSize(one.installedBytes)} installed`,
    ...(one.onlyForIt.length < 2
      ? []
      : [`  goes with it  ${formatSize(one.onlyForItBytes)} installed: ${one.onlyForIt.join(', ')}`]),
    '',
  ]);
}
