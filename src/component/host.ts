/**
 * How a host offers functions and resources to components. A host interface is a plain object whose keys are the
 * names that WIT gives: `'get-random-bytes'`, `'input-stream'` (a resource), `'[method]input-stream.read'`.
 */

const BLOCKING = Symbol.for('troupe.component.blocking');

/**
 * Implements one imported function. Takes and returns WIT values in their JavaScript form (`abi/`, "Values"); a WIT
 * `result` is data: `{ tag: 'ok', val }` or `{ tag: 'err', val }`. What it throws ends the instance: the guest is
 * stopped by a trap that it cannot catch, and the caller of the guest gets what was thrown.
 */
// biome-ignore lint/suspicious/noExplicitAny: each function has the parameters that its WIT type gives it
export type HostFunction = (...args: any[]) => unknown;

/**
 * Marks `fn` as one that may return a promise; the guest is then suspended until it settles. A function that is not
 * marked and returns a promise is a bug and ends the instance. A marked one may also return a plain value, which
 * costs no suspension.
 */
export function blocking<F extends HostFunction>(fn: F): F {
  Object.defineProperty(fn, BLOCKING, { value: true });
  return fn;
}

/** Tells whether `fn` was marked by {@link blocking}. */
export function isBlocking(fn: HostFunction): boolean {
  return BLOCKING in fn;
}

/**
 * A resource type that the host implements. Its representation is any JavaScript object; a guest sees a number of its
 * own handle table only.
 */
export class HostResourceType<T extends object = object> {
  /** For messages: `'input-stream'`. */
  readonly name: string;
  readonly #drop: ((value: T) => void) | undefined;

  /** @param drop Called once when the last owned handle is dropped, and for what a dead instance still owned. */
  constructor(name: string, drop?: (value: T) => void) {
    this.name = name;
    this.#drop = drop;
  }

  /** Runs the destructor. Called by the engine only. */
  dropValue(value: T): void {
    this.#drop?.(value);
  }
}

/** One interface offered to components: its functions and resource types by WIT name. */
// biome-ignore lint/suspicious/noExplicitAny: the representation is known to the interface alone
export type HostInstance = Readonly<Record<string, HostFunction | HostResourceType<any>>>;
