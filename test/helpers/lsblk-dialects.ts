import type { BlockFacts } from '../../src/host/drives/block-facts.js';
import type { Machine, Row } from './lsblk-machines.js';

/** How versions of lsblk print the same machine. */
export const DIALECTS = ['2.27', '2.34', '2.38', 'flat'] as const;
export type Dialect = (typeof DIALECTS)[number];

/** 2.27: all values are strings. 2.34: numbers and booleans. 2.38: `mountpoints`. flat: PKNAME instead of a tree. */
export function lsblkOutput({ rows }: Pick<Machine, 'rows'>, dialect: Dialect): unknown {
  if (dialect !== 'flat') return { blockdevices: rows.map((row) => printed(row, undefined, dialect)) };
  const flat = (row: Row, parent: Row | undefined): unknown[] => [
    { ...printed(row, parent, dialect), children: undefined },
    ...(row.children ?? []).flatMap((child) => flat(child, row)),
  ];
  return { blockdevices: rows.flatMap((row) => flat(row, undefined)) };
}

function printed(row: Row, parent: Row | undefined, dialect: Dialect): Record<string, unknown> {
  const old = dialect === '2.27';
  const bool = (value: boolean) => (old ? (value ? '1' : '0') : value);
  const number = (value: number | null) => (old && value !== null ? value.toString() : value);
  const mounts = row.mounts ?? [];
  return {
    name: row.name,
    kname: kernelName(row),
    ...(old ? {} : { path: row.kname === undefined ? `/dev/${row.name}` : `/dev/mapper/${row.name}` }),
    'maj:min': majorMinor(row),
    rm: bool(row.rm ?? false),
    ro: bool(row.ro ?? false),
    size: number(row.size === undefined ? 1e9 : row.size),
    'log-sec': number(row.sector ?? 512),
    type: row.type ?? 'disk',
    tran: row.tran ?? null,
    vendor: row.vendor ?? null,
    model: row.model ?? null,
    serial: row.serial ?? null,
    fstype: row.fstype ?? null,
    label: row.label ?? null,
    uuid: row.uuid ?? null,
    pttype: row.pttype ?? null,
    pkname: parent === undefined ? null : kernelName(parent),
    ...(dialect === '2.38' || dialect === 'flat'
      ? { mountpoints: mounts.length === 0 ? [null] : mounts }
      : { mountpoint: mounts[0] ?? null }),
    ...(row.children === undefined ? {} : { children: row.children.map((child) => printed(child, row, dialect)) }),
  };
}

/** What the kernel of that machine says beside it. */
export function factsOf(machine: Machine): BlockFacts {
  return {
    mountinfo: machine.mountinfo ?? everyRow(machine.rows).flatMap(mountLines).join('\n'),
    swaps: machine.swaps ?? '',
    sysfs: machine.sysfs ?? [],
    ...(machine.probed === undefined ? {} : { probed: machine.probed }),
  };
}

function mountLines(row: Row): string[] {
  return (row.mounts ?? [])
    .filter((mount) => mount !== '[SWAP]')
    .map((mount) => {
      const folder = mount.replaceAll(' ', '\\040');
      return `30 1 ${majorMinor(row)} / ${folder} rw,relatime shared:1 - ${row.fstype ?? 'ext4'} /dev/${row.name} rw`;
    });
}

export function everyRow(rows: readonly Row[]): readonly Row[] {
  return rows.flatMap((row) => [row, ...everyRow(row.children ?? [])]);
}

export function kernelName(row: Row): string {
  return row.kname ?? row.name;
}

/** Numbers as Linux gives them; of kinds that have none of their own, something of the dynamic range. */
export function majorMinor(row: Row): string {
  const name = kernelName(row);
  const [, letter = 'a', number = '0'] = /^[svx]d([a-z])(\d*)$/.exec(name) ?? [];
  if (/^[sv]d[a-z]\d*$/.test(name)) {
    return `${name.startsWith('s') ? 8 : 254}:${(letter.charCodeAt(0) - 97) * 16 + Number(number)}`;
  }
  const digits = /(\d+)\D*(\d*)\D*(\d*)$/.exec(name)?.slice(1).map(Number) ?? [0];
  const majors: Readonly<Record<string, number>> = { loop: 7, ram: 1, sr: 11, fd: 2, 'dm-': 253, zram: 252, md: 9 };
  const stem = name.replace(/\d.*$/, '');
  if (stem === 'mmcblk') return `179:${mmcMinor(name)}`;
  if (stem === 'nvme') return `259:${(digits[0] ?? 0) * 16 + (digits[2] ?? 0)}`;
  if (/^md\d+p\d+$/.test(name)) return `259:${100 + (digits[1] ?? 0)}`;
  return `${majors[stem] ?? 240 + (stem.charCodeAt(0) % 10)}:${digits[0] ?? 0}`;
}

function mmcMinor(name: string): number {
  const [, disk = '0', area = '', partition = '0'] = /^mmcblk(\d+)(boot\d|rpmb)?(?:p(\d+))?$/.exec(name) ?? [];
  const areas: Readonly<Record<string, number>> = { boot0: 32, boot1: 64, rpmb: 96 };
  return Number(disk) * 128 + (areas[area] ?? 0) + Number(partition);
}
