import { enqueue, isThenable } from './event-loop.ts';

type Resolve<T> = (value: T | PromiseLike<T>) => void;
type Reject = (reason?: unknown) => void;
type State<T> =
  | { readonly tag: 'pending' }
  | { readonly tag: 'fulfilled'; readonly value: T }
  | { readonly tag: 'rejected'; readonly reason: unknown };

const PENDING: State<never> = { tag: 'pending' };

/**
 * `Promise`, with jobs on our own queue. The engine keeps those of its own promises to itself and never runs them in a
 * component without async functions; `async` and `await` are compiled to this class.
 */
export class GuestPromise<T> implements PromiseLike<T> {
  #state: State<T> = PENDING;
  #waiting: (() => void)[] = [];

  constructor(executor: (resolve: Resolve<T>, reject: Reject) => void) {
    let isDecided = false;
    const decide = (how: () => void): void => {
      if (isDecided) return;
      isDecided = true;
      how();
    };
    const resolve: Resolve<T> = (value) => decide(() => this.#follow(value));
    const reject: Reject = (reason) => decide(() => this.#fail(reason));
    try {
      executor(resolve, reject);
    } catch (error) {
      reject(error);
    }
  }

  // biome-ignore lint/suspicious/noThenProperty: it is a promise
  then<A = T, B = never>(
    onFulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): GuestPromise<A | B> {
    return new GuestPromise<A | B>((resolve, reject) => {
      const react = (): void => {
        const state = this.#state;
        try {
          if (state.tag === 'fulfilled') {
            resolve(typeof onFulfilled === 'function' ? onFulfilled(state.value) : (state.value as unknown as A));
          } else if (state.tag === 'rejected') {
            if (typeof onRejected === 'function') resolve(onRejected(state.reason));
            else reject(state.reason);
          }
        } catch (error) {
          reject(error);
        }
      };
      if (this.#state.tag === 'pending') this.#waiting.push(react);
      else enqueue(react);
    });
  }

  catch<B = never>(onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null): GuestPromise<T | B> {
    return this.then(undefined, onRejected);
  }

  finally(onFinally?: (() => void) | null): GuestPromise<T> {
    return this.then(
      (value) => GuestPromise.resolve(onFinally?.()).then(() => value),
      (reason) =>
        GuestPromise.resolve(onFinally?.()).then(() => {
          throw reason;
        }),
    );
  }

  get [Symbol.toStringTag](): string {
    return 'Promise';
  }

  #follow(value: T | PromiseLike<T>): void {
    if (value === (this as unknown)) this.#fail(new TypeError('A promise cannot resolve to itself'));
    else if (isThenable(value)) enqueue(() => this.#adopt(value as PromiseLike<T>));
    else this.#become({ tag: 'fulfilled', value: value as T });
  }

  /** Becomes what `promise` becomes, whatever it is made of. */
  #adopt(promise: PromiseLike<T>): void {
    new GuestPromise<T>((resolve, reject) => promise.then(resolve, reject)).then(
      (value) => this.#become({ tag: 'fulfilled', value }),
      (reason) => this.#fail(reason),
    );
  }

  #fail(reason: unknown): void {
    this.#become({ tag: 'rejected', reason });
  }

  #become(state: State<T>): void {
    this.#state = state;
    for (const react of this.#waiting) enqueue(react);
    this.#waiting = [];
  }

  static resolve<T>(value?: T | PromiseLike<T>): GuestPromise<T> {
    return value instanceof GuestPromise ? value : new GuestPromise((resolve) => resolve(value as T));
  }

  static reject<T = never>(reason?: unknown): GuestPromise<T> {
    return new GuestPromise((_, reject) => reject(reason));
  }

  static withResolvers<T>(): { promise: GuestPromise<T>; resolve: Resolve<T>; reject: Reject } {
    let resolvers: [Resolve<T>, Reject] | undefined;
    const promise = new GuestPromise<T>((resolve, reject) => {
      resolvers = [resolve, reject];
    });
    const [resolve, reject] = resolvers as unknown as [Resolve<T>, Reject];
    return { promise, resolve, reject };
  }

  static try<T>(work: (...args: unknown[]) => T | PromiseLike<T>, ...args: unknown[]): GuestPromise<T> {
    return new GuestPromise((resolve) => resolve(work(...args)));
  }

  static all<T>(values: Iterable<T | PromiseLike<T>>): GuestPromise<T[]> {
    return new GuestPromise((resolve, reject) => {
      const results: T[] = [];
      let left = 1;
      const done = (): void => {
        left -= 1;
        if (left === 0) resolve(results);
      };
      let index = 0;
      for (const value of values) {
        const at = index++;
        left += 1;
        GuestPromise.resolve(value).then((result) => {
          results[at] = result;
          done();
        }, reject);
      }
      done();
    });
  }

  static allSettled<T>(values: Iterable<T | PromiseLike<T>>): GuestPromise<PromiseSettledResult<T>[]> {
    return GuestPromise.all(
      Array.from(values, (value) =>
        GuestPromise.resolve(value).then<PromiseSettledResult<T>, PromiseSettledResult<T>>(
          (result) => ({ status: 'fulfilled', value: result }),
          (reason) => ({ status: 'rejected', reason }),
        ),
      ),
    );
  }

  static race<T>(values: Iterable<T | PromiseLike<T>>): GuestPromise<T> {
    return new GuestPromise((resolve, reject) => {
      for (const value of values) GuestPromise.resolve(value).then(resolve, reject);
    });
  }

  static any<T>(values: Iterable<T | PromiseLike<T>>): GuestPromise<T> {
    return new GuestPromise((resolve, reject) => {
      const reasons: unknown[] = [];
      let left = 1;
      const refuse = (): void => {
        left -= 1;
        if (left === 0) reject(new AggregateError(reasons, 'All promises were rejected'));
      };
      let index = 0;
      for (const value of values) {
        const at = index++;
        left += 1;
        GuestPromise.resolve(value).then(resolve, (reason) => {
          reasons[at] = reason;
          refuse();
        });
      }
      refuse();
    });
  }
}
