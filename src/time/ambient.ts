import { AsyncLocalStorage } from 'node:async_hooks';
import type { Clock, Random } from './ports.ts';

/** What the globals show to code that runs within. */
interface Ambience {
  readonly clock: Clock;
  readonly random: Random;
}

const within = new AsyncLocalStorage<Ambience>();

/** Ambients that are open; the globals are in place while there is one. */
let open = 0;
let uninstall = (): void => {};

/**
 * Puts a clock and a chance under the globals that code reads time and chance from: `Date`, `performance.now`,
 * `Math.random`, `setTimeout`, `setInterval`, `setImmediate`, `crypto.randomUUID` and `crypto.getRandomValues`.
 *
 * Only what {@link run} calls sees them so, with all that follows from it by promises and timers; everybody else in the
 * process has the globals as they were. What was imported from `node:timers` or `node:crypto` is nobody's global and stays
 * as it is.
 */
export class Ambient implements Disposable {
  readonly #ambience: Ambience;
  #isOpen = true;

  constructor(clock: Clock, random: Random) {
    this.#ambience = { clock, random };
    if (open++ === 0) uninstall = install();
  }

  /** What `work` returns. */
  run<T>(work: () => T): T {
    return within.run(this.#ambience, work);
  }

  /** The last one that is disposed of puts the globals back. */
  [Symbol.dispose](): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    if (--open === 0) uninstall();
  }
}

/** Replaces the globals. Returns what puts back those that nobody else has replaced meanwhile. */
function install(): () => void {
  const undo = [...replaceTime(), ...replaceTimers(), ...replaceChance()];
  return () => {
    for (const putBack of undo) putBack();
  };
}

function replace<T extends object, K extends keyof T>(owner: T, key: K, by: (real: T[K]) => T[K]): () => void {
  const before = Object.getOwnPropertyDescriptor(owner, key);
  const real = owner[key];
  const replaced = by(real);
  Object.defineProperty(owner, key, { value: replaced, writable: true, configurable: true, enumerable: true });
  return () => {
    if (owner[key] !== replaced) return;
    if (before === undefined) Reflect.deleteProperty(owner, key);
    else Object.defineProperty(owner, key, before);
  };
}

function replaceTime(): (() => void)[] {
  const nowMs = (): number | undefined => within.getStore()?.clock.wallMs();
  return [
    replace(Date, 'now', (real) => () => nowMs() ?? real()),
    replace(globalThis, 'Date', (real) => {
      return new Proxy(real, {
        construct: (target, args, newTarget) =>
          Reflect.construct(target, args.length === 0 ? [Date.now()] : args, newTarget),
        apply: () => new Date().toString(),
      });
    }),
    replace(performance, 'now', (real) => () => within.getStore()?.clock.nowMs() ?? real.call(performance)),
  ];
}

/** The types of Node.js's globals say more than anybody uses. */
// biome-ignore lint/suspicious/noExplicitAny: as above
type Loose = Record<string, any>;

type Callback = (...args: unknown[]) => void;

/** What `setTimeout` and its like return within. */
class AmbientTimer {
  readonly #start: () => { cancel(): void };
  #pending: { cancel(): void };

  constructor(start: (timer: AmbientTimer) => { cancel(): void }) {
    this.#start = () => start(this);
    this.#pending = this.#start();
  }

  close(): this {
    this.#pending.cancel();
    return this;
  }

  refresh(): this {
    this.#pending.cancel();
    this.#pending = this.#start();
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  hasRef(): boolean {
    return true;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** As Node.js takes it: at least a millisecond, and one if it is no such number. */
function toDelayMs(ms: unknown): number {
  const number = Number(ms);
  return number >= 1 && number <= 2 ** 31 - 1 ? Math.trunc(number) : 1;
}

/** Begins to wait, and returns what ends that. */
type Start = (clock: Clock, timer: AmbientTimer) => { cancel(): void };

function replaceTimers(): (() => void)[] {
  const globals: Loose = globalThis;
  const starter = (name: string, toStart: (callback: Callback, rest: unknown[]) => Start): (() => void) =>
    replace(globals, name, (real) => {
      const started = (callback: Callback, ...rest: unknown[]): unknown => {
        const clock = within.getStore()?.clock;
        if (clock === undefined || typeof callback !== 'function') return real(callback, ...rest);
        const start = toStart(callback, rest);
        return new AmbientTimer((timer) => start(clock, timer));
      };
      // `util.promisify` finds here what takes its place.
      return Object.assign(started, real);
    });
  const ender = (name: string): (() => void) =>
    replace(globals, name, (real) => (timer: unknown) => {
      if (timer instanceof AmbientTimer) timer.close();
      else real(timer);
    });
  return [
    starter(
      'setTimeout',
      (callback, [ms, ...args]) =>
        (clock) =>
          clock.after(toDelayMs(ms), () => callback(...args)),
    ),
    starter('setInterval', (callback, [ms, ...args]) => (clock, timer) => {
      const tick = (): void => {
        timer.refresh();
        callback(...args);
      };
      return clock.after(toDelayMs(ms), tick);
    }),
    starter('setImmediate', (callback, args) => (clock) => {
      let isPending = true;
      clock.soon(() => isPending && callback(...args));
      const cancel = (): void => {
        isPending = false;
      };
      return { cancel };
    }),
    ...['clearTimeout', 'clearInterval', 'clearImmediate'].map(ender),
  ];
}

function replaceChance(): (() => void)[] {
  const fill = <T extends ArrayBufferView>(random: Random, array: T): T => {
    const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
    for (let i = 0; i < bytes.length; i++) bytes[i] = Math.floor(random.next() * 256);
    return array;
  };
  const uuid = (random: Random): string => {
    const bytes = fill(random, new Uint8Array(16));
    // Version 4, variant 1 (RFC 9562 §5.4).
    bytes[6] = ((bytes[6] as number) & 0x0f) | 0x40;
    bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
    const hex = Buffer.from(bytes).toString('hex');
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  };
  const crypto = globalThis.crypto as unknown as Loose;
  const chance = (name: string, make: (random: Random, argument: ArrayBufferView) => unknown): (() => void) =>
    replace(crypto, name, (real) => (argument: ArrayBufferView) => {
      const random = within.getStore()?.random;
      return random === undefined ? real.call(crypto, argument) : make(random, argument);
    });
  return [
    replace(Math, 'random', (real) => () => within.getStore()?.random.next() ?? real()),
    chance('randomUUID', uuid),
    chance('getRandomValues', fill),
  ];
}
