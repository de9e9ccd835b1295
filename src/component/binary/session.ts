import { CoreTypes } from './core-types.ts';
import { invalid, unsupported } from './failure.ts';
import { SLICE_STEPS, STEPS_MAX } from './limits.ts';
import { combineInfo, LEAF_INFO, type TypeInfo, type Value } from './types.ts';

/** What all parts of the validator share while they work on one binary. */
export class Session {
  readonly coreTypes = new CoreTypes();
  /** Byte offset of the definition that is being checked. */
  at = 0;
  #steps = 0;
  /** Steps and definitions of the present slice. */
  #slice = 0;
  readonly #infos = new Map<object, TypeInfo>();
  readonly #subtypes = new Map<object, Set<object>>();

  /** Throws: the definition that is being checked breaks a rule. */
  readonly fail: (problem: string) => never = (problem) => invalid(this.at, problem);

  /** Throws: the definition that is being checked cannot be run. */
  unsupported(feature: string): never {
    return unsupported(this.at, feature);
  }

  /** Counts work, so that no input can ask for more than a second or so. */
  step(count = 1): void {
    this.#steps += count;
    this.#slice += count;
    if (this.#steps > STEPS_MAX)
      this.fail(`its types are too complex: checking them takes more than ${STEPS_MAX} steps`);
  }

  /** Tells whether it is time for other work, and begins the next slice if it is. Asked after each definition. */
  isSliceOver(): boolean {
    this.#slice++;
    if (this.#slice < SLICE_STEPS) return false;
    this.#slice = 0;
    return true;
  }

  /** What is known of a type that {@link describe} was called for. */
  info(type: object): TypeInfo {
    return this.#infos.get(type) ?? LEAF_INFO;
  }

  /** Notes what is known of `type`, given what it is made of, and returns it. */
  describe<T extends object>(type: T, parts: Iterable<TypeInfo>, base?: TypeInfo): T {
    this.#infos.set(type, combineInfo(parts, this.fail, base));
    return type;
  }

  /** Notes that `copy` has the size and shape of `type`, and returns it. */
  describeLike<T extends object>(copy: T, type: object): T {
    const info = this.#infos.get(type);
    if (info !== undefined) this.#infos.set(copy, info);
    return copy;
  }

  /** Notes what is known of a value type without parts: all the leaves, of which some are special. */
  describeLeaf(type: Value): Value {
    if (type.kind === 'borrow') this.#infos.set(type, { ...LEAF_INFO, borrow: true });
    if (type.kind === 'string') this.#infos.set(type, { ...LEAF_INFO, pointer: true });
    return type;
  }

  /** Tells whether {@link noteSubtype} was called for the pair. Types never change, so it holds for ever. */
  isKnownSubtype(a: object, b: object): boolean {
    return a === b || this.#subtypes.get(a)?.has(b) === true;
  }

  noteSubtype(a: object, b: object): void {
    const known = this.#subtypes.get(a);
    if (known === undefined) this.#subtypes.set(a, new Set([b]));
    else known.add(b);
  }
}
