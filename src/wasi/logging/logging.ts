import type { Clock } from '../../time/index.ts';
import { asText, defineInterfaces, type Guest, PartKey, trap } from '../guest/index.ts';

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'critical'] as const;

/** How serious a guest says it is. */
export type LogLevel = (typeof LEVELS)[number];

/** One line that a guest logged. Its texts are the guest's: make them harmless before a terminal sees them. */
export interface LogEntry {
  readonly level: LogLevel;
  /** What the guest groups its lines by; may be empty. */
  readonly context: string;
  readonly message: string;
  /** Lines before this one that were left out, since there were too many. Absent: none. */
  readonly dropped?: number;
}

/**
 * Hears what guests log. Runs in the middle of the guest's call: it should be quick, and must not throw. Guests that have
 * the same one share what may be logged: those of one actor, one after another or for a request each.
 */
export interface LogSink {
  log(entry: LogEntry): void;
}

const NO_SINK: LogSink = Object.freeze({ log: () => undefined });

/** Given to guests whose lines somebody reads. */
export const LOG_SINK = new PartKey<LogSink>('log sink', { make: () => NO_SINK });

/** Characters of a message and of a context that are kept: a screen full, and a word or two. */
const MESSAGE_MAX = 4_096;
const CONTEXT_MAX = 128;

/** Lines that may be logged to one listener at once, and each second on average: more than anybody reads, and far below a flood. */
const BURST = 200;
const LINES_PER_SECOND = 50;

const LOG = new PartKey<Log>('log', {
  make: (guest) => new Log(guest.clock, guest.part(LOG_SINK)),
  dispose: (log) => log.end(),
});

/** What may still be logged to one listener. */
class Allowance {
  readonly #clock: Clock;
  #left = BURST;
  #refilledMs: number;
  /** Lines that were left out, and are not told yet. */
  dropped = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#refilledMs = clock.nowMs();
  }

  /** @param loan Lines that may be owed: the one at the end of a guest. */
  take(loan = 0): boolean {
    const nowMs = this.#clock.nowMs();
    this.#left = Math.min(BURST, this.#left + ((nowMs - this.#refilledMs) * LINES_PER_SECOND) / 1_000);
    this.#refilledMs = nowMs;
    if (this.#left + loan < 1) return false;
    this.#left -= 1;
    return true;
  }
}

const ALLOWANCES = new WeakMap<LogSink, Allowance>();

function allowanceOf(sink: LogSink, clock: Clock): Allowance {
  const known = ALLOWANCES.get(sink) ?? new Allowance(clock);
  ALLOWANCES.set(sink, known);
  return known;
}

/** What one guest logs: shortened, and thinned out when it is too much. */
class Log {
  readonly #sink: LogSink;
  readonly #allowance: Allowance;

  constructor(clock: Clock, sink: LogSink) {
    this.#sink = sink;
    this.#allowance = allowanceOf(sink, clock);
  }

  add(level: LogLevel, context: string, message: string): void {
    if (this.#allowance.take())
      this.#tell({ level, context: shortened(context, CONTEXT_MAX), message: shortened(message, MESSAGE_MAX) });
    else this.#allowance.dropped++;
  }

  /** Says how many were left out at the last. */
  end(): void {
    if (this.#allowance.dropped > 0 && this.#allowance.take(1))
      this.#tell({ level: 'warn', context: '', message: 'The last lines of the log were left out' });
  }

  #tell(entry: LogEntry): void {
    const { dropped } = this.#allowance;
    this.#allowance.dropped = 0;
    this.#sink.log(dropped === 0 ? entry : { ...entry, dropped });
  }
}

function shortened(text: string, max: number): string {
  // Well-formed also where it is cut: half a character is none.
  return text.length <= max ? text : `${text.slice(0, max).toWellFormed()}… (${text.length - max} characters more)`;
}

function asLevel(value: unknown): LogLevel {
  const level = LEVELS.find((known) => known === value);
  return level ?? trap('Cannot log: the level is not one that the interface declares');
}

const FUNCTIONS = {
  log(this: Guest, ...[level, context, message]: unknown[]): void {
    this.part(LOG).add(asLevel(level), asText(context), asText(message));
  },
};

/** `wasi:logging`, which had no version at first, and then that of a draft. */
export const LOGGING_INTERFACES = defineInterfaces({
  'wasi:logging/logging': FUNCTIONS,
  'wasi:logging/logging@0.1.0-draft': FUNCTIONS,
});
