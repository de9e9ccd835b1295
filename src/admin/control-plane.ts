import type {
  ActorInfo,
  ApplicationInfo,
  DeadLetterInfo,
  HealthInfo,
  OperationInfo,
  OutboxList,
  Payload,
  StateList,
  StateReport,
} from '../api/index.ts';
import type { WireError } from '../errors/index.ts';

/** What the control port needs of a running application. The runtime implements it. */
export interface ControlPlane {
  application(): ApplicationInfo;
  /** Every actor, those that have ended included, in the order of their start. */
  actors(): readonly ActorInfo[];
  /** Has what `actors` says be of now, as far as that can be had within a moment. Never rejects. */
  look(): Promise<void>;
  /**
   * Operations of one actor, for help and suggestions.
   * @throws {RuntimeError} `ACTOR_NOT_FOUND`.
   */
  operations(name: string): readonly OperationInfo[];
  /**
   * Asks an actor and resolves with its reply. Settles by itself when `timeoutMs` has passed.
   * @throws {RuntimeError} whatever `ask` reports; `MESSAGE_INVALID` or `VALUE_INVALID` when the payload does not fit.
   */
  ask(request: ControlAsk): Promise<Payload>;
  tell(request: ControlTell): { readonly ok: true } | { readonly ok: false; readonly error: WireError };
  /** What is kept of its actors. Rejects as a read of the store. */
  states(): Promise<StateList>;
  /** @throws {RuntimeError} `STATE_NOT_FOUND`. */
  state(actor: string): Promise<StateReport>;
  /** @throws {RuntimeError} `STATE_NOT_FOUND`; `STATE_IN_USE` — an actor of that name lives. */
  removeState(actor: string): Promise<void>;
  /** For whom messages are kept until they are handled. Rejects as a read of the store. */
  outbox(): Promise<OutboxList>;
  /**
   * Makes dead letters of those for one name; returns how many.
   * @throws {RuntimeError} `MESSAGES_NOT_FOUND`.
   */
  removeMessages(actor: string): Promise<number>;
  /** The last dead letters, those that came last first. */
  deadLetters(): readonly DeadLetterInfo[];
  health(): HealthInfo;
  /** What is measured, as text in the form that whoever sends this `accept` reads. */
  metrics(accept: string | undefined): Promise<MetricsPage>;
  /**
   * Puts on record what an operator is about to do; called before it is done.
   * @throws {RuntimeError} `AUDIT_UNAVAILABLE` — it must not be done.
   */
  permit(action: OperatorAction): Promise<void>;
  /** Hears of a request for `path` without a token that allows it. @param holder Whose token it was, if it was anybody's. */
  noteIntrusion(path: string, holder?: string): void;
  /** Stops the application: as `troupe up` does on Ctrl-C. */
  stop(): Promise<void>;
}

/** Metrics as they are sent. */
export interface MetricsPage {
  readonly contentType: string;
  readonly text: string;
}

/** Something that an operator does. */
export interface OperatorAction {
  readonly action: 'actor.ask' | 'actor.tell' | 'state.remove' | 'messages.remove' | 'application.stop';
  readonly actor?: string;
  readonly op?: string;
  /** Whose token it was. */
  readonly principal?: string;
}

export interface ControlAsk {
  readonly actor: string;
  readonly op: string;
  readonly payload: Payload;
  readonly timeoutMs: number;
  /** Aborted when the client went away. */
  readonly signal?: AbortSignal;
}

export interface ControlTell {
  readonly actor: string;
  readonly op: string;
  readonly payload: Payload;
}
