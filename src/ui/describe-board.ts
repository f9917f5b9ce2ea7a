import type { Board, PartitionRequest } from '../model/board.js';
import { configTxt } from '../boot/raspberry-pi.js';
import { formatSize } from '../model/bytes.js';
import { identify } from '../disk/identity.js';

/** A resolved board for people: one row a subject, config.txt as it will be written. */
export function describeBoard(board: Board, files: readonly string[]): string {
  const { kernel, partitions, rootfs } = board;
  const rows: [string, string][] = [
    ['models', board.models.join(', ')],
    ['soc', `${board.soc}, ${board.architecture}`],
    ['proven', `in QEMU: ${board.status.qemu}`],
    ['', `on hardware: ${board.status.hardware}`],
    ['written in', files.join(', ')],
    [
      'firmware',
      board.firmware === undefined ? 'none' : `${board.firmware.files.join(', ')} (${board.firmware.manifest})`,
    ],
    ['kernel', `${kernelSource(board)} as ${kernel.image.name}, compression: ${kernel.image.compression}`],
    ['', `fragments: ${kernel.fragments.map(({ name }) => name).join(', ')}`],
    ['device trees', list([...board.deviceTrees, ...Object.keys(board.deviceTreeCopies)])],
    ['overlays', list(board.deviceTreeOverlays.map(({ name }) => name))],
    ['consoles', board.consoles.join(', ')],
    ['cmdline', board.cmdline.join(' ')],
    ['disk id', identify(board.id, 'mbr', []).diskId],
    ['/boot', `FAT32 ${describePartition(partitions.boot)}`],
    ['/', `ext4 ${describePartition(partitions.root)}`],
    ['rootfs', `Debian ${rootfs.suite}, Docker source ${board.docker.source}, host name ${board.hostname}`],
    ...(rootfs.packages.length > 0 ? [['', `packages: ${rootfs.packages.join(', ')}`] satisfies [string, string]] : []),
    ...(rootfs.overlays.length > 0 ? [['', `overlays: ${rootfs.overlays.join(', ')}`] satisfies [string, string]] : []),
    ...rowsOf(
      'images',
      board.docker.images.map(({ path }) => path),
    ),
    ...rowsOf(
      'software',
      board.software.map(({ name }) => name),
    ),
    ['wireless', board.wireless.length === 0 ? 'none' : board.wireless.map((entry) => entry.package).join(', ')],
    ['qemu', board.qemu.join(', ')],
  ];
  return [
    `${board.name} (${board.id})`,
    board.description,
    '',
    ...rows.map(([name, value]) => `${name.padEnd(14)}${value}`),
    '',
    'config.txt',
    ...configTxt(board)
      .trimEnd()
      .split('\n')
      .map((line) => `  ${line}`.trimEnd()),
  ].join('\n');
}

function list(names: readonly string[]): string {
  return names.length === 0 ? 'none' : names.join(', ');
}

function kernelSource({ kernel }: Board): string {
  const flavour = kernel.flavour === 'rt' ? ', PREEMPT_RT,' : '';
  return `${kernel.source?.url ?? `${kernel.package} (${kernel.suite})`}${flavour}`;
}

/** No row where there is nothing to say. */
function rowsOf(name: string, values: readonly string[]): [string, string][] {
  return values.length === 0 ? [] : [[name, values.join(', ')]];
}

function describePartition({ label, sizeBytes, startBytes, headroomBytes }: PartitionRequest): string {
  const size = sizeBytes === 'auto' ? 'size from content' : formatSize(sizeBytes);
  const start = startBytes === 'auto' ? '' : `, begins at ${formatSize(startBytes)}`;
  return `"${label}", ${size}, ${formatSize(headroomBytes)} headroom${start}`;
}
