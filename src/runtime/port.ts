import type { ControlPlane } from '../admin/index.ts';
import type { WireError } from '../errors/index.ts';
import type { EventName } from '../telemetry/index.ts';
import type { LogLevel } from '../wasi/index.ts';

export interface StartOptions {
  /** Hears of everything that happens, in the middle of other work: it should be quick. */
  onEvent(event: ApplicationEvent): void;
  /** What a guest that has just written waits for: nothing, or a promise that never rejects. Default: nothing. */
  pace?(): Promise<void> | undefined;
  /** Hears of each grant that a component used or lacked, once: a line for `troupe.toml`. */
  onNeeded?(component: string, line: string): void;
  /** Gives up the start; nothing half-started is left. */
  readonly signal?: AbortSignal;
}

/** A running application. */
export interface Application extends ControlPlane, AsyncDisposable {
  /** Resolves when every task has ended and every mailbox is empty. Never rejects; pending for ever if that never comes. */
  readonly idle: Promise<void>;
  /** As of the control plane; with `drainMs`, what was accepted is finished first, for so many milliseconds at most. */
  stop(options?: { readonly drainMs?: number }): Promise<void>;
  /** The text of `[view]`; `undefined` when there is none. Rejects as an `ask` does. */
  viewText(): Promise<string | undefined>;
}

/** Something that happened, for people and logs. Texts may come from a guest. */
export interface ApplicationEvent {
  readonly type: EventName;
  readonly actor?: string;
  readonly component?: string;
  readonly text?: string;
  readonly stream?: 'stdout' | 'stderr';
  /** Of a `log`: how serious the guest says it is, what it groups its lines by, and how many were left out before it. */
  readonly level?: LogLevel;
  readonly context?: string;
  readonly dropped?: number;
  /** Of a `limit-breached`: which of `[limits]`, its value, what was used or wanted, and how often since it was last told. */
  readonly limit?: string;
  readonly limitValue?: number;
  readonly used?: number;
  readonly times?: number;
  readonly error?: WireError;
  readonly durationMs?: number;
}
