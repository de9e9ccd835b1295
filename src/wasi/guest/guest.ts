import { Debt } from '../../component/index.ts';
import { assert, RuntimeError } from '../../errors/index.ts';
import type { Clock } from '../../time/index.ts';
import { type Eventually, isPromise } from './values.ts';
import { WORK, type Work } from './work.ts';

/**
 * "Not yet" answers in a row after which one comes only after a turn of the event loop. A guest that spins on such an
 * answer waits for I/O that needs that turn. Smaller: spinning costs more; larger: it delays others longer.
 */
const NOT_YET_ANSWERS_MAX = 16;

interface PartOptions<T extends object> {
  /** Makes the part of a guest that uses it and was not given one. Default: there is none without being given. */
  readonly make?: (guest: Guest) => T;
  /** Lets go, when the guest is gone, of a part that `make` made. Settles when that is done; never rejects. */
  readonly dispose?: (part: T) => Eventually<void>;
}

/** How many keys there are: each guest keeps its parts in an array, by number. */
let count = 0;

/**
 * Names what one package of interfaces keeps for each guest: its state, which is made when first used, or its settings,
 * which are given. Make one per module, not per guest.
 */
export class PartKey<T extends object> {
  /** For messages. */
  readonly name: string;
  readonly index: number;
  readonly make: ((guest: Guest) => T) | undefined;
  readonly dispose: ((part: T) => Eventually<void>) | undefined;

  constructor(name: string, { make, dispose }: PartOptions<T> = {}) {
    this.name = name;
    this.index = count++;
    this.make = make;
    this.dispose = dispose;
  }
}

/** Parts by key. */
export class Parts {
  private readonly parts: (object | undefined)[] = [];

  get<T extends object>(key: PartKey<T>): T | undefined {
    return this.parts[key.index] as T | undefined;
  }

  set<T extends object>(key: PartKey<T>, part: T): this {
    this.parts[key.index] = part;
    return this;
  }
}

interface GuestOptions {
  readonly clock: Clock;
  /** Streams, pollables, errors and descriptors that the guest may hold at once. */
  readonly resourcesMax: number;
  /** Parts that the guest has in common with others. */
  readonly shared?: Parts;
}

const NO_PARTS = new Parts();

/**
 * What all WASI interfaces of one component instance share: its clock, its waits, the count of what it holds, and what
 * each package keeps for it. It is `this` of their functions.
 */
export class Guest {
  readonly clock: Clock;
  /** What is done for it and not paid for yet; see {@link charge}. */
  readonly debt = new Debt();
  // Made for every instance, so without the price of #private.
  private readonly resourcesMax: number;
  private readonly shared: Parts;
  /** Each key and then its part. Few of them, which most guests have in the same order: the one used most is first. */
  private own: (object | undefined)[] | undefined;
  /** Each lets go of one part that was made. */
  private disposals: (() => Eventually<void>)[] | undefined;
  private waits: Set<(reason: RuntimeError) => void> | undefined;
  private resources: number;
  private notYetAnswers: number;
  private isDisposed: boolean;
  private closing: Promise<void> | undefined;

  constructor({ clock, resourcesMax, shared = NO_PARTS }: GuestOptions) {
    this.clock = clock;
    this.resourcesMax = resourcesMax;
    this.shared = shared;
    this.own = undefined;
    this.disposals = undefined;
    this.waits = undefined;
    this.resources = 0;
    this.notYetAnswers = 0;
    this.isDisposed = false;
    this.closing = undefined;
  }

  /** True once the instance is gone; nothing is waited for or trapped any more. */
  get disposed(): boolean {
    return this.isDisposed;
  }

  /** Charges its fuel for work that is done for it so many times, beside what its call and the bytes that cross cost. */
  charge(work: Work, times = 1): void {
    this.debt.units += WORK[work] * times;
  }

  /** What the package that owns `key` keeps for this guest: what was given, else made now and kept. */
  part<T extends object>(key: PartKey<T>): T {
    return this.known(key) ?? this.make(key);
  }

  /** What a package keeps for this guest, if it keeps anything yet. */
  known<T extends object>(key: PartKey<T>): T | undefined {
    return this.given(key) ?? this.shared.get(key);
  }

