import type { FuncType, ValueType } from '../component/index.ts';

/** What does not fit, as a phrase with the place where; `undefined` if everything fits. */
type Mismatch = string | undefined;

/**
 * Comparisons of two types in one check. Types may share parts without end in sight, so that comparing them as trees
 * could take for ever: each pair of parts is compared once, and all pairs together have a bound.
 */
const COMPARISONS_MAX = 1_000_000;

/**
 * Compares functions of different components. The Component Model has no subtypes of values or functions: their types
 * are equal, by the names and types of their parameters, or they do not fit. A type that has a name is what it stands
 * for; fields and cases are compared by name and order.
 */
export class TypeComparison {
  readonly #equal = new WeakMap<ValueType, WeakSet<ValueType>>();
  #left = COMPARISONS_MAX;

  /** Why `found` cannot stand where `wanted` is called. */
  func(found: FuncType, wanted: FuncType): Mismatch {
    return (
      this.#members(found.params, wanted.params, 'parameter') ??
      within(this.#optional(found.result, wanted.result), 'in the result')
    );
  }

  #members(found: readonly Member[], wanted: readonly Member[], what: string): Mismatch {
    if (found.length !== wanted.length) return `expected ${count(wanted.length, what)}, found ${found.length}`;
    for (const [at, { name, type }] of wanted.entries()) {
      const other = found[at] as Member; // of the same length
      if (other.name !== name) return `expected ${what} "${name}", found "${other.name}"`;
      const mismatch = this.#optional(other.type, type);
      if (mismatch !== undefined) return within(mismatch, `in ${what} "${name}"`);
    }
    return undefined;
  }

  #optional(found: ValueType | undefined, wanted: ValueType | undefined): Mismatch {
    if (found === undefined || wanted === undefined) {
      return found === wanted ? undefined : `expected ${wanted?.kind ?? 'nothing'}, found ${found?.kind ?? 'nothing'}`;
    }
    return this.#value(found, wanted);
  }

  #value(found: ValueType, wanted: ValueType): Mismatch {
    if (found === wanted || this.#equal.get(found)?.has(wanted)) return undefined;
    this.#left -= 1;
    if (this.#left < 0) return `the types have more than ${COMPARISONS_MAX} parts`;
    const mismatch = this.#anew(found, wanted);
    if (mismatch !== undefined) return mismatch;
    const equals = this.#equal.get(found) ?? new WeakSet();
    this.#equal.set(found, equals.add(wanted));
    return undefined;
  }

  #anew(a: ValueType, b: ValueType): Mismatch {
    if (a.kind !== b.kind) return `expected ${b.kind}, found ${a.kind}`;
    if (a.kind === 'record' && b.kind === 'record') return this.#members(a.fields, b.fields, 'field');
    if (a.kind === 'variant' && b.kind === 'variant') return this.#members(a.cases, b.cases, 'case');
    if (a.kind === 'enum' && b.kind === 'enum') return this.#members(named(a.names), named(b.names), 'case');
    if (a.kind === 'flags' && b.kind === 'flags') return this.#members(named(a.names), named(b.names), 'flag');
    if (a.kind === 'tuple' && b.kind === 'tuple') return this.#members(placed(a.types), placed(b.types), 'member');
    if (a.kind === 'list' && b.kind === 'list') return within(this.#value(a.element, b.element), 'in a list');
    if (a.kind === 'option' && b.kind === 'option') return within(this.#value(a.some, b.some), 'in an option');
    if (a.kind === 'result' && b.kind === 'result') {
      return within(this.#optional(a.ok, b.ok), 'in ok') ?? within(this.#optional(a.error, b.error), 'in err');
    }
    return undefined; // the same primitive; handles are refused before
  }
}

interface Member {
  readonly name: string;
  readonly type: ValueType | undefined;
}

function named(names: readonly string[]): Member[] {
  return names.map((name) => ({ name, type: undefined }));
}

function placed(types: readonly ValueType[]): Member[] {
  return types.map((type, at) => ({ name: `${at}`, type }));
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}

function within(mismatch: Mismatch, where: string): Mismatch {
  return mismatch === undefined ? undefined : `${mismatch} ${where}`;
}
