export const KiB = 1024;
export const MiB = 1024 * KiB;
export const GiB = 1024 * MiB;

const UNITS: Readonly<Record<string, number>> = { '': 1, B: 1, K: KiB, KIB: KiB, M: MiB, MIB: MiB, G: GiB, GIB: GiB };

/** Reads "64M", "1.5GiB", "512"; binary units, as sfdisk and mke2fs take them. Returns undefined for anything else. */
export function parseSize(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([A-Za-z]*)$/.exec(text.trim());
  const unit = match === null ? undefined : UNITS[(match[2] ?? '').toUpperCase()];
  if (match === null || unit === undefined) return undefined;
  return Math.round(Number(match[1]) * unit);
}

/** Three significant figures at most: "345 MiB", "1.21 GiB". */
export function formatSize(sizeBytes: number): string {
  for (const [unit, name] of [
    [GiB, 'GiB'],
    [MiB, 'MiB'],
    [KiB, 'KiB'],
  ] as const) {
    if (sizeBytes >= unit) return `${trimZeros(sizeBytes / unit)} ${name}`;
  }
  return `${sizeBytes.toString()} B`;
}

function trimZeros(value: number): string {
  return value.toPrecision(value >= 1000 ? 4 : 3).replace(/\.0+$/, '');
}

export function alignUp(valueBytes: number, alignmentBytes: number): number {
  return Math.ceil(valueBytes / alignmentBytes) * alignmentBytes;
}