  /** Gives the guest a part of its own, before it is first used. Who gives it lets go of it. */
  provide<T extends object>(key: PartKey<T>, part: T): void {
    if (this.own === undefined) this.own = [key, part];
    else this.own.push(key, part);
  }

  private given<T extends object>(key: PartKey<T>): T | undefined {
    const { own } = this;
    if (own === undefined) return undefined;
    for (let at = 0; at < own.length; at += 2) if (own[at] === key) return own[at + 1] as T;
    return undefined;
  }

  private make<T extends object>(key: PartKey<T>): T {
    assert(key.make !== undefined, `a guest whose functions use "${key.name}" was given one`);
    if (this.isDisposed) throw killed();
    const part = key.make(this);
    this.provide(key, part);
    if (key.dispose !== undefined) {
      this.disposals ??= [];
      this.disposals.push(() => key.dispose?.(part));
    }
    return part;
  }

  /** Counts one more resource; ends a guest that collects more than it may. Undone by {@link release}. */
  hold(): void {
    if (this.resources >= this.resourcesMax) {
      throw new RuntimeError(
        'COMPONENT_LIMIT',
        `Cannot give the component another WASI resource: it holds ${this.resources} of ${this.resourcesMax}`,
        { details: { limit: 'handles', limitValue: this.resourcesMax } },
      );
    }
    this.resources += 1;
  }

  /** Resources that it holds now. */
  get held(): number {
    return this.resources;
  }

  release(): void {
    this.resources -= 1;
  }

  /**
   * Waits until `done` is called; rejects with `COMPONENT_KILLED` if the instance goes first, so that no suspended
   * stack is left behind.
   *
   * @param begin Starts the wait and returns how to give it up. It may call `done` at once.
   */
  wait(begin: (done: () => void) => () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.isDisposed) return reject(killed());
      let cancel: (() => void) | undefined;
      let settled = false;
      const settle = () => {
        settled = true;
        this.waits?.delete(abandon);
        cancel?.();
      };
      const abandon = (reason: RuntimeError) => {
        settle();
        reject(reason);
      };
      this.waits ??= new Set();
      this.waits.add(abandon);
      cancel = begin(() => {
        if (settled) return;
        settle();
        resolve();
      });
      if (settled) cancel();
    });
  }

  /** Lets the event loop have a turn. */
  turn(): Promise<void> {
    return this.wait((done) => {
      this.clock.soon(done);
      return () => {};
    });
  }

  /**
   * Gives `answer()`, one that says "not yet": at once, or, for one who keeps asking, after a turn of the event loop.
   */
  notYet<T>(answer: () => T): Eventually<T> {
    this.notYetAnswers += 1;
    if (this.notYetAnswers < NOT_YET_ANSWERS_MAX) return answer();
    this.notYetAnswers = 0;
    return this.turn().then(answer);
  }

  /**
   * Ends every wait with `COMPONENT_KILLED`, gives standard output time to take what it holds, and closes every file:
   * lets go of all that its packages made. Call it when the instance has ended, whatever way.
   *
   * @returns Nothing when there is nothing to wait for; else settles when the last descriptor is closed. Never rejects.
   */
  dispose(): Eventually<void> {
    if (this.isDisposed) return this.closing;
    this.isDisposed = true;
    if (this.waits !== undefined) for (const abandon of [...this.waits]) abandon(killed());
    const closing = this.disposals?.map(letGo).filter(isPromise) ?? [];
    if (closing.length > 0) this.closing = Promise.all(closing).then(() => undefined);
    return this.closing;
  }
}

/** A resource that can only be had: it counts among those that the guest holds. */
export class Token {
  readonly #guest: Guest;

  constructor(guest: Guest) {
    guest.hold();
    this.#guest = guest;
  }

  drop(): void {
    this.#guest.release();
  }
}

function killed(): RuntimeError {
  return new RuntimeError('COMPONENT_KILLED', 'Cannot wait any longer: the component instance is gone');
}

/** What throws here, such as a listener of the embedder's, keeps no other part from letting go. */
function letGo(dispose: () => Eventually<void>): Eventually<void> {
  try {
    return dispose();
  } catch {
    return undefined;
  }
}
