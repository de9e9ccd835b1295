import { createLogUpdate } from 'log-update';
import yoctoSpinner, { type Spinner } from 'yocto-spinner';
import type { ApplicationInfo } from '../../api/index.ts';
import type { ConfigNotice } from '../../config/index.ts';
import { renderActors } from '../actor-table.ts';
import type { CliContext } from '../context.ts';
import { renderRoutes } from '../http-table.ts';
import { count, paint, sanitize, sanitizeLine, writeLine } from '../text.ts';
import type { ShownEvent } from './event-limiter.ts';
import { eventLines } from './event-text.ts';
import { summaryLine } from './line-reporter.ts';
import type { Addresses, Frame, Reporter } from './reporter.ts';

/** Lines that wait to be printed above the picture; a guest that writes more between two frames loses the rest of it. */
const PENDING_LINES_MAX = 500;

/** Height of a terminal that does not say. */
const ROWS_DEFAULT = 24;

/** Rows besides table and view: headline, three blank lines, how much is cut, the last line, and the cursor's. */
const ROWS_OF_FRAME = 7;

/** Rows that the table may take; with more actors than that, `ps` is the better view. */
const TABLE_ROWS_MAX = 20;

/** Routes that are shown. */
const ROUTE_ROWS_MAX = 10;

const WARNINGS: ReadonlySet<ShownEvent['type']> = new Set<ShownEvent['type']>([
  'restarted',
  'dead-letter',
  'denied',
  'limit-breached',
  'request-failed',
]);

/**
 * For terminals: a picture of the actors and the view that stays at the bottom; events and what guests write scroll
 * above it. Everything from guests is made harmless first.
 */
export class LiveReporter implements Reporter {
  readonly #context: CliContext;
  readonly #update: ReturnType<typeof createLogUpdate>;
  #spinner: Spinner | undefined;
  #pending: string[] = [];
  #dropped = 0;
  #latest: Frame | undefined;
  #stopping = false;

  constructor(context: CliContext) {
    this.#context = context;
    // A hidden cursor would stay hidden after a sudden end; at the bottom of the picture it does no harm.
    this.#update = createLogUpdate(context.stdout as NodeJS.WriteStream, { showCursor: true });
    context.interrupts.onExit(() => this.#stopSpinner());
  }

  notice({ component, message, help }: ConfigNotice): void {
    const { stderr } = this.#context;
    writeLine(stderr, `${paint(stderr, 'yellow', 'note')}: ${sanitizeLine(`"${component}" ${message}`)}`);
    if (help !== undefined) writeLine(stderr, `  ${sanitizeLine(help)}`);
  }

  event(event: ShownEvent): void {
    if (event.type === 'compiling') this.#spin(`Compiling ${sanitizeLine(event.component ?? 'a component')}`);
    if (event.type === 'compiling' || event.type === 'compiled' || event.type === 'started') return;
    if (event.type === 'stopped' && this.#stopping) return;
    for (const line of eventLines(event)) {
      if (this.#pending.length < PENDING_LINES_MAX) this.#pending.push(this.#colour(event, line));
      else this.#dropped++;
    }
  }

  started(_application: ApplicationInfo, _addresses: Addresses): void {
    this.#stopSpinner();
  }

  frame(frame: Frame): void {
    this.#flush();
    this.#latest = frame;
    const last = this.#stopping ? 'Stopping; Ctrl-C again ends at once' : 'Ctrl-C stops';
    const rows = this.#context.stdout.rows ?? ROWS_DEFAULT;
    this.#update([...this.#draw(frame, rows - ROWS_OF_FRAME), '', paint(this.#context.stdout, 'dim', last)].join('\n'));
  }

  stopping(): void {
    this.#stopSpinner();
    this.#stopping = true;
  }

  end(): void {
    this.#stopSpinner();
    this.#flush();
    this.#update.clear();
    this.#update.done();
    // The last picture stays, as a whole: nothing is drawn over it any more, so it may scroll.
    if (this.#latest === undefined) return;
    for (const line of this.#draw(this.#latest, Number.POSITIVE_INFINITY)) writeLine(this.#context.stdout, line);
  }

  /** Prints what waits above the picture. */
  #flush(): void {
    if (this.#pending.length === 0) return;
    this.#update.clear();
    for (const line of this.#pending) writeLine(this.#context.stdout, line);
    if (this.#dropped > 0) writeLine(this.#context.stdout, `… ${this.#dropped} more lines, not shown`);
    this.#pending = [];
    this.#dropped = 0;
  }

  /** The picture, whose table and view together take at most `rowsMax` rows. */
  #draw(frame: Frame, rowsMax: number): string[] {
    const { stdout, clock } = this.#context;
    const lines = [paint(stdout, 'bold', summaryLine(frame, clock.wallMs())), ''];
    const table = renderActors(stdout, frame.actors.slice(0, TABLE_ROWS_MAX)).split('\n');
    if (frame.actors.length > TABLE_ROWS_MAX)
      table.push(`… and ${frame.actors.length - TABLE_ROWS_MAX} more: troupe ps`);
    table.push(...this.#routeLines(frame));
    return [...lines, ...table, ...this.#viewLines(frame.view, Math.max(1, rowsMax - table.length))];
  }

  #routeLines({ application: { ingress }, actors }: Frame): string[] {
    if (ingress === undefined) return [];
    const shown = { ...ingress, routes: ingress.routes.slice(0, ROUTE_ROWS_MAX) };
    const lines = ['', ...renderRoutes(this.#context.stdout, shown, actors).split('\n')];
    const more = ingress.routes.length - ROUTE_ROWS_MAX;
    return more > 0 ? [...lines, `… and ${more} more: troupe ps`] : lines;
  }

  #viewLines(view: Frame['view'], rows: number): string[] {
    if (view === undefined) return [];
    const { stdout } = this.#context;
    if ('failure' in view)
      return ['', paint(stdout, 'yellow', `The view does not answer: ${sanitizeLine(view.failure)}`)];
    const lines = sanitize(view.text).trimEnd().split('\n');
    const columns = stdout.columns ?? 80;
    // A line that wraps takes more rows than were counted; code points are near enough to columns.
    const cut = lines
      .slice(0, rows)
      .map((line) => (line.length > columns ? [...line].slice(0, columns).join('') : line));
    return ['', ...cut, ...(lines.length > rows ? [`… ${count(lines.length - rows, 'more line')}`] : [])];
  }

  #colour(event: ShownEvent, line: string): string {
    const { stdout } = this.#context;
    if (event.type === 'failed' || event.type === 'quarantined') return paint(stdout, 'red', line);
    return WARNINGS.has(event.type) ? paint(stdout, 'yellow', line) : line;
  }

  #spin(text: string): void {
    const { stderr } = this.#context;
    if (!stderr.isTTY || this.#latest !== undefined) return;
    if (this.#spinner !== undefined) {
      this.#spinner.text = text;
      return;
    }
    this.#spinner = yoctoSpinner({ text, stream: stderr as NodeJS.WriteStream, handleSignals: false }).start();
  }

  #stopSpinner(): void {
    this.#spinner?.stop();
    this.#spinner = undefined;
  }
}
