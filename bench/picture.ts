/** Results as one SVG picture: a bar for each row, a heading for each suite. It uses no font or script of its own. */
import { barsOf } from './scale.ts';
import { judge, type Measured, type Result, short } from './statistics.ts';

const WIDTH = 960;
const LINE = 22;
/** Where bars begin, and how long the longest is. */
const BARS_AT = 400;
const BARS_WIDTH = 400;

const COLOURS = { plain: '#6b7a99', met: '#2a8f5b', missed: '#c2452d', other: '#b9bec9' } as const;

const escaped = (text: string): string => text.replace(/[&<>"]/g, (char) => `&#${char.codePointAt(0)};`);

interface Place {
  readonly x: number;
  readonly y: number;
}

function text({ x, y }: Place, content: string, attributes = ''): string {
  return `<text x="${x}" y="${y}"${attributes}>${escaped(content)}</text>`;
}

function colourOf(row: Measured, rows: readonly Measured[]): string {
  if (row.contender !== undefined) return COLOURS.other;
  if (row.target === undefined) return COLOURS.plain;
  return judge(row, row.target, rows).met ? COLOURS.met : COLOURS.missed;
}

function drawSuite(result: Result, top: number): string[] {
  const bars = barsOf(result.rows);
  const lines = [text({ x: 16, y: top + 16 }, result.suite, ' font-weight="bold" font-size="15"')];
  for (const [i, row] of result.rows.entries()) {
    const y = top + LINE * (i + 1);
    const width = Math.round((bars[i] as number) * BARS_WIDTH);
    lines.push(
      text({ x: BARS_AT - 10, y: y + 15 }, row.name, ' text-anchor="end"'),
      `<rect x="${BARS_AT}" y="${y + 4}" width="${width}" height="14" rx="2" fill="${colourOf(row, result.rows)}"/>`,
      text({ x: BARS_AT + width + 8, y: y + 15 }, `${short(row.median)} ${row.unit}`),
    );
  }
  return lines;
}

/** @param caption Conditions of the run, in one line. */
export function pictureOf(results: readonly Result[], caption: string): string {
  const body: string[] = [];
  let top = 40;
  for (const result of results) {
    body.push(...drawSuite(result, top));
    top += LINE * (result.rows.length + 2);
  }
  const legend = 'medians on a logarithmic scale · green: target met · red: missed · grey: others';
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${top + 8}" font-family="system-ui, sans-serif" font-size="13" fill="#222">`,
    '<rect width="100%" height="100%" fill="#fff"/>',
    text({ x: 16, y: 22 }, legend, ' font-size="12" fill="#666"'),
    ...body,
    text({ x: 16, y: top }, caption, ' font-size="11" fill="#666"'),
    '</svg>',
    '',
  ].join('\n');
}
