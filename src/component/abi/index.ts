/**
 * Canonical ABI: values cross between JavaScript and a component's linear memory, by code compiled for each function
 * type.
 *
 * Values
 *   bool → boolean · s8 … u32, f32, f64 → number · s64, u64 → bigint · char → string of one code point · string → string
 *   record → object, keys in camelCase · tuple → array · flags → object of booleans, keys in camelCase
 *   variant → `{ tag: 'case-name', val? }` · enum → `'case-name'` · result → `{ tag: 'ok', val? }` or `{ tag: 'err', val? }`
 *   option → the value or `undefined`; an option of an option → `{ tag: 'some', val }` or `{ tag: 'none' }`
 *   list → array; of numbers → the typed array (`Uint8Array` for u8 … `BigInt64Array` for s64)
 *   own, borrow → the host's own object, or a {@link GuestResource}
 *   Lowering also takes: any array or array-like for a list or tuple, `null` for none, a missing flag as false. Lifted
 *   alternatives without payload are shared frozen objects.
 *
 * Guarantees
 *   A1  Every rule of the Canonical ABI at the level of WASI 0.2 is checked: bounds, alignment, encodings, ranges,
 *       discriminants, handles, lending, borrow scopes. A breach is a `COMPONENT_TRAPPED` whose `details.rule` names it.
 *   A2  Whatever a guest's memory holds, a lift gives a value of the declared type or throws, and takes at most
 *       `liftBudgetMax` bytes of host memory by estimate (`COMPONENT_LIMIT`).
 *   A3  Arguments that do not fit are refused as `VALUE_INVALID` with their path, before the guest is touched. Only what
 *       changes while it is read, or gives one resource twice, is refused later: its handles are taken back, and the
 *       guest is not called.
 *   A4  A lone surrogate is passed as U+FFFD. A NaN that is lifted has the canonical bits.
 *   A5  While the guest allocates it cannot call out. Lends end with the call, borrows that remain after it trap.
 *   A6  What ends a call of an import is recorded in `InstanceState.failure`, the first one, and thrown. After that a
 *       promise that is still pending changes nothing in the guest.
 *   A7  A host resource that was on its way into or out of an instance that died is dropped, once.
 *   A8  No text of a component reaches generated code but as a quoted literal.
 *   A9  What crosses is owed for, by its bytes on the side that it comes to: lists and strings, elements and handles. At
 *       the end of a call of an import that owes a slice of fuel the guest pays, and waits if it has to.
 * Limits      strings and lists of 2^28 − 1 bytes, a third of that in UTF-16 units for a string that is given to a guest;
 *             2^20 handles an instance; 32-bit little-endian memories.
 * Not here    raising the trap inside wasm, suspending, post-return, re-entrance (the linker); async functions.
 *
 * @module
 */

export { Debt } from './debt.ts';
export { layoutOf } from './layout.ts';
export { propertyNames } from './names.ts';
export { dropUnreceived } from './owned.ts';
export { disposeHandles, fail, GuestResource, resourceDrop, resourceNew, resourceRep } from './resources.ts';
export { CanonContext, GuestResourceType, InstanceState, type ResourceType } from './state.ts';
export { compileExport, type ExportStub } from './stub-export.ts';
export { compileImport, type ImportStub } from './stub-import.ts';
export { isStackOverflow, toFailure } from './trap.ts';
