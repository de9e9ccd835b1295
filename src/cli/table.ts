import { stripVTControlCharacters } from 'node:util';
import Table from 'cli-table3';
import type { OutputStream } from './context.ts';
import { paint } from './text.ts';

/** No frame: two spaces between columns, as `ps` and `docker ps` have it, so that `awk` and eyes agree. */
const NO_FRAME = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
};

export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
  /** Left out where a terminal is too narrow for all: the lowest first. A column without it always stays. */
  readonly dropFirst?: number;
}

/** What stands between two columns. */
const GAP = NO_FRAME.middle.length;

/**
 * Lays out rows under titles; on a terminal with no more columns than have room there. The cells must be safe for a
 * terminal already.
 */
export function renderTable(
  stream: OutputStream,
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
): string {
  const shown = columnsThatFit(stream, columns, rows);
  const shownColumns = shown.map((index) => columns[index] as Column);
  const table = new Table({
    head: shownColumns.map(({ title }) => paint(stream, 'bold', title)),
    colAligns: shownColumns.map(({ align }) => align ?? 'left'),
    chars: NO_FRAME,
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] },
  });
  for (const row of rows) table.push(shown.map((index) => row[index] ?? ''));
  const lines = table.toString().split('\n');
  return lines.map((line) => line.trimEnd()).join('\n');
}

/** The positions of the columns to show. */
function columnsThatFit(
  stream: OutputStream,
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
): readonly number[] {
  const widths = columns.map(({ title }, index) =>
    Math.max(title.length, ...rows.map((row) => stripVTControlCharacters(row[index] ?? '').length)),
  );
  const shown = columns.map((_, index) => index);
  if (!stream.isTTY || stream.columns === undefined) return shown;
  const droppable = shown
    .filter((index) => columns[index]?.dropFirst !== undefined)
    .sort((a, b) => (columns[a]?.dropFirst ?? 0) - (columns[b]?.dropFirst ?? 0));
  for (const index of droppable) {
    const width = shown.reduce((sum, position) => sum + (widths[position] ?? 0) + GAP, -GAP);
    if (width <= stream.columns) break;
    shown.splice(shown.indexOf(index), 1);
  }
  return shown;
}
