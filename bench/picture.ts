/**
 * Figures as one SVG picture: a panel for each workload that others did too, and one for the rest of each suite. Bars
 * have a logarithmic scale of their panel, with a line at each power of ten. It follows the reader's light or dark
 * colours, and uses no font or script of its own.
 */
import type { Baseline, Figure } from './baseline.ts';
import { short } from './statistics.ts';

const WIDTH = 960;
const MARGIN = 16;
const COLUMN = 456;
const LINE = 20;
/** Of a panel, its title and its axis. */
const TITLE = 26;
const AXIS = 30;
const BARS_WIDTH = 190;
/** For names of contenders, and for those of rows, which are longer. */
const LABELS = { compared: 92, alone: 250 } as const;
const TOP = 62;

const STYLE = `
  text { font: 12px system-ui, sans-serif; fill: #24292f }
  .title { font-weight: 600; font-size: 13px } .quiet { fill: #6a737d } .small { font-size: 10px }
  .back { fill: #fff } .grid { stroke: #d8dee4 } .ours { fill: #1f6feb } .other { fill: #afb8c1 }
  .us { font-weight: 600 } .missed { fill: #bc4c00 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .quiet { fill: #8b949e } .back { fill: #0d1117 } .grid { stroke: #30363d }
    .ours { fill: #58a6ff } .other { fill: #484f58 } .missed { fill: #ffa657 }
  }`;

interface Bar {
  readonly label: string;
  readonly figure: Figure;
}

interface Panel {
  readonly title: string;
  readonly bars: readonly Bar[];
  /** Ours, if others are compared with it. */
  readonly ours: Figure | undefined;
}

/** Conditions of a run, in one line. */
export function lineOf(machine: Baseline['machine']): string {
  return Object.entries(machine)
    .map(([key, value]) => `${key} ${value}`)
    .join(' · ');
}

const escaped = (text: string): string => text.replace(/[&<>"]/g, (char) => `&#${char.codePointAt(0)};`);

interface Place {
  readonly x: number;
  readonly y: number;
}

function text({ x, y }: Place, content: string, attributes = ''): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}"${attributes}>${escaped(content)}</text>`;
}

/** In the order of the rows; within a panel the least first. */
function panelsOf({ suites }: Baseline): Panel[] {
  const panels: Panel[] = [];
  for (const [suite, rows] of Object.entries(suites)) {
    const entries = Object.entries(rows);
    const alone = new Map<string, Bar[]>();
    for (const [name, ours] of entries) {
      if (ours.contender !== undefined) continue;
      const others = entries.filter(([label, { contender }]) => label === `${name} · ${contender}`);
      if (others.length === 0) {
        alone.set(ours.unit, [...(alone.get(ours.unit) ?? []), { label: name, figure: ours }]);
        continue;
      }
      const bars = [{ label: 'troupe', figure: ours }];
      for (const [, figure] of others) bars.push({ label: figure.contender as string, figure });
      panels.push({ title: name, bars: bars.sort((a, b) => a.figure.median - b.figure.median), ours });
    }
    for (const [unit, bars] of alone) panels.push({ title: `${suite}, ${unit}`, bars, ours: undefined });
  }
  return panels;
}

const heightOf = ({ bars }: Panel): number => TITLE + bars.length * LINE + AXIS;

/** The powers of ten between which all values are; values of nothing have no bar. */
function decades(bars: readonly Bar[]): readonly [number, number] {
  const logs = bars.filter(({ figure }) => figure.median > 0).map(({ figure }) => Math.log10(figure.median));
  if (logs.length === 0) return [0, 1];
  const from = Math.floor(Math.min(...logs) - 0.05);
  return [from, Math.max(from + 1, Math.ceil(Math.max(...logs)))];
}

function captionOf({ figure }: Bar, ours: Figure | undefined): string {
  const value = `${short(figure.median)} ${figure.unit}`;
  if (figure.contender === undefined || ours === undefined) return value;
  return `${value} · ${short(figure.median / ours.median)}×`;
}

function drawBar(
  bar: Bar,
  { x, y }: Place,
  { width, ours }: { readonly width: number; readonly ours: Figure | undefined },
) {
  const { figure, label } = bar;
  const isOurs = figure.contender === undefined;
  const missed =
    figure.contender === undefined && figure.target?.met === false ? `, missed: ${figure.target.text}` : '';
  const emphasis = isOurs && ours !== undefined ? ' class="us"' : '';
  const lines = [text({ x: x - 8, y: y + 14 }, label, ` text-anchor="end"${emphasis}`)];
  if (width > 0) {
    const kind = isOurs ? 'ours' : 'other';
    lines.push(`<rect class="${kind}" x="${x}" y="${y + 4}" width="${width.toFixed(1)}" height="13" rx="2"/>`);
  }
  const colour = missed === '' ? emphasis : ' class="missed"';
  lines.push(text({ x: x + width + 6, y: y + 14 }, `${captionOf(bar, ours)}${missed}`, colour));
  return lines;
}

function drawPanel(panel: Panel, { x, y }: Place): string[] {
  const left = x + (panel.ours === undefined ? LABELS.alone : LABELS.compared);
  const room = panel.ours === undefined ? BARS_WIDTH / 2 : BARS_WIDTH;
  const [from, to] = decades(panel.bars);
  const xOf = (log: number): number => ((log - from) / (to - from)) * room;
  const bottom = y + TITLE + panel.bars.length * LINE;
  const unit = panel.bars[0]?.figure.unit ?? '';
  const lines = [text({ x, y: y + 16 }, panel.title, ' class="title"')];
  for (let power = from; power <= to; power++) {
    const at = (left + xOf(power)).toFixed(1);
    lines.push(`<line class="grid" x1="${at}" x2="${at}" y1="${y + TITLE}" y2="${bottom + 2}"/>`);
    const label = power === to ? `${(10 ** power).toLocaleString('en')} ${unit}` : (10 ** power).toLocaleString('en');
    // Every other one, where they would stand too close.
    if ((to - power) % (to - from > 3 ? 2 : 1) === 0) {
      lines.push(text({ x: Number(at), y: bottom + 13 }, label, ' class="quiet small" text-anchor="middle"'));
    }
  }
  for (const [i, bar] of panel.bars.entries()) {
    const width = bar.figure.median > 0 ? Math.max(2, xOf(Math.log10(bar.figure.median))) : 0;
    lines.push(...drawBar(bar, { x: left, y: y + TITLE + i * LINE }, { width, ours: panel.ours }));
  }
  return lines;
}

export function pictureOf(baseline: Baseline): string {
  const body: string[] = [];
  const columns = [TOP, TOP];
  for (const panel of panelsOf(baseline)) {
    // Where there is more room.
    const column = (columns[1] as number) < (columns[0] as number) ? 1 : 0;
    const y = columns[column] as number;
    body.push(...drawPanel(panel, { x: MARGIN + column * (COLUMN + MARGIN), y }));
    columns[column] = y + heightOf(panel);
  }
  const height = Math.max(...columns) + 8;
  const legend =
    'Medians of one run on a logarithmic scale, less is better; behind each of the others: how many times ours';
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}">`,
    '<title>Troupe beside others: medians of benchmarks</title>',
    `<style>${STYLE}\n</style>`,
    '<rect class="back" width="100%" height="100%"/>',
    text({ x: MARGIN, y: 24 }, legend, ' class="quiet"'),
    text({ x: MARGIN, y: 42 }, lineOf(baseline.machine), ' class="quiet small"'),
    ...body,
    '</svg>',
    '',
  ].join('\n');
}
