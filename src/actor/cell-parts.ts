/** What is behind a cell in some situations of its life. */
import type { RuntimeError } from '../errors/index.ts';
import type { Lost } from '../mailbox/index.ts';
import type { Termination } from './actor-ref.ts';
import type { Header } from './header.ts';
import type { DurableWrite } from './ports.ts';

/** What is being done to bring an incarnation to its end, and what follows. */
export interface Ending {
  /** What it ends as; `undefined`: it is started again. */
  readonly termination: Termination | undefined;
  /** Milliseconds before it is started again; `undefined`: when its supervisor says so. */
  readonly delayMs: number | undefined;
  /** Whether the stop hook is still to be run: not after a failure, and once. */
  hookIsDue: boolean;
  /** Whether the state is still to be kept: as the stop hook, and before it. */
  keepIsDue: boolean;
}

/** Those who wait for room in a mailbox. */
export interface Waiting {
  /** Puts into the mailbox as much as it takes. Returns whether somebody still waits. */
  admit(): boolean;
  /** Nothing will be taken any more. */
  end(error: RuntimeError): void;
}

/** What is acknowledged together with the state that a message left. */
export interface Ack {
  /** At most three. */
  readonly writes: readonly DurableWrite[];
  /** Both are on disk. */
  done(): void;
  /** The state that knew of the message is lost. */
  lost(): void;
}

/** Keeps the state of one actor. */
export interface Keeper {
  /** Reads what an earlier process left; nothing if there is nothing to wait for. */
  load(): Promise<void> | undefined;
  /** The state to begin with; `undefined` if none was kept. */
  saved(): { readonly state: unknown } | undefined;
  /** Whether the state is to be kept now, between two messages. */
  isDue(): boolean;
  /** Messages that may be handled before the state is due. */
  readonly quota: number;
  /** Whether messages were handled that no snapshot knows of. */
  readonly isBehind: boolean;
  /** Whether to wait until what was taken is written. */
  readonly isFull: boolean;
  /** A message was handled that is to be acknowledged with the state. */
  acknowledge(ack: Ack): void;
  /** Takes over the state as it is now. */
  take(state: unknown): void;
  /** Resolves when all that was taken is written. */
  written(): Promise<void>;
  /** What was done since the last snapshot is undone. */
  rollBack(): void;
  /** The actor is no more. */
  close(): void;
}

/** A promise that somebody waits for. */
export interface Waiter<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (error: unknown) => void;
}

/** What few incarnations need: timers, promises and signals of theirs. */
export interface TurnExtras {
  /** A turn, or a message that was waited for, is over. */
  onMessageEnd(): void;
  /** The incarnation is over. */
  dispose(reason: RuntimeError | undefined): void;
}

/** What a cell does while it waits for a promise, and what follows. An object of its own for each wait. */
export interface Wait {
  readonly status: 'starting' | 'suspended' | 'stopping';
  /** When the message was begun, on the system's clock; set by who waits. */
  sinceMs: number;
  /** The message that is being handled. */
  readonly current?: Lost<Header> | undefined;
  /** Those that are handled together with it. */
  readonly rest?: readonly Lost<Header>[];
  done(value: unknown): void;
  failed(error: unknown): void;
}

/**
 * What a cell is doing. `queued`: waits for its turn. `running`: is on the call stack. `suspended`: its handler waits for
 * a promise. `starting`: `init` waits for a promise. `backing-off`: waits before a restart. `held`: waits until its
 * supervisor starts it. `stopping`: waits for children or its stop hook.
 */
export type CellStatus =
  | 'idle'
  | 'queued'
  | 'running'
  | 'suspended'
  | 'starting'
  | 'backing-off'
  | 'held'
  | 'stopping'
  | 'stopped';
