/** One device as lsblk describes it. What it did not say, or not in a form that we know, is undefined. */
export type LsblkRow = {
  /** Kernel name: "sda1", "dm-0". */
  readonly name: string;
  /** As lsblk shows it: "centos-root" for a mapped device. */
  readonly shownName: string;
  readonly path: string | undefined;
  readonly majorMinor: string | undefined;
  /** "disk", "part", "lvm", "crypt", "raid1", "rom", "loop", … */
  readonly type: string | undefined;
  readonly sizeBytes: number | undefined;
  readonly sectorSizeBytes: number | undefined;
  readonly readOnly: boolean | undefined;
  readonly removable: boolean | undefined;
  readonly bus: string | undefined;
  readonly vendor: string | undefined;
  readonly model: string | undefined;
  readonly serial: string | undefined;
  readonly wwn: string | undefined;
  /** "[SWAP]" for an active swap. */
  readonly mountPoints: readonly string[];
  readonly partitionTable: string | undefined;
  readonly fileSystem: string | undefined;
  readonly label: string | undefined;
  readonly uuid: string | undefined;
  /** Kernel names of what it lies on: the row above it in the tree, PKNAME in a flat list. */
  readonly parents: readonly string[];
};

/**
 * Flattens what `lsblk --json` prints. Versions differ (seen from 2.23 to 2.41): numbers and booleans came as strings
 * before 2.33, `mountpoints` replaced `mountpoint` in 2.37, and a device on two others stands below both, twice.
 * Undefined: this is no lsblk output.
 */
export function parseLsblk(json: unknown): readonly LsblkRow[] | undefined {
  const devices = isObject(json) ? json.blockdevices : undefined;
  if (!Array.isArray(devices)) return undefined;
  const rows = new Map<string, LsblkRow>();
  const add = (device: unknown, parent: string | undefined): void => {
    const row = isObject(device) ? readRow(device, parent) : undefined;
    if (row === undefined) return;
    const known = rows.get(row.name);
    rows.set(row.name, known === undefined ? row : merge(known, row));
    for (const child of asList((device as RawRow).children)) add(child, row.name);
  };
  for (const device of devices) add(device, undefined);
  return [...rows.values()];
}

type RawRow = Readonly<Record<string, unknown>>;

function readRow(raw: RawRow, parent: string | undefined): LsblkRow | undefined {
  const shownName = text(raw.name)?.replace(/^\/dev\/(?:mapper\/)?/, '');
  const name = text(raw.kname)?.replace(/^\/dev\//, '') ?? shownName;
  if (name === undefined || shownName === undefined) return undefined;
  const parents = [parent, text(raw.pkname)?.replace(/^\/dev\//, '')];
  return {
    name,
    shownName,
    path: text(raw.path),
    majorMinor: text(raw['maj:min']),
    type: text(raw.type),
    sizeBytes: wholeNumber(raw.size),
    sectorSizeBytes: wholeNumber(raw['log-sec']),
    readOnly: flag(raw.ro),
    removable: flag(raw.rm),
    bus: text(raw.tran) ?? busOf(text(raw.subsystems)),
    vendor: text(raw.vendor),
    model: text(raw.model),
    serial: text(raw.serial),
    wwn: text(raw.wwn),
    mountPoints: [...asList(raw.mountpoints), raw.mountpoint].map(text).filter((path) => path !== undefined),
    partitionTable: text(raw.pttype),
    fileSystem: text(raw.fstype),
    label: text(raw.label) ?? text(raw.partlabel),
    uuid: text(raw.uuid),
    parents: parents.filter((path) => path !== undefined),
  };
}

/** The same device at two places of the tree, or once for each of its mounts (2.23 to 2.36). */
function merge(one: LsblkRow, other: LsblkRow): LsblkRow {
  return {
    ...one,
    mountPoints: [...new Set([...one.mountPoints, ...other.mountPoints])],
    parents: [...new Set([...one.parents, ...other.parents])],
  };
}

/** "block:scsi:usb:pci", from the device outwards; lsblk leaves TRAN empty for cards and where udev does not run. */
function busOf(subsystems: string | undefined): string | undefined {
  const known = ['usb', 'mmc', 'nvme', 'virtio'];
  return subsystems?.split(':').find((name) => known.includes(name));
}

function text(value: unknown): string | undefined {
  if (typeof value === 'number' || typeof value === 'boolean') return value.toString();
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined;
}

/** Exact bytes only: "14.3G" is what lsblk prints without --bytes, and no size to compare with. */
function wholeNumber(value: unknown): number | undefined {
  const digits = text(value);
  const number = digits !== undefined && /^\d+$/.test(digits) ? Number(digits) : undefined;
  return number !== undefined && Number.isSafeInteger(number) ? number : undefined;
}

function flag(value: unknown): boolean | undefined {
  if (value === true || value === 1 || value === '1' || value === 'true') return true;
  if (value === false || value === 0 || value === '0' || value === 'false') return false;
  return undefined;
}

function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function isObject(value: unknown): value is RawRow {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
