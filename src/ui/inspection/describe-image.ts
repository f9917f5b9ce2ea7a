import { formatSize } from '../../model/bytes.js';
import type {
  BootLoaderReport,
  FolderReport,
  ImageReport,
  PackageReport,
  PartitionReport,
} from '../../inspect/image-report.js';
import type { InnerArchive } from '../../images/small-root.js';
import { printable } from '../printable.js';
import type { SeedInterface, SeedSummary, SeedUser } from '../../seeds/seed-facts.js';

/** Of the root's bytes: smaller folders would only make the list long. */
const SHOWN_FOLDER_SHARE = 0.02;
const SHOWN_FOLDERS = 20;
const SHOWN_PACKAGES = 12;

/** An inspected image as lines for people. */
export function describeImage(report: ImageReport, options: { readonly packages: boolean }): readonly string[] {
  const { packages } = report;
  return [
    `${report.image}  ${formatSize(report.sizeBytes)} (${report.sizeBytes} bytes)`,
    ...(report.sha256 === undefined ? [] : [`sha256 ${report.sha256}`]),
    ...partitionLines(report),
    ...discLines(report),
    ...(report.archives.length === 0 ? [] : ['', 'Root', ...table(report.archives.map(archiveRow))]),
    '',
    'System',
    ...systemLines(report),
    ...(report.seed === undefined ? [] : ['', 'Seed', ...seedLines(report.seed)]),
    '',
    'Where the bytes are',
    ...folderLines(report.folders),
    '',
    ...(packages.count === 0
      ? ['Largest files', ...fileLines(report)]
      : options.packages
        ? [`Packages (${packages.count})`, ...packageTable(packages.list)]
        : ['Largest packages (on disk, and what dpkg says)', ...packageTable(packages.list.slice(0, SHOWN_PACKAGES))]),
    ...(report.bootCheck === undefined ? [] : ['', checkLine(report.bootCheck)]),
    ...(report.warnings.length === 0 ? [] : ['', ...report.warnings.map((text) => `Warning: ${text}`)]),
  ].map(printable);
}

function partitionLines(report: ImageReport): readonly string[] {
  const { partitionTable, diskId, partitions } = report;
  if (partitionTable === undefined) return [];
  const title = `Partitions (${partitionTable.toUpperCase()}, disk id ${diskId ?? ''}${sectorWords(report)})`;
  return ['', title, ...table(partitions.map(partitionRow))];
}

function discLines({ disc }: ImageReport): readonly string[] {
  if (disc === undefined) return [];
  const { label, uuid } = disc.fileSystem;
  const rows = disc.boot.map(({ firmware, bootable, path, sizeBytes, offsetBytes }) => [
    `  ${firmware}`,
    path ?? `at ${formatSize(offsetBytes)}`,
    formatSize(sizeBytes),
    bootable ? '' : 'not bootable',
  ]);
  const starts = rows.length === 0 ? ['  starts from nothing'] : table(rows);
  return ['', `Disc (ISO 9660, "${label}"${uuid === '' ? '' : `, ${uuid}`})`, ...starts];
}

function archiveRow({ path, kind, compressions, sizeBytes, unpackedBytes, mount }: InnerArchive): readonly string[] {
  const unpacked = unpackedBytes === undefined ? '' : `, ${formatSize(unpackedBytes)} unpacked`;
  return [`  ${path}`, kind, compressions.join(' + '), `${formatSize(sizeBytes)}${unpacked}`, mount];
}

function fileLines({ largeFiles }: ImageReport): readonly string[] {
  return largeFiles
    .slice(0, SHOWN_PACKAGES)
    .map(({ path, diskBytes }) => `  ${formatSize(diskBytes).padStart(9)}  ${path}`);
}

/** Where they are others than those of cards. */
function sectorWords({ sectorSizeBytes }: ImageReport): string {
  return sectorSizeBytes === undefined || sectorSizeBytes === 512 ? '' : `, sectors of ${sectorSizeBytes} bytes`;
}

function partitionRow(partition: PartitionReport): readonly string[] {
  const { fileSystem, mount } = partition;
  const place = [`at ${formatSize(partition.offsetBytes)}`, formatSize(partition.sizeBytes)];
  if (fileSystem === undefined) {
    return [`  ${partition.number}`, partition.other ?? partition.typeName, partition.name ?? '', ...place, '', ''];
  }
  return [
    `  ${partition.number}`,
    fileSystem.kind,
    fileSystem.label,
    ...place,
    `${formatSize(fileSystem.sizeBytes - fileSystem.freeBytes)} used, ${formatSize(fileSystem.freeBytes)} free`,
    mount === undefined ? '' : mount,
    fileSystem.uuid,
  ];
}

