import { type Histogram, type MetricName, type MetricSet, type Series, specOf } from '../telemetry/index.ts';

/** The two forms of text that Prometheus and its like read. */
export const EXPOSITION_TYPES = {
  prometheus: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
} as const;

export type ExpositionFormat = keyof typeof EXPOSITION_TYPES;

/** Which of the two whoever sent this `accept` wants: OpenMetrics if it is named. */
export function formatFor(accept: string | undefined): ExpositionFormat {
  return accept?.includes('application/openmetrics-text') === true ? 'openmetrics' : 'prometheus';
}

/** Characters of one piece: written in a millisecond or so. */
const PIECE_CHARS = 65_536;

/** Writes a set, in pieces between which others may have their turn. */
export function* exposition(set: MetricSet, format: ExpositionFormat): Generator<string, void, void> {
  let text = '';
  for (const [name, series] of set) {
    text += headOf(name, format);
    for (const one of series) {
      text += linesOf(name, one);
      if (text.length < PIECE_CHARS) continue;
      yield text;
      text = '';
    }
  }
  yield format === 'openmetrics' ? `${text}# EOF\n` : text;
}

function headOf(name: MetricName, format: ExpositionFormat): string {
  const { type, unit, help } = specOf(name);
  // There, a counter is called without its suffix.
  const family = format === 'openmetrics' && type === 'counter' ? name.slice(0, -'_total'.length) : name;
  const units = format === 'openmetrics' && unit !== undefined ? `# UNIT ${family} ${unit}\n` : '';
  return `# HELP ${family} ${escaped(help)}\n# TYPE ${family} ${type}\n${units}`;
}

function linesOf(name: MetricName, { labels, value }: Series): string {
  const spec = specOf(name);
  const written = spec.labels.map((label, index) => `${label}="${escaped(labels[index] as string)}"`).join(',');
  if (typeof value === 'number') return `${name}${written === '' ? '' : `{${written}}`} ${numberText(value)}\n`;
  return histogramLines(name, written, value);
}

function histogramLines(name: MetricName, labels: string, histogram: Histogram): string {
  const comma = labels === '' ? '' : `${labels},`;
  const braces = labels === '' ? '' : `{${labels}}`;
  const { count } = histogram;
  let text = '';
  for (const bound of specOf(name).bounds ?? []) {
    text += `${name}_bucket{${comma}le="${numberText(bound)}"} ${numberText(histogram.atMost(bound))}\n`;
  }
  text += `${name}_bucket{${comma}le="+Inf"} ${numberText(count)}\n`;
  return `${text}${name}_sum${braces} ${numberText(histogram.sumS)}\n${name}_count${braces} ${numberText(count)}\n`;
}

/** Both forms read what JavaScript writes, but for these. */
function numberText(value: number): string {
  if (Number.isFinite(value)) return `${value}`;
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';
}

const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '"': '\\"', '\n': '\\n' };

/** Names come from files and guests' authors. */
function escaped(text: string): string {
  return /[\\"\n]/.test(text) ? text.replace(/[\\"\n]/g, (char) => ESCAPES[char] as string) : text;
}
