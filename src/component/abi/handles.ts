import { HANDLES_MAX } from './limits.ts';
import { exceed, trap } from './trap.ts';

/** What one call of an export gave to the instance. The call may not end while `borrows` is above zero. */
export class CallScope {
  /** Handles that were borrowed and not yet dropped. */
  borrows = 0;
  /** Guest resources that the caller lent. */
  readonly lent: { lends: number }[] = [];
  /** Handles that lowering made, in order, with the guest resource that was given away for an owned one. */
  readonly made: { readonly index: number; readonly given: { giveBack(): void } | undefined }[] = [];
}

/** One entry of a handle table. */
export class Handle {
  /** Identity of the run-time resource type. */
  readonly type: object;
  /** The host's object, or the guest's 32-bit number. */
  readonly rep: unknown;
  /** Whose call has to drop it; `undefined` for an owned handle. */
  readonly scope: CallScope | undefined;
  /** Calls under way that it was lent to. */
  lends: number;

  constructor(type: object, rep: unknown, scope: CallScope | undefined) {
    this.type = type;
    this.rep = rep;
    this.scope = scope;
    this.lends = 0;
  }
}

/**
 * The handles of one component instance, by the number that the guest knows them by. Index 0 is never used; the index
 * that was freed last is used next, as the Canonical ABI says.
 *
 *     entries   [ –, Handle, –, Handle ]
 *     free      [ 2 ]                       a stack; never longer than `entries`
 */
export class HandleTable {
  private readonly entries: (Handle | undefined)[] = [undefined];
  private readonly free: number[] = [];
  private readonly max: number;

  /** @param max Handles that it holds at most. Default {@link HANDLES_MAX}. */
  constructor(max: number = HANDLES_MAX) {
    this.max = max;
  }

  /** Handles held now. */
  get size(): number {
    return this.entries.length - 1 - this.free.length;
  }

  add(handle: Handle): number {
    const index = this.free.pop();
    if (index !== undefined) {
      this.entries[index] = handle;
      return index;
    }
    const next = this.entries.length;
    if (next > this.max) exceed('handles', `Cannot give the component another handle: it holds ${this.max}`, this.max);
    this.entries.push(handle);
    return next;
  }

  /** @throws {RuntimeError} `COMPONENT_TRAPPED` — no such handle, or one of another type. */
  get(index: number, type: object | undefined): Handle {
    const handle = index < this.entries.length ? this.entries[index] : undefined;
    if (handle === undefined) trap('handle-missing', `The component used handle ${index}, which it does not have`);
    if (handle.type !== type) trap('handle-type', `The component used handle ${index} as a resource of another type`);
    return handle;
  }

  /** Frees the index of `handle`, which {@link get} returned for it. */
  remove(index: number): void {
    this.entries[index] = undefined;
    this.free.push(index);
  }

  /** What its handles stand for. */
  reps(): Set<unknown> {
    return new Set(this.entries.map((entry) => entry?.rep));
  }

  /** Empties the table and returns what was in it. */
  takeAll(): Handle[] {
    const held = this.entries.filter((entry) => entry !== undefined);
    this.entries.length = 1;
    this.free.length = 0;
    return held;
  }
}
