import type { Intervention, Passage, Runnable } from '../actor/index.ts';
import type { RunQueue } from '../dispatch/index.ts';
import type { ManualClock, TimerHandle } from '../time/index.ts';
import { type MessageMatch, type TestMessage, toPredicate } from './message.ts';
import type { Schedule } from './schedule.ts';

/** A fault that has been planted. Leaving its scope (`using`) ends it. */
export interface Fault extends Disposable {
  /** What it befell so far: messages, or 1 for an actor. */
  readonly hits: number;
  /** Nothing more happens by it. What it holds back still comes in its time. */
  end(): void;
}

/** Asks that are remembered between two looks at which of them are still pending. */
const ASKS_KEPT = 256;

interface Held {
  readonly passage: Passage;
  readonly timer: TimerHandle;
}

/** What is done to matching messages. Returns whether the message has been taken out of its way. */
type Effect = (passage: Passage) => boolean;

class Rule implements Fault {
  hits = 0;
  readonly #matches: (message: TestMessage) => boolean;
  readonly #effect: Effect;
  readonly #onEnd: () => void;
  #left: number;

  constructor(parts: { match: MessageMatch | undefined; times: number; effect: Effect; onEnd: () => void }) {
    this.#matches = toPredicate(parts.match);
    this.#left = parts.times;
    this.#effect = parts.effect;
    this.#onEnd = parts.onEnd;
  }

  matches(passage: Passage): boolean {
    return this.#left > 0 && this.#matches(passage);
  }

  apply(passage: Passage): boolean {
    this.hits++;
    this.#left--;
    return this.#effect(passage);
  }

  end(): void {
    this.#left = 0;
    this.#onEnd();
  }

  [Symbol.dispose](): void {
    this.end();
  }
}

/** What stands between the actors of a test's system: the schedule, and what happens to messages on their way. */
export class Faults implements Intervention {
  readonly schedule: Schedule;
  /** Hears of every message, before anything happens to it. */
  onTraffic: (message: TestMessage) => void = () => {};
  readonly #clock: ManualClock;
  readonly #rules: Rule[] = [];
  readonly #held = new Set<Held>();
  /** The message that waits for another one to overtake it, by the name of its actor. */
  readonly #overtaken = new Map<string, Held>();
  readonly #full = new Map<string, Rule>();
  #asks: Passage[] = [];

  constructor(clock: ManualClock, schedule: Schedule) {
    this.#clock = clock;
    this.schedule = schedule;
  }

  /** Asks whose outcome is open. */
  get openAsks(): readonly TestMessage[] {
    this.#asks = this.#asks.filter(({ isAwaited }) => isAwaited);
    return this.#asks;
  }

  createQueue<T extends Runnable>(onReady: () => void): RunQueue<T> {
    return this.schedule.toQueue<T>(onReady);
  }

  limitTurn({ name }: { readonly name: string }, quota: number): number {
    return this.schedule.limitTurn(name, quota);
  }

  onMessage(passage: Passage): 'pass' | 'taken' | 'full' {
    this.onTraffic(passage);
    if (passage.isAwaited) this.#asks.push(passage);
    if (this.#asks.length >= ASKS_KEPT) void this.openAsks;
    const full = this.#full.get(passage.to.name);
    if (full !== undefined) {
      full.hits++;
      return 'full';
    }
    const rule = this.#rules.find((candidate) => candidate.matches(passage));
    if (rule?.apply(passage) === true) return 'taken';
    return this.#overtake(passage) ? 'taken' : 'pass';
  }

  drop(match: MessageMatch | undefined, times: number): Fault {
    return this.#plant(match, times, () => true);
  }

  delay(match: MessageMatch | undefined, times: number, byMs: number): Fault {
    return this.#plant(match, times, (passage) => {
      this.#hold(passage, byMs);
      return true;
    });
  }

  duplicate(match: MessageMatch | undefined, times: number, afterMs: number): Fault {
    return this.#plant(match, times, (passage) => {
      if (afterMs > 0) {
        this.#hold(passage.copy(), afterMs);
        return false;
      }
      passage.arrive();
      passage.copy().arrive();
      return true;
    });
  }

  reorder(match: MessageMatch | undefined, times: number, withinMs: number): Fault {
    return this.#plant(match, times, (passage) => {
      const { name } = passage.to;
      // Two that wait for each other would wait for a third.
      if (this.#overtaken.has(name)) return false;
      this.#overtaken.set(
        name,
        this.#hold(passage, withinMs, () => this.#overtaken.delete(name)),
      );
      return true;
    });
  }

  fill(name: string): Fault {
    const fault = new Rule({
      match: undefined,
      times: 0,
      effect: () => false,
      onEnd: () => {
        if (this.#full.get(name) === fault) this.#full.delete(name);
      },
    });
    this.#full.set(name, fault);
    return fault;
  }

  /** Ends all faults: what is held back comes at once, what is lost stays lost. */
  heal(): void {
    this.#rules.length = 0;
    this.#full.clear();
    for (const held of [...this.#held]) this.#release(held);
    this.schedule.heal();
  }

  /** As {@link heal}; what is held back never comes. */
  discard(): void {
    for (const { timer } of this.#held) timer.cancel();
    this.#held.clear();
    this.#overtaken.clear();
    this.heal();
  }

  #plant(match: MessageMatch | undefined, times: number, effect: Effect): Fault {
    const onEnd = (): void => {
      const index = this.#rules.indexOf(rule);
      if (index >= 0) this.#rules.splice(index, 1);
    };
    const rule = new Rule({ match, times, effect, onEnd });
    this.#rules.push(rule);
    return rule;
  }

  #hold(passage: Passage, byMs: number, onRelease: () => void = () => {}): Held {
    const timer = this.#clock.after(byMs, () => {
      onRelease();
      this.#release(held);
    });
    const held: Held = { passage, timer };
    this.#held.add(held);
    return held;
  }

  #release(held: Held): void {
    if (!this.#held.delete(held)) return;
    held.timer.cancel();
    if (this.#overtaken.get(held.passage.to.name) === held) this.#overtaken.delete(held.passage.to.name);
    held.passage.arrive();
  }

  /** Lets `passage` arrive before the message that waits for that. */
  #overtake(passage: Passage): boolean {
    const held = this.#overtaken.get(passage.to.name);
    if (held === undefined) return false;
    passage.arrive();
    this.#release(held);
    return true;
  }
}
