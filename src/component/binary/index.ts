/**
 * Binary: a component binary becomes a typed model, or is refused.
 *
 * Guarantees
 *   B1  What is returned is valid by the rules of the Component Model as of WASI 0.2; later stages check none of them again.
 *   B2  Any bytes give a model or one `RuntimeError` (`NOT_A_COMPONENT`, `COMPONENT_INVALID`, `COMPONENT_UNSUPPORTED`), in
 *       time and memory that are bounded by the length of the input and the limits below.
 *   B3  A feature that cannot be run is refused by its name, never ignored.
 * Limits      those of wasm-tools: a type holds at most 1,000,000 parts, nests at most 100 deep, and so on (`limits.ts`).
 * Not here    validity of core code (V8 checks it), linking, values at run time (abi/).
 *
 * @module
 */
export { decodeComponent, decodeInSlices } from './decode.ts';
export { flatten, flattenFunc } from './flatten.ts';
export type {
  CanonOptions,
  Case,
  Component,
  ComponentType,
  CoreFuncType,
  CoreModuleType,
  CoreSort,
  CoreValueType,
  Definition,
  ExternType,
  FuncType,
  InstanceType,
  Part,
  Parts,
  PrimitiveKind,
  ResourceSymbol,
  RootComponent,
  Sort,
  TypeBound,
  ValueType,
} from './model.ts';
export { describeFunc, describeType, printWorld } from './print.ts';
export { partsOf, valuesOf } from './types.ts';
