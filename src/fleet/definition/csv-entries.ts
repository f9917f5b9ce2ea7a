import type { Problem } from '../../errors.js';
import { didYouMean } from '../../config/wording.js';
import { positionFinder, type Path, type Position } from '../../config/yaml-source.js';
import { cellValue, columnOf, columnTitles, type Column } from './csv-columns.js';
import { readCsvTable, type CsvCell, type CsvRow } from './csv-table.js';
import type { DeviceEntries, DeviceEntry } from './device-entry.js';

/**
 * The devices of a table. Codes: `csv-quote`, `csv-empty`, `csv-no-header`, `csv-unknown-column`,
 * `csv-duplicate-column`, `csv-missing-column`, `csv-cell-count`.
 */
export function readCsvEntries(text: string, file: string): DeviceEntries {
  const { table, problems } = readCsvTable(text, file);
  const position = positionFinder(text);
  const at = (code: string, message: string, offset: number, hint?: string): Problem => ({
    code,
    message,
    ...(hint === undefined ? {} : { hint }),
    file,
    ...position(offset),
  });
  const { header, rows } = table;
  if (problems.length > 0) return { entries: [], problems };
  if (header === undefined) return { entries: [], problems: [at('csv-empty', 'this table is empty', 0)] };
  const titles = header.cells.map(({ text: title }) => title);
  if (titles.every((title) => columnOf(title) === undefined)) {
    const message = 'the first row must name the columns, and none of these is known';
    const hint = `Known: ${columnTitles().join(', ')}.`;
    return { entries: [], problems: [at('csv-no-header', message, header.cells[0]?.offset ?? 0, hint)] };
  }
  const found = [
    ...headerProblems(header, at),
    ...(rows.length === 0 ? [at('csv-empty', 'there is no device below the header', text.length)] : []),
    ...rows.flatMap((row) => rowProblems(row, header, at)),
  ];
  // Without names there is nothing to say about any row but that over and over.
  if (!titles.includes('name')) return { entries: [], problems: found };
  const columns = titles.map(columnOf);
  return { entries: rows.map((row) => entryOf(row, columns, file, position)), problems: found };
}

type At = (code: string, message: string, offset: number, hint?: string) => Problem;

function headerProblems({ cells }: CsvRow, at: At): Problem[] {
  const seen = new Set<string>();
  const problems = cells.flatMap(({ text: title, offset }): Problem[] => {
    if (title === '') return [];
    if (columnOf(title) === undefined) {
      const message = `"${title}" is not a column that is known`;
      const hint = didYouMean(title, columnTitles()) ?? `Known: ${columnTitles().join(', ')}.`;
      return [at('csv-unknown-column', message, offset, hint)];
    }
    if (seen.has(title)) return [at('csv-duplicate-column', `there is a column "${title}" already`, offset)];
    seen.add(title);
    return [];
  });
  if (seen.has('name')) return problems;
  const typo = problems.some(({ hint }) => hint === 'Did you mean "name"?');
  return typo
    ? problems
    : [
        ...problems,
        at(
          'csv-missing-column',
          'row 1 names the columns, and "name" is not among them',
          cells[0]?.offset ?? 0,
          'Each device needs one.',
        ),
      ];
}

function rowProblems({ number, cells }: CsvRow, header: CsvRow, at: At): Problem[] {
  const expected = header.cells.length;
  const [first] = cells;
  if (cells.length < expected) {
    const missing = header.cells.slice(cells.length).map(({ text: title }) => `"${title}"`);
    const message = `row ${number} ends early: ${missing.join(', ')} ${missing.length === 1 ? 'is' : 'are'} missing`;
    const hint = 'A value that is left empty still needs its separator.';
    return [at('csv-cell-count', message, first?.offset ?? 0, hint)];
  }
  const extra = cells.slice(expected).find(({ text }) => text !== '');
  if (extra !== undefined) {
    const message = `row ${number} has ${cells.length} cells, but there are ${expected} columns`;
    const hint = 'A value that holds the separator stands in double quotes.';
    return [at('csv-cell-count', message, extra.offset, hint)];
  }
  const untitled = cells.find(({ text }, index) => text !== '' && header.cells[index]?.text === '');
  if (untitled === undefined) return [];
  return [at('csv-cell-count', `row ${number} has a value in a column without a name`, untitled.offset)];
}

function entryOf(
  row: CsvRow,
  columns: readonly (Column | undefined)[],
  file: string,
  position: (offset: number) => Position,
): DeviceEntry {
  const value: Record<string, unknown> = {};
  const places = new Map<string, CsvCell>();
  for (const [index, cell] of row.cells.entries()) {
    const column = columns[index];
    if (column === undefined) continue;
    places.set(column.path.join('.'), cell);
    if (cell.text !== '') setAt(value, column.path, cellValue(cell.text, column.kind));
  }
  // Of a list, its cell; of what has no cell, the row.
  const locate = (path: Path): Position => {
    const cell = path.map((_, index) => places.get(path.slice(0, path.length - index).join('.'))).find(Boolean);
    return position((cell ?? row.cells[0])?.offset ?? 0);
  };
  const source = { file, text: '', value, root: undefined, locate, problems: [] };
  return { value, source, row: row.number };
}

function setAt(target: Record<string, unknown>, [key, ...rest]: Path, value: unknown): void {
  if (key === undefined) return;
  if (rest.length === 0) {
    target[key] = value;
    return;
  }
  const inner = (target[key] ?? {}) as Record<string, unknown>;
  target[key] = inner;
  setAt(inner, rest, value);
}
