import type { ApplicationInfo } from '../../api/index.ts';
import type { ConfigNotice } from '../../config/index.ts';
import type { CliContext } from '../context.ts';
import { routeText } from '../http-table.ts';
import { count, humanDuration, sanitize, sanitizeLine, writeLine } from '../text.ts';
import type { ShownEvent } from './event-limiter.ts';
import { eventLines } from './event-text.ts';
import type { Addresses, Frame, Reporter } from './reporter.ts';

/** Least time between two prints of the view: a log is read later, line by line. */
const PRINT_INTERVAL_MS = 1_000;

/** A stop that takes longer needs a word. */
const SLOW_STOP_MS = 500;

/** Actors that a line names. */
const NAMED_MAX = 5;

/**
 * For pipes, files and logs: what guests write and the view go to standard output, everything about them to standard
 * error. The view is printed when it has changed, at most once a second, and once more at the end.
 */
export class LineReporter implements Reporter {
  readonly #context: CliContext;
  #printed: string | undefined;
  #printedAtMs = Number.NEGATIVE_INFINITY;
  #latest: string | undefined;
  #stoppingAtMs: number | undefined;
  #hasToldWhoIsLeft = false;

  constructor(context: CliContext) {
    this.#context = context;
  }

  notice({ component, message, help }: ConfigNotice): void {
    const { stderr } = this.#context;
    writeLine(stderr, sanitizeLine(`note: "${component}" ${message}`));
    if (help !== undefined) writeLine(stderr, sanitizeLine(`  ${help}`));
  }

  event(event: ShownEvent): void {
    // The end of a compilation is told, with how long it took; so is the stop of the whole. A log needs no more.
    if (event.type === 'compiling' || (event.type === 'stopped' && this.#stoppingAtMs !== undefined)) return;
    const { stdout, stderr } = this.#context;
    const stream = event.type === 'output' && event.stream === 'stdout' ? stdout : stderr;
    for (const line of eventLines(event)) writeLine(stream, line);
  }

  started(application: ApplicationInfo, { control, monitoring }: Addresses): void {
    const where = control === undefined ? '' : `, control port at ${control}`;
    const { stderr } = this.#context;
    writeLine(stderr, sanitizeLine(`${application.name} runs as process ${application.pid}${where}`));
    if (monitoring !== undefined) writeLine(stderr, sanitizeLine(`metrics at ${monitoring}/metrics`));
    if (application.ingress === undefined) return;
    writeLine(stderr, sanitizeLine(`requests at ${application.ingress.address}`));
    for (const route of application.ingress.routes) writeLine(stderr, sanitizeLine(`  ${routeText(route)}`));
  }

  frame({ view, actors }: Frame): void {
    this.#tellWhoIsLeft(actors);
    if (view === undefined || !('text' in view)) return;
    this.#latest = sanitize(view.text).trimEnd();
    const nowMs = this.#context.clock.nowMs();
    // Nobody has read the last one yet: this one can wait, and a later one says more.
    if (this.#context.stdout.writableNeedDrain === true) return;
    if (nowMs - this.#printedAtMs >= PRINT_INTERVAL_MS) this.#print(nowMs);
  }

  stopping(): void {
    this.#stoppingAtMs = this.#context.clock.nowMs();
    writeLine(this.#context.stderr, 'stopping');
  }

  /** Says once what a stop that takes its time is waiting for. */
  #tellWhoIsLeft(actors: Frame['actors']): void {
    if (this.#stoppingAtMs === undefined || this.#hasToldWhoIsLeft) return;
    if (this.#context.clock.nowMs() - this.#stoppingAtMs < SLOW_STOP_MS) return;
    const left = actors.filter(({ state }) => state === 'running').map(({ name }) => sanitizeLine(name));
    if (left.length === 0) return;
    this.#hasToldWhoIsLeft = true;
    const more = left.length > NAMED_MAX ? ` and ${left.length - NAMED_MAX} more` : '';
    const who = `${left.slice(0, NAMED_MAX).join(', ')}${more}`;
    writeLine(this.#context.stderr, `waiting for ${who} to finish; another Ctrl-C ends at once`);
  }

  end(): void {
    this.#print(this.#context.clock.nowMs());
  }

  #print(nowMs: number): void {
    if (this.#latest === undefined || this.#latest === '' || this.#latest === this.#printed) return;
    if (this.#printed !== undefined) writeLine(this.#context.stdout);
    writeLine(this.#context.stdout, this.#latest);
    this.#printed = this.#latest;
    this.#printedAtMs = nowMs;
  }
}

/** One line that says how an application has done in all. */
export function summaryLine({ application, actors }: Frame, wallMs: number): string {
  const sum = (pick: (actor: Frame['actors'][number]) => number) =>
    actors.reduce((total, actor) => total + pick(actor), 0);
  const handled = sum(({ handled }) => handled).toLocaleString('en-US');
  const restarts = count(
    sum(({ restarts }) => restarts),
    'restart',
  );
  const deadLetters = count(
    sum(({ deadLetters }) => deadLetters),
    'dead letter',
  );
  const uptime = humanDuration(Math.max(0, wallMs - application.startedAtMs));
  return `${sanitizeLine(application.name)}: up ${uptime}, ${handled} handled, ${restarts}, ${deadLetters}`;
}
