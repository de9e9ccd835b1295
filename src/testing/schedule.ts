import type { Runnable } from '../actor/index.ts';
import type { RunQueue } from '../dispatch/index.ts';
import type { ManualClock, TimerHandle } from '../time/index.ts';
import { type Chooser, PLAIN } from './chooser.ts';

/** An actor that takes a message now and then. */
interface Slowness {
  readonly byMs: number;
  /** When it may have its next turn. */
  nextMs: number;
  /** Brings it back then, if it waits for it. */
  timer: TimerHandle | null;
}

/** Whose turn it is: of those who are ready, whom the chooser names. Actors are known by name, which the living ones have alone. */
export class Schedule implements RunQueue<Runnable> {
  /** Who decides; may be replaced between two turns. */
  chooser: Chooser = PLAIN;
  /** Turns that may still be given out. */
  #allowance = Number.POSITIVE_INFINITY;
  readonly #clock: ManualClock;
  #onReady: () => void = () => {};
  #ready: Runnable[] = [];
  /** Those who would be ready, were it not for a pause or for being slow. */
  readonly #heldBack = new Set<Runnable>();
  readonly #paused = new Map<string, number>();
  readonly #slow = new Map<string, Slowness>();

  constructor(clock: ManualClock) {
    this.#clock = clock;
  }

  /** The queue for a dispatcher. It is generic, and never looks at more than the reference of what it holds. */
  toQueue<T extends Runnable>(onReady: () => void): RunQueue<T> {
    this.#onReady = onReady;
    return this as unknown as RunQueue<T>;
  }

  get size(): number {
    return this.#allowance > 0 ? this.#ready.length : 0;
  }

  push(item: Runnable): void {
    if (this.#mayRun(item)) this.#ready.push(item);
    else this.#heldBack.add(item);
  }

  shift(): Runnable | undefined {
    if (this.size === 0) return undefined;
    const [item] = this.#ready.splice(this.chooser.below(this.#ready.length), 1);
    this.#allowance--;
    const slowness = this.#slow.get((item as Runnable).ref.name);
    if (slowness !== undefined) slowness.nextMs = this.#clock.nowMs() + slowness.byMs;
    return item;
  }

  limitTurn(name: string, quota: number): number {
    if (this.#slow.has(name)) return 1;
    return quota - this.chooser.below(quota);
  }

  /** Gives out `turns` more turns, and no others. */
  allow(turns: number): void {
    this.#allowance = turns;
    this.#onReady();
  }

  /** Pauses may overlap: each is ended by itself. */
  pause(name: string): () => void {
    this.#paused.set(name, (this.#paused.get(name) ?? 0) + 1);
    this.#reconsider();
    return () => {
      const left = (this.#paused.get(name) ?? 0) - 1;
      if (left > 0) this.#paused.set(name, left);
      else this.resume(name);
    };
  }

  /** Ends all pauses of an actor. */
  resume(name: string): void {
    this.#paused.delete(name);
    this.#reconsider();
  }

  /** Lets an actor handle one message at a time, and the next `byMs` later at the earliest. */
  slow(name: string, byMs: number): () => void {
    this.#hasten(name);
    const slowness: Slowness = { byMs, nextMs: this.#clock.nowMs() + byMs, timer: null };
    this.#slow.set(name, slowness);
    this.#reconsider();
    return () => {
      if (this.#slow.get(name) === slowness) this.#hasten(name);
    };
  }

  /** Ends everything that holds an actor back. */
  heal(): void {
    this.#paused.clear();
    for (const name of this.#slow.keys()) this.#hasten(name);
    this.allow(Number.POSITIVE_INFINITY);
    this.#reconsider();
  }

  #mayRun({ ref: { name } }: Runnable): boolean {
    if (this.#paused.has(name)) return false;
    const slowness = this.#slow.get(name);
    if (slowness === undefined || slowness.nextMs <= this.#clock.nowMs()) return true;
    slowness.timer ??= this.#clock.after(slowness.nextMs - this.#clock.nowMs(), () => {
      slowness.timer = null;
      this.#reconsider();
    });
    return false;
  }

  /** The actor is as quick as it was. */
  #hasten(name: string): void {
    this.#slow.get(name)?.timer?.cancel();
    this.#slow.delete(name);
    this.#reconsider();
  }

  #reconsider(): void {
    const all = [...this.#ready, ...this.#heldBack];
    this.#ready = [];
    this.#heldBack.clear();
    for (const item of all) this.push(item);
    this.#onReady();
  }
}
