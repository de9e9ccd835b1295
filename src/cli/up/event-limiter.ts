import type { ApplicationEvent } from '../../runtime/index.ts';
import type { Clock } from '../../time/index.ts';

/** An event as it is shown; `repeated` stands for that many more of its kind that were not shown one by one. */
export type ShownEvent = ApplicationEvent & { readonly repeated?: number };

/** What a guest can cause thousands of times a second. Its output is not here: that is data. */
const LIMITED: ReadonlySet<ApplicationEvent['type']> = new Set<ApplicationEvent['type']>([
  'dead-letter',
  'denied',
  'would-deny',
  'failed',
  'quarantined',
  'request-failed',
  'restarted',
]);

/** Events of one actor and type that are shown within a window; enough to see a pattern. */
const SHOWN_MAX = 5;

const WINDOW_MS = 1_000;

interface Window {
  readonly startMs: number;
  shown: number;
  held: number;
  last: ApplicationEvent;
}

/**
 * Shows the first few events of each actor and type in each second, and counts the rest: a guest that is denied
 * something in a loop costs a line a second.
 */
export class EventLimiter {
  readonly #clock: Clock;
  readonly #show: (event: ShownEvent) => void;
  /** At most one for each actor and limited type. */
  readonly #windows = new Map<string, Window>();

  constructor(clock: Clock, show: (event: ShownEvent) => void) {
    this.#clock = clock;
    this.#show = show;
  }

  take(event: ApplicationEvent): void {
    if (!LIMITED.has(event.type)) {
      this.#show(event);
      return;
    }
    const key = `${event.type} ${event.actor ?? ''}`;
    const window = this.#windowOf(key, event);
    if (window.shown < SHOWN_MAX) {
      window.shown++;
      this.#show(event);
      return;
    }
    window.held++;
    window.last = event;
  }

  /** Shows what was held back: that of windows which are over, or everything at the `'end'`. */
  release(when: 'due' | 'end'): void {
    const nowMs = this.#clock.nowMs();
    for (const [key, window] of this.#windows) {
      if (when === 'due' && nowMs - window.startMs < WINDOW_MS) continue;
      this.#windows.delete(key);
      if (window.held > 0) this.#show({ ...window.last, repeated: window.held });
    }
  }

  #windowOf(key: string, event: ApplicationEvent): Window {
    const found = this.#windows.get(key);
    const nowMs = this.#clock.nowMs();
    if (found !== undefined && nowMs - found.startMs < WINDOW_MS) return found;
    if (found !== undefined && found.held > 0) this.#show({ ...found.last, repeated: found.held });
    const window: Window = { startMs: nowMs, shown: 0, held: 0, last: event };
    this.#windows.set(key, window);
    return window;
  }
}
