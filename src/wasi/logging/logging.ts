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

/** Hears what a guest logs. Runs in the middle of the guest's call: it should be quick, and must not throw. */
export interface LogSink {
  log(entry: LogEntry): void;
}

const NO_SINK: LogSink = Object.freeze({ log: () => undefined });

/** Given to guests whose lines somebody reads. */
export const LOG_SINK = new PartKey<LogSink>('log sink', { make: () => NO_SINK });

/** Characters of a message and of a context that are kept: a screen full, and a word or two. */
const MESSAGE_MAX = 4_096;
const CONTEXT_MAX = 128;

/** Lines that a guest may log at once, and each second on average: more than anybody reads, and far below a flood. */
const BURST = 200;
const LINES_PER_SECOND = 50;

const LOG = new PartKey<Log>('log', {
  make: (guest) => new Log(guest.clock, guest.part(LOG_SINK)),
  dispose: (log) => log.end(),
});

/** What one guest logs: shortened, and thinned out when it is too much. */
class Log {
  readonly #clock: Clock;
  readonly #sink: LogSink;
  #left = BURST;
  #refilledMs: number;
  #dropped = 0;

  constructor(clock: Clock, sink: LogSink) {
    this.#clock = clock;
    this.#sink = sink;
    this.#refilledMs = clock.nowMs();
  }

  add(level: LogLevel, context: string, message: string): void {
    if (!this.#mayPass()) {
      this.#dropped++;
      return;
    }
    this.#tell({ level, context: shortened(context, CONTEXT_MAX), message: shortened(message, MESSAGE_MAX) });
  }

  /** Says how many were left out at the last. */
  end(): void {
    if (this.#dropped > 0)
      this.#tell({ level: 'warn', context: '', message: 'The last lines of the log were left out' });
  }

  #tell(entry: LogEntry): void {
    const dropped = this.#dropped;
    this.#dropped = 0;
    this.#sink.log(dropped === 0 ? entry : { ...entry, dropped });
  }

  #mayPass(): boolean {
    const nowMs = this.#clock.nowMs();
    this.#left = Math.min(BURST, this.#left + ((nowMs - this.#refilledMs) * LINES_PER_SECOND) / 1_000);
    this.#refilledMs = nowMs;
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
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
