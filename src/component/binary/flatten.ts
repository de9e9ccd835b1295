import type { CoreFuncType, CoreValueType, FuncType, ValueType } from './model.ts';

/** Flat parameters that a core function may have before they are passed in memory. Canonical ABI, `MAX_FLAT_PARAMS`. */
export const MAX_FLAT_PARAMS = 16;

/** Flat results that a core function may have before they are returned in memory. Canonical ABI, `MAX_FLAT_RESULTS`. */
export const MAX_FLAT_RESULTS = 1;

/** A longer list tells nothing more: neither parameters nor results of that length are passed flat. */
const FLAT_MAX = MAX_FLAT_PARAMS + 1;

/**
 * Lists of types that were asked for once. A type is a graph in which equal parts are one object, so the cache also
 * keeps the cost linear where the tree would be exponential.
 */
const known = new WeakMap<ValueType<unknown>, readonly CoreValueType[]>();

/**
 * Lists the core values that carry a value of `type`, as the Canonical ABI's `flatten_type` does.
 *
 * @returns At most 17 entries: what is longer is cut, and never passed flat (see {@link MAX_FLAT_PARAMS}).
 */
export function flatten(type: ValueType<unknown>): readonly CoreValueType[] {
  const cached = known.get(type);
  if (cached !== undefined) return cached;
  const flat = flattenUncached(type).slice(0, FLAT_MAX);
  known.set(type, flat);
  return flat;
}

/** Flattens values side by side, as parameters and the fields of a record are. At most 17 entries. */
export function flattenAll(types: Iterable<ValueType<unknown>>): readonly CoreValueType[] {
  const flat: CoreValueType[] = [];
  for (const type of types) {
    flat.push(...flatten(type));
    if (flat.length >= FLAT_MAX) return flat.slice(0, FLAT_MAX);
  }
  return flat;
}

function flattenUncached(type: ValueType<unknown>): readonly CoreValueType[] {
  switch (type.kind) {
    case 's64':
    case 'u64':
      return ['i64'];
    case 'f32':
    case 'f64':
      return [type.kind];
    case 'string':
    case 'list':
      return ['i32', 'i32'];
    case 'record':
      return flattenAll(type.fields.map((field) => field.type));
    case 'tuple':
      return flattenAll(type.types);
    case 'variant':
      return flattenCases(type.cases.map((entry) => entry.type));
    case 'option':
      return flattenCases([undefined, type.some]);
    case 'result':
      return flattenCases([type.ok, type.error]);
    default:
      return ['i32']; // bool, char, integers to 32 bits, enum, flags (at most 32), own, borrow
  }
}

/** The discriminant, then at each place a type that can carry what any of the cases has there. */
function flattenCases(cases: readonly (ValueType<unknown> | undefined)[]): readonly CoreValueType[] {
  const payload: CoreValueType[] = [];
  for (const type of new Set(cases)) {
    if (type === undefined) continue;
    for (const [at, flat] of flatten(type).entries()) {
      const before = payload[at];
      payload[at] = before === undefined ? flat : join(before, flat);
    }
  }
  return ['i32', ...payload];
}

/** The Canonical ABI's `join`: `f32` shares a place with `i32`; everything else that differs needs 64 bits. */
function join(a: CoreValueType, b: CoreValueType): CoreValueType {
  if (a === b) return a;
  if ((a === 'i32' && b === 'f32') || (a === 'f32' && b === 'i32')) return 'i32';
  return 'i64';
}

/**
 * Gives the core function type of `canon lift` (the function that the guest defines) or of `canon lower` (the function
 * that the guest calls).
 *
 * @param direction A result that does not fit is returned as a pointer by a lifted function, and written through a
 *   pointer that is the last parameter of a lowered one.
 */
export function flattenFunc(type: FuncType<unknown>, direction: 'lift' | 'lower'): CoreFuncType {
  const flatParams = flattenAll(type.params.map((param) => param.type));
  const flatResults = type.result === undefined ? [] : flatten(type.result);
  const params: readonly CoreValueType[] = flatParams.length > MAX_FLAT_PARAMS ? ['i32'] : flatParams;
  if (flatResults.length <= MAX_FLAT_RESULTS) return { params, results: flatResults };
  if (direction === 'lift') return { params, results: ['i32'] };
  return { params: [...params, 'i32'], results: [] };
}
