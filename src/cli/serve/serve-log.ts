import type { ApplicationEvent, ServeCommandOptions } from '../../runtime/index.ts';
import type { CliContext } from '../context.ts';
import type { OutputFormat } from '../report-error.ts';
import { count, paint, sanitizeLine, toJson, writeLine } from '../text.ts';
import { EventLimiter, type ShownEvent } from '../up/event-limiter.ts';
import { eventLines } from '../up/event-text.ts';

type RequestRecord = Parameters<NonNullable<ServeCommandOptions['onRequest']>>[0];

/** Requests that are shown within one second on a terminal: more than a person can read. */
const SHOWN_MAX = 50;
const WINDOW_MS = 1_000;

/** Events that say nothing new of one component that is served by itself. */
const SILENT: ReadonlySet<ApplicationEvent['type']> = new Set<ApplicationEvent['type']>([
  'compiling',
  'compiled',
  'started',
  'stopped',
]);

/**
 * What `serve` says: where it listens and what goes wrong, on standard error; what the guest prints, where it prints it;
 * on a terminal a line for each request, at a pace that can be read. With `json` each of these is an object on a line of
 * standard output; requests that nobody reads in time are counted instead.
 */
export class ServeLog {
  readonly #context: CliContext;
  readonly #json: boolean;
  readonly #limiter: EventLimiter;
  #windowStartMs = Number.NEGATIVE_INFINITY;
  #shown = 0;
  #held = 0;

  constructor(context: CliContext, format: OutputFormat) {
    this.#context = context;
    this.#json = format === 'json';
    this.#limiter = new EventLimiter(context.clock, (event) => this.#show(event));
  }

  listening(address: string): void {
    if (this.#json) this.#write('listening', { address });
    else writeLine(this.#context.stderr, `Serving HTTP at ${address}; Ctrl-C stops`);
  }

  stopping(): void {
    if (this.#json) this.#write('stopping', {});
    else writeLine(this.#context.stderr, 'Stopping; Ctrl-C again ends at once');
  }

  event(event: ApplicationEvent): void {
    // Elsewhere than in JSON a denial is told with the option that would allow it.
    if (SILENT.has(event.type) || (event.type === 'denied' && !this.#json)) return;
    this.#limiter.take(event);
  }

  request(record: RequestRecord): void {
    const { stderr, stdout } = this.#context;
    if (this.#json) {
      const { component: _, ...rest } = record;
      if (stdout.writableNeedDrain === true) this.#held++;
      else this.#write('request', rest);
      return;
    }
    if (!stderr.isTTY) return;
    this.#beginWindow();
    if (this.#shown >= SHOWN_MAX) {
      this.#held++;
      return;
    }
    this.#shown++;
    writeLine(stderr, this.#requestLine(record));
  }

  /** Says what was held back: as far as it is `'due'`, or all of it at the `'end'`. */
  release(when: 'due' | 'end'): void {
    this.#limiter.release(when);
    if (when === 'end' || this.#context.clock.nowMs() - this.#windowStartMs >= WINDOW_MS) this.#tellHeld();
  }

  #requestLine({ method, path, status, durationMs }: RequestRecord): string {
    const { stderr } = this.#context;
    const colour = status === 0 || status >= 500 ? 'red' : status >= 400 ? 'yellow' : 'green';
    const shown = paint(stderr, colour, status === 0 ? '---' : String(status));
    return `${shown} ${sanitizeLine(`${method} ${path}`).slice(0, 200)} ${durationMs.toFixed(1)}ms`;
  }

  #beginWindow(): void {
    const nowMs = this.#context.clock.nowMs();
    if (nowMs - this.#windowStartMs < WINDOW_MS) return;
    this.#tellHeld();
    this.#windowStartMs = nowMs;
    this.#shown = 0;
  }

  #tellHeld(): void {
    if (this.#held === 0) return;
    if (this.#json) this.#write('requests', { count: this.#held });
    else writeLine(this.#context.stderr, `… ${count(this.#held, 'more request')}`);
    this.#held = 0;
  }

  #show(event: ShownEvent): void {
    const { stdout, stderr } = this.#context;
    const { type, ...rest } = event;
    if (this.#json) {
      this.#write(type, rest);
      return;
    }
    if (type === 'output') {
      writeLine(event.stream === 'stdout' ? stdout : stderr, sanitizeLine(event.text ?? ''));
      return;
    }
    for (const line of eventLines(event)) writeLine(stderr, line);
  }

  #write(type: string, fields: object): void {
    writeLine(this.#context.stdout, toJson({ type, atMs: this.#context.clock.wallMs(), ...fields }, 'line'));
  }
}
