import { type KeepPolicy, type Migrations, packState, unpackState } from '../durable/index.ts';
import { RuntimeError } from '../errors/index.ts';
import type { TimerNode } from '../time/index.ts';
import type { Cell } from './cell.ts';
import type { Ack, Keeper } from './cell-parts.ts';
import { ignoreOutcome } from './thenable.ts';

/** Bucket of the store that holds states, by the names of their actors. */
export const STATE_BUCKET = 'actors/state';

/** Acknowledgements that go with one snapshot: with three entries each they fit into one request of the store. */
const ACKS_MAX = 256;

/** Milliseconds before a write that failed is tried again. Chosen: a disk that is full or busy is so for seconds. */
const RETRY_MS = 1_000;

/** How the states of a type of actors are kept. */
export interface KeepPlan {
  readonly policy: KeepPolicy;
  /** Version of the state's shape. */
  readonly version: number;
  readonly migrations: Migrations;
}

/**
 * Keeps the state of one actor: what its next incarnation begins with, in this process or a later one.
 *
 * ```
 *   handled ──► pending acks ──snapshot──► last, unwritten acks ──write──► on disk
 *                   │ incarnation fails                │ process dies
 *                   ▼                                  ▼
 *              redelivered                 redelivered, from the state before
 * ```
 *
 * One write is under way at a time; what was taken meanwhile is the next.
 */
export class StateKeeper implements Keeper {
  readonly #cell: Cell;
  readonly #plan: KeepPlan;
  /** What the next incarnation begins with; `undefined`: with a new state. */
  #last: Uint8Array | undefined;
  #hasLoaded = false;
  /** `cell.handled` at the last snapshot. */
  #mark = 0;
  #isAsked = false;
  /** Of messages that were handled since the last snapshot. */
  #pending: Ack[] = [];
  /** Of messages that {@link #last} knows of. */
  #unwritten: Ack[] = [];
  #isChanged = false;
  #writing: Promise<void> | undefined;
  #timer: TimerNode | null = null;
  #isClosed = false;

  constructor(cell: Cell, plan: KeepPlan) {
    this.#cell = cell;
    this.#plan = plan;
  }

