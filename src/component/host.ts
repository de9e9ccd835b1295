/**
 * How a host offers functions and resources to components. A host interface is a plain object whose keys are the
 * names that WIT gives: `'get-random-bytes'`, `'input-stream'` (a resource), `'[method]input-stream.read'`.
 */

/**
 * Implements one imported function. Takes and returns WIT values in their JavaScript form (`abi/`, "Values"); a WIT
 * `result` is data: `{ tag: 'ok', val }` or `{ tag: 'err', val }`. It may return a promise of the value: the guest is
 * suspended until it settles, and the thread is free; a plain value costs no suspension. What it throws ends the
 * instance: the guest is stopped by a trap that it cannot catch, and the caller of the guest gets what was thrown.
 *
 * `this` is the context that the instance was given (`InstantiateOptions.context`), so that one set of functions serves
 * every instance.
 */
// biome-ignore lint/suspicious/noExplicitAny: each function has the parameters that its WIT type gives it, and its host's context
export type HostFunction = (this: any, ...args: any[]) => unknown;

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

/** One interface offered to components: its functions, resource types and interfaces by WIT name. Not changed once it was offered. */
// biome-ignore lint/suspicious/noExplicitAny: the representation is known to the interface alone
export type HostInstance = { readonly [name: string]: HostFunction | HostResourceType<any> | HostInstance };