function systemLines(report: ImageReport): readonly string[] {
  const { os, kernel, packages, architecture } = report;
  const modules =
    kernel === undefined || kernel.modules.length === 0 ? 'no modules' : `modules ${formatSize(kernel.modulesBytes)}`;
  return table([
    ['  os', os === undefined ? 'unknown' : [os.name, architecture].filter((word) => word !== undefined).join(', ')],
    [
      '  kernel',
      kernel === undefined
        ? 'none that the firmware would find'
        : `${kernel.version ?? 'of unknown version'} (${kernel.file}, ${formatSize(kernel.sizeBytes)}; ${modules})`,
    ],
    ['  packages', packagesText(packages)],
    ['  cmdline', report.boot.commandLine],
    ...(report.boot.loader === undefined ? [] : [['  boot loader', loaderText(report.boot.loader)]]),
  ]);
}

function loaderText({ name, version, firmwares }: BootLoaderReport): string {
  const by = firmwares.map((firmware) => firmware.toUpperCase()).join(' and ');
  return `${name}${version === undefined ? '' : ` ${version}`}, for ${by}`;
}

function packagesText({ count, diskBytes, declaredBytes, unownedBytes }: ImageReport['packages']): string {
  if (count === 0) return `none known; files take ${formatSize(unownedBytes)}`;
  return (
    `${count}, ${formatSize(diskBytes)} on disk (dpkg says ${formatSize(declaredBytes)}); ` +
    `${formatSize(unownedBytes)} from no package`
  );
}

function seedLines(seed: SeedSummary): readonly string[] {
  const rows: string[][] = [
    ['  user-data', seed.kind],
    ['  host name', seed.hostname ?? 'not given'],
    ['  instance-id', seed.instanceId ?? 'missing'],
    ...seed.users.map((user) => ['  user', userText(user)]),
    ...seed.users.flatMap(({ sshKeys }) =>
      sshKeys.map((key) => ['', `  ${key.type} ${key.fingerprint} ${key.comment}`.trimEnd()]),
    ),
    ...seed.network.interfaces.map((item) => ['  network', interfaceText(item)]),
    ...(seed.timezone === undefined ? [] : [['  timezone', seed.timezone]]),
    ...(seed.packages.length === 0 ? [] : [['  installs', seed.packages.join(' ')]]),
    ...(seed.writesFiles.length === 0 ? [] : [['  writes', seed.writesFiles.join(' ')]]),
    ...(seed.commands === 0 ? [] : [['  commands', seed.commands.toString()]]),
    ...seed.problems.map((problem) => ['  problem', problem]),
  ];
  return table(rows);
}

function userText({ name, password, sudo, sshKeys }: SeedUser): string {
  const keys = `${sshKeys.length} ssh ${sshKeys.length === 1 ? 'key' : 'keys'}`;
  return `${name}: ${keys}, password: ${password}${sudo ? ', sudo' : ''}`;
}

function interfaceText({ kind, name, addresses, accessPoints }: SeedInterface): string {
  const points = accessPoints.map(({ ssid, password }) => `"${ssid}" (password: ${password})`);
  return [`${name} (${kind}):`, ...addresses, ...points].join(' ');
}

/** Indented as a tree. */
function folderLines(folders: readonly FolderReport[]): readonly string[] {
  const total = folders[0]?.diskBytes ?? 0;
  const shown = folders.filter(({ diskBytes }) => diskBytes >= total * SHOWN_FOLDER_SHARE).slice(0, SHOWN_FOLDERS);
  return shown.map(({ path, diskBytes }) => {
    const depth = path === '/' ? 0 : path.split('/').length - 1;
    return `  ${formatSize(diskBytes).padStart(9)}  ${'  '.repeat(depth)}${path}`;
  });
}

function packageTable(list: readonly PackageReport[]): readonly string[] {
  return table(
    list.map(({ name, version, diskBytes, declaredBytes }) => [
      `  ${formatSize(diskBytes).padStart(9)}`,
      formatSize(declaredBytes).padStart(9),
      name,
      version,
    ]),
  );
}

function checkLine({
  passed,
  machine,
  checkedAt,
  bootSeconds,
  stopped,
}: NonNullable<ImageReport['bootCheck']>): string {
  const boot = bootSeconds === undefined ? '' : `, docker info after ${bootSeconds.toFixed(1)} s`;
  const result = passed ? 'passed' : `failed${stopped === undefined ? '' : ` (${stopped})`}`;
  return `Last boot check: ${result} on ${machine}, ${checkedAt}${boot}`;
}

/** Columns as wide as their widest cell. */
export function table(rows: readonly (readonly string[])[]): readonly string[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, cell.length);
  }
  return rows.map((row) =>
    row
      .map((cell, index) => cell.padEnd(widths[index] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
