import { CsvError, parse } from 'csv-parse/sync';
import type { Problem } from '../../errors.js';
import { positionFinder } from '../../config/yaml-source.js';

/** A cell without its quotes and the space around it; `offset` is where it begins in the text. */
export type CsvCell = { readonly text: string; readonly offset: number };

/** `number` counts from 1 as a spreadsheet does: the header is row 1. */
export type CsvRow = { readonly number: number; readonly cells: readonly CsvCell[] };

export type CsvTable = { readonly header: CsvRow | undefined; readonly rows: readonly CsvRow[] };

/** German and other Excels write semicolons, because the comma is their decimal point. */
const DELIMITERS = [',', ';', '\t'] as const;

/**
 * Reads a table whose first row names its columns. Rows without a value are passed over. Codes: `csv-quote`.
 */
export function readCsvTable(
  text: string,
  file: string,
): { readonly table: CsvTable; readonly problems: readonly Problem[] } {
  const delimiter = delimiterOf(text);
  const rows: CsvRow[] = [];
  let number = 0;
  let offset = text.startsWith('\uFEFF') ? 1 : 0;
  try {
    const records = parse(text, { bom: true, delimiter, raw: true, relax_column_count: true }) as unknown as readonly {
      readonly record: readonly string[];
      readonly raw: string;
    }[];
    for (const { record, raw } of records) {
      number += 1;
      const start = text.indexOf(raw, offset);
      offset = start + raw.length;
      if (record.every((cell) => cell.trim() === '')) continue;
      const places = cellOffsets(raw, delimiter);
      const cells = record.map((cell, index) => ({ text: cell.trim(), offset: start + (places[index] ?? 0) }));
      rows.push({ number, cells });
    }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    return { table: { header: undefined, rows: [] }, problems: [quoteProblem(error, text, file)] };
  }
  const [header, ...below] = rows;
  return { table: { header, rows: below }, problems: [] };
}

/** The one that the first line has most of, outside of quotes. */
function delimiterOf(text: string): string {
  const line = /^\s*([^\r\n]*)/.exec(text)?.[1]?.replaceAll(/"[^"]*"/g, '') ?? '';
  const counts = DELIMITERS.map((delimiter) => line.split(delimiter).length);
  return DELIMITERS[counts.indexOf(Math.max(...counts))] ?? ',';
}

/** Where each cell of a row begins; the parser has made sure of its quotes. */
function cellOffsets(raw: string, delimiter: string): number[] {
  const offsets = [0];
  let quoted = false;
  for (let index = 0; index < raw.length; index += 1) {
    if (raw[index] === '"') quoted = !quoted;
    else if (raw[index] === delimiter && !quoted) offsets.push(index + 1);
  }
  return offsets;
}

function quoteProblem(error: CsvError, text: string, file: string): Problem {
  const line = typeof error['lines'] === 'number' ? error['lines'] : 1;
  // The end of the file is where the parser notices; the quote that is open there is what a person looks for.
  const place =
    error.code === 'CSV_QUOTE_NOT_CLOSED' ? positionFinder(text)(text.lastIndexOf('"')) : { line, column: 1 };
  return {
    code: 'csv-quote',
    message: 'a quote is not closed, or stands inside of a value',
    hint: 'A value that holds a quote, the separator or a line break stands in quotes, and a quote in it is doubled: "a ""b"" c".',
    file,
    ...place,
  };
}
