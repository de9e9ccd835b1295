import type { Runnable } from '../actor/index.ts';
import type { RunQueue } from '../dispatch/index.ts';
import type { ManualClock, TimerHandle } from '../time/index.ts';
import type { Chooser } from './chooser.ts';

/** Turns at one moment of the clock; more means that actors keep one another busy for ever. */
const TURNS_MAX = 500_000;

/** Names that are shown of those whose turn would be next. */
const SHOWN_MAX = 10;

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
  chooser: Chooser;
  readonly turnsMax: number;
  /** Turns that may still be given out. */
  #allowance = Number.POSITIVE_INFINITY;
  readonly #clock: ManualClock;
  #onReady: () => void = () => {};
  #ready: Runnable[] = [];
  /** Those who would be ready, were it not for a pause or for being slow. */
  readonly #heldBack = new Set<Runnable>();
  readonly #paused = new Map<string, number>();
  readonly #slow = new Map<string, Slowness>();

  /** Turns at the present moment, and when that is. */
  #turns = 0;
  #momentMs = 0;

  /** @param turnsMax Turns at one moment of the clock. */
  constructor(clock: ManualClock, chooser: Chooser, turnsMax = TURNS_MAX) {
    this.turnsMax = turnsMax;
    this.#clock = clock;
    this.chooser = chooser;
  }

  /** The queue for a dispatcher. It is generic, and never looks at more than the reference of what it holds. */
  toQueue<T extends Runnable>(onReady: () => void): RunQueue<T> {
    this.#onReady = onReady;
    return this as unknown as RunQueue<T>;
  }

  get size(): number {
    return this.#allowance > 0 && !this.isEndless ? this.#ready.length : 0;
  }

  /** Whether there have been {@link turnsMax} turns at one moment: there are no more before time passes. */
  get isEndless(): boolean {
    return this.#turns >= this.turnsMax && this.#momentMs === this.#clock.nowMs();
  }

  /** Names of some of those who wait for their turn. */
  get next(): string[] {
    return [...new Set(this.#ready.slice(0, SHOWN_MAX).map(({ ref }) => `"${ref.name}"`))];
  }

  push(item: Runnable): void {
    if (this.#mayRun(item)) this.#ready.push(item);
    else this.#heldBack.add(item);
  }

  shift(): Runnable | undefined {
    if (this.size === 0 || !this.#count()) return undefined;
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
    this.#turns = 0;
    this.allow(Number.POSITIVE_INFINITY);
    this.#reconsider();
  }

  /** Counts a turn. Returns whether there may be one. */
  #count(): boolean {
    const nowMs = this.#clock.nowMs();
    if (nowMs !== this.#momentMs) this.#turns = 0;
    this.#momentMs = nowMs;
    if (this.#turns >= this.turnsMax) return false;
    this.#turns++;
    return true;
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