  /** Reads what an earlier process left. Returns nothing if there is nothing to wait for. */
  load(): Promise<void> | undefined {
    const store = this.#store;
    const { givenName } = this.#cell;
    if (this.#hasLoaded || store === undefined || givenName === undefined) return undefined;
    return store.read(STATE_BUCKET, [givenName]).then(([entry]) => {
      this.#hasLoaded = true;
      this.#last = entry?.value;
    });
  }

  /**
   * The state to begin with, in the present version; `undefined` if none was kept.
   *
   * @throws {RuntimeError} `STATE_CORRUPT`, `STATE_VERSION_UNKNOWN`. What a migration throws.
   */
  saved(): { readonly state: unknown } | undefined {
    this.#mark = this.#cell.handled;
    if (this.#last === undefined) return undefined;
    return { state: unpackState(this.#owner, this.#last, this.#plan.migrations) };
  }

  /** Whether the state is to be kept now, between two messages. Else it sees to it that it will be. */
  isDue(): boolean {
    const since = this.#cell.handled - this.#mark;
    const isIdle = !this.#cell.mailbox.hasWork;
    if (this.#isAsked || since >= this.#plan.policy.everyMessages) return true;
    if (this.#pending.length > 0 && (isIdle || this.#pending.length >= ACKS_MAX)) return true;
    if (since > 0 && this.#timer === null) this.#lookIn(this.#plan.policy.everyMs);
    return false;
  }

  /** Messages that may be handled before the state is due. */
  get quota(): number {
    const since = this.#cell.handled - this.#mark;
    return Math.max(1, Math.min(this.#plan.policy.everyMessages - since, ACKS_MAX - this.#pending.length));
  }

  /** Whether messages were handled that no snapshot knows of. */
  get isBehind(): boolean {
    return this.#pending.length > 0 || this.#cell.handled !== this.#mark;
  }

  /** What to wait for before more is handled: there is much to be written already. */
  get isFull(): boolean {
    return this.#unwritten.length >= ACKS_MAX;
  }

  /** A message was handled that is to be acknowledged with the state. */
  acknowledge(ack: Ack): void {
    this.#pending.push(ack);
  }

  /**
   * Takes over the state as it is now. It is what the next incarnation begins with, and is written.
   *
   * @throws {RuntimeError} `STATE_INVALID`; then what was kept before stays.
   */
  take(state: unknown): void {
    this.#clearTimer();
    this.#isAsked = false;
    this.#mark = this.#cell.handled;
    this.#last = packState(this.#owner, state, this.#plan.policy.maxBytes);
    this.#isChanged = true;
    this.#unwritten.push(...this.#pending);
    this.#pending = [];
    void this.#write();
  }

  /** Resolves when all that was taken is on disk, if there is one; rejects when it could not be written. */
  async written(): Promise<void> {
    while (this.#writing !== undefined || this.#isChanged) {
      const error = await this.#write();
      if (error !== undefined) throw error;
    }
  }

  /** The incarnation is over: what it did since the last snapshot is undone. */
  rollBack(): void {
    this.#clearTimer();
    this.#isAsked = false;
    const lost = this.#pending;
    this.#pending = [];
    for (const ack of lost) ack.lost();
  }

  /**
   * The actor is no more. What is being written is written, and nothing after it: another of the name may go on from that.
   */
  close(): void {
    this.rollBack();
    this.#isClosed = true;
    if (this.#writing === undefined) this.#giveUp();
  }

  /** What was not written is lost, and the messages that it knew of are delivered again. */
  #giveUp(): void {
    this.#isChanged = false;
    const lost = this.#unwritten;
    this.#unwritten = [];
    for (const ack of lost) ack.lost();
  }

  get #store() {
    return this.#cell.profile.services.store;
  }

  get #owner() {
    const { name, profile } = this.#cell;
    return { actor: name, type: profile.typeName, version: this.#plan.version };
  }

  /** Joins the write that is under way, or begins one. Resolves with what went wrong, and never rejects. */
  #write(): Promise<RuntimeError | undefined> {
    const before = this.#failure;
    if (this.#writing !== undefined) return this.#writing.then(() => this.#failure);
    if (!this.#isChanged) return Promise.resolve(before);
    this.#isChanged = false;
    const acks = this.#unwritten;
    this.#unwritten = [];
    this.#writing = this.#writeNow(acks).then((error) => {
      this.#writing = undefined;
      this.#failure = error;
      if (error !== undefined) {
        this.#isChanged = true;
        this.#unwritten = [...acks, ...this.#unwritten];
        this.#cell.report('snapshot', error);
        if (!this.#isClosed) this.#lookIn(RETRY_MS);
      } else {
        for (const ack of acks) ack.done();
      }
      if (this.#isClosed) this.#giveUp();
      // Taken while this was written.
      else if (error === undefined && this.#isChanged) void this.#write();
    });
    ignoreOutcome(this.#writing);
    return this.#writing.then(() => this.#failure);
  }

  #failure: RuntimeError | undefined;

  async #writeNow(acks: readonly Ack[]): Promise<RuntimeError | undefined> {
    const { givenName } = this.#cell;
    const store = this.#store;
    const value = this.#last as Uint8Array;
    // Without a name there is nothing to find the state by; a router with one may still have kept messages for it.
    const own = givenName === undefined ? [] : [{ bucket: STATE_BUCKET, key: givenName, value }];
    const writes = [...own, ...acks.flatMap((ack) => ack.writes)];
    if (store === undefined || writes.length === 0) return undefined;
    try {
      await store.write(writes);
      return undefined;
    } catch (error) {
      return RuntimeError.from(error);
    }
  }

  /** Lets the actor be looked at again, although no message comes. */
  #lookIn(delayMs: number): void {
    const { wheel } = this.#cell.profile.services;
    this.#clearTimer();
    this.#timer = wheel.after(delayMs, () => {
      this.#timer = null;
      if (this.#isChanged) void this.#write();
      if (!this.isBehind) return;
      this.#isAsked = true;
      this.#cell.nudge();
    });
  }

  #clearTimer(): void {
    if (this.#timer !== null) this.#cell.profile.services.wheel.cancel(this.#timer);
    this.#timer = null;
  }
}
