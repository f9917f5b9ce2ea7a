import type { Board } from '../model/board.js';
import { DEBIANS_KERNEL, kernelTarball } from '../model/board.js';
import type { ImageSpec } from '../model/image-spec.js';
import { configTxt } from '../boot/raspberry-pi.js';
import { identify } from '../disk/identity.js';
import { formatRows, imageRows } from './describe-system.js';

/** A board with what an image for it has, for people: one row a subject, config.txt as it will be written. */
export function describeBoard(board: Board, image: Omit<ImageSpec, 'board'>, files: readonly string[]): string {
  const { kernel } = board;
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
    ...Object.entries(kernel.profiles).map(([name, { fragments, addsToOwn }]): [string, string] => [
      '',
      `profile ${name}: ${addsToOwn ? 'the above and ' : ''}${fragments.map((one) => one.name).join(', ')}`,
    ]),
    ['device trees', list([...board.deviceTrees, ...Object.keys(board.deviceTreeCopies)])],
    ['overlays', list(board.deviceTreeOverlays.map(({ name }) => name))],
    ['consoles', board.consoles.join(', ')],
    ['cmdline', board.cmdline.join(' ')],
    ['disk id', identify(board.id, image.table, []).diskId],
    ['wireless', board.wireless.length === 0 ? 'none' : board.wireless.map((entry) => entry.package).join(', ')],
    ['qemu', board.qemu.join(', ')],
  ];
  return [
    `${board.name} (${board.id})`,
    image.system.description,
    '',
    ...formatRows(rows),
    '',
    `image with the system ${image.system.id}`,
    ...formatRows(imageRows(image)),
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
  if (kernel.source === DEBIANS_KERNEL) return `${kernel.debian?.package ?? 'none'}, compiled by Debian,`;
  return `${kernelTarball(kernel)?.url ?? `${kernel.package} (${kernel.suite})`}${flavour}`;
}
