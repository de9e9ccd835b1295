/** The figures that README.md quotes, from the baseline `here`: they are written by a program, and a test compares. */
import { type Baseline, type Figure, loadBaseline } from './baseline.ts';
import { pictureOf } from './picture.ts';
import { short } from './statistics.ts';

const LIBRARIES = ['nact', 'xstate', 'effect', 'comedy', 'moleculer'] as const;
const [BEGIN, END] = ['<!-- figures: bench/baselines/here.json -->', '<!-- /figures -->'];

/** By suite, and what the table calls them. */
const ROWS: readonly (readonly [suite: string, row: string, title: string])[] = [
  ['messaging', 'tell → handled', 'a message, sent and handled'],
  ['messaging', 'ping-pong, per message', 'ping-pong, each message'],
  ['messaging', 'request-response', '`ask`, awaited, with a deadline'],
  ['messaging', 'fan-out to 100', 'a topic of 100 subscribers, all handled'],
  ['actor-lifecycle', 'spawn, all started', 'an actor, made and started'],
  ['actor-lifecycle', 'component spawn: construct', 'a component actor, made'],
  ['actor-lifecycle', 'component spawn: construct + instantiate', 'the same with its instance, started'],
  ['scalability', 'registry lookup, 1,000 names', 'a name of 1,000, looked up'],
  ['savina', 'big (1,000), per message', '1,000 actors, each to all, each message'],
  ['savina', 'skynet, 1,111,111 actors', 'skynet, 1,111,111 actors'],
  ['scalability', 'idle actor, started, of 1,000,000', 'an idle actor of a million'],
];

function cell(figure: Figure | undefined): string {
  if (figure === undefined) return '';
  const { median, unit } = figure;
  return unit === 'ns' && median >= 10_000 ? `${short(median / 1e3)} µs` : `${short(median)} ${unit}`;
}

function line(baseline: Baseline, [suite, row, title]: (typeof ROWS)[number]): string {
  const rows = baseline.suites[suite] ?? {};
  const ours = rows[row];
  if (ours === undefined)
    throw new RangeError(`The baseline "here" has no row "${row}" of "${suite}": bench/README.md says how it is made`);
  const others = LIBRARIES.map((name) => rows[`${row} · ${name}`]).filter((figure) => figure !== undefined);
  const [best] = others.sort((a, b) => a.median - b.median);
  const library = best === undefined ? '' : `${cell(best)} (${best.contender})`;
  const target = ours.target === undefined ? '' : `${ours.target.text}${ours.target.met ? '' : ' **missed**'}`;
  const cells = [
    title,
    `**${cell(ours)}**`,
    target,
    library,
    cell(rows[`${row} · erlang`]),
    cell(rows[`${row} · tokio`]),
  ];
  return `| ${cells.join(' | ')} |`;
}

function missed({ suites }: Baseline): string[] {
  const found: string[] = [];
  for (const rows of Object.values(suites)) {
    for (const [label, { median, unit, target }] of Object.entries(rows)) {
      if (target?.met === false) found.push(`${label}: ${short(median)} ${unit}, ${target.text}`);
    }
  }
  return found;
}

/** The table, its conditions, and every target that was missed. */
export function figuresOf(baseline: Baseline): string {
  const { node, cpu, cores, date } = baseline.machine;
  const misses = missed(baseline);
  return [
    '| | Troupe | target | best of five libraries | Erlang | tokio |',
    '| --- | --- | --- | --- | --- | --- |',
    ...ROWS.map((row) => line(baseline, row)),
    '',
    `Medians of one run on ${String(date).slice(0, 10)}: Node.js ${node}, one thread of ${cpu} with ${cores} cores, default bounded`,
    'mailboxes, counters on, everything that was sent was handled. Libraries: nact, xstate, effect, comedy, moleculer.',
    '',
    ...(misses.length === 0 ? ['No target was missed.'] : ['Missed:', '', ...misses.map((miss) => `- ${miss}`)]),
  ].join('\n');
}

/** README.md with the figures of the baseline `here` in their place. */
export function withFigures(readme: string): string {
  const [from, to] = [readme.indexOf(BEGIN), readme.indexOf(END)];
  if (from < 0 || to < from) throw new RangeError(`README.md has no place for figures: "${BEGIN}" … "${END}"`);
  return `${readme.slice(0, from)}${BEGIN}\n${figuresOf(loadBaseline('here'))}\n${readme.slice(to)}`;
}

/** The same as a picture: what others did too. */
export function picture(): string {
  const { machine, suites } = loadBaseline('here');
  const isCompared = (rows: Readonly<Record<string, Figure>>, name: string): boolean =>
    Object.entries(rows).some(
      ([label, { contender }]) => contender !== undefined && (label === name || label === `${name} · ${contender}`),
    );
  const compared = Object.entries(suites).map(([suite, rows]) => {
    return [suite, Object.fromEntries(Object.entries(rows).filter(([name]) => isCompared(rows, name)))] as const;
  });
  return pictureOf({ machine, suites: Object.fromEntries(compared) });
}
