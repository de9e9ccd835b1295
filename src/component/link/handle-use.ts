import { type FuncType, partsOf, type ValueType, valuesOf } from '../binary/index.ts';

/** Finds the resource types that one component can have handles of: what it only names costs nobody anything. */
export class HandleUse {
  /** Their slots (`ResourceSymbol`). */
  readonly slots = new Set<number>();
  /** Types share parts; each is looked at once. */
  readonly #seen = new Set<object>();

  /** Adds those that can pass through a function. */
  add(type: FuncType): void {
    for (const value of valuesOf(type)) this.#visit(value);
  }

  #visit(type: ValueType): void {
    if (this.#seen.has(type)) return;
    this.#seen.add(type);
    if (type.kind === 'own' || type.kind === 'borrow') this.slots.add(type.resource.slot);
    for (const part of partsOf(type)) this.#visit(part);
  }
}
