import { UserError } from '../errors.js';
import { formatSize } from '../model/bytes.js';

/** Something that an image holds as it is: a kernel, a boot loader. */
export type SizedPart = { readonly name: string; readonly sizeBytes: number };

/** An archive, and what it holds by path or by package; sizes of those are what they take unpacked. */
export type SizedArchive = SizedPart & {
  /** Of the whole archive, unpacked. */
  readonly unpackedBytes: number;
  readonly entries: readonly (SizedPart & {
    /** What it takes in the archive, where that was measured. */
    readonly compressedBytes?: number;
  })[];
};

export type SizedImage = {
  /** The image as it is called. */
  readonly name: string;
  readonly sizeBytes: number;
  readonly parts: readonly SizedPart[];
  readonly archives: readonly SizedArchive[];
};

const MOST_NAMED = 10;

/** UserError `over-size-budget` with what takes the most, where an image is larger than its budget. */
export function overSizeBudget(image: SizedImage, budgetBytes: number): UserError | undefined {
  const tooMuch = image.sizeBytes - budgetBytes;
  if (tooMuch <= 0) return undefined;
  const rows = rowsOf(image).sort((a, b) => b.shareBytes - a.shareBytes || (a.name < b.name ? -1 : 1));
  const named = rows.slice(0, MOST_NAMED);
  const width = Math.max(...named.map(({ name }) => name.length), 0);
  const left = rows.length - named.length;
  const message =
    `${image.name} has ${formatSize(image.sizeBytes)} (${image.sizeBytes} bytes), and its size budget is ` +
    `${formatSize(budgetBytes)}: ${formatSize(tooMuch)} (${tooMuch} bytes) too much`;
  return new UserError('over-size-budget', message, {
    details: [
      ...named.map(({ name, text }) => `${name.padEnd(width)}  ${text}`),
      ...(left > 0 ? [`and ${left} smaller ones`] : []),
    ],
    hints: ['Leave out what is not needed, compress with xz, or raise sizeBudget.'],
  });
}

type Row = { readonly name: string; readonly shareBytes: number; readonly text: string };

function rowsOf({ parts, archives }: SizedImage): Row[] {
  return [
    ...parts.map(({ name, sizeBytes }) => ({ name, shareBytes: sizeBytes, text: formatSize(sizeBytes) })),
    ...archives.flatMap((archive) => archive.entries.map((entry) => rowOf(entry, archive))),
  ];
}

/** What an entry takes of a compressed archive is not known where nobody measured it; the archive's ratio says about. */
function rowOf(entry: SizedArchive['entries'][number], { sizeBytes, unpackedBytes }: SizedArchive): Row {
  const { name, compressedBytes } = entry;
  const ratio = unpackedBytes === 0 ? 1 : Math.min(1, sizeBytes / unpackedBytes);
  const shareBytes = compressedBytes ?? Math.round(entry.sizeBytes * ratio);
  const about = compressedBytes === undefined ? 'about ' : '';
  const compressed = ratio < 1 || compressedBytes !== undefined ? `, ${about}${formatSize(shareBytes)} compressed` : '';
  return { name, shareBytes, text: `${formatSize(entry.sizeBytes)}${compressed}` };
}
