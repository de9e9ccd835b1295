/**
 * The component engine: a WebAssembly component becomes linked instances on V8. Usable alone.
 *
 * Guarantees
 *   C1  The bytes are decoded and validated here, after the Component Model specification (WASI 0.2); what is not
 *       supported is refused by name (`COMPONENT_UNSUPPORTED`) and never run differently from what it means.
 *   C2  Every bounds, alignment and validity rule of the canonical ABI traps, and no guest handler can catch it.
 *   C3  An instance that traps, exits or is killed hurts nothing else; the process, its event loop included, goes on.
 *   C4  A guest that waits for the host is suspended; the thread is free.
 *   C5  One turn takes many calls across the boundary in one go.
 * Limits      Node.js 24 or later (JavaScript Promise Integration). 16,250 linear memories per process unless it runs
 *             with `--disable-wasm-trap-handler`. A guest in an endless loop holds the thread unless it was compiled `metered`.
 * Not here    WASI (wasi/), actors (host/). Values are described in `abi/`.
 *
 * @example
 * ```ts
 * import { compileComponent } from 'troupe/component';
 * const component = await compileComponent(await readFile('greeter.wasm'));
 * const instance = await component.instantiate({ 'demo:log/sink': { write: (line: string) => console.log(line) } });
 * await instance.call('demo:greeter/greet#hello', ['world']);
 * ```
 *
 * @module
 */
export { Debt, GuestResource, propertyNames } from './abi/index.ts';
export { ADMISSION_DEFAULTS, type AdmissionLimits } from './admission/index.ts';
export { compileShared, type SharedCompileOptions } from './background/index.ts';
export {
  type ComponentType,
  decodeComponent,
  describeFunc,
  describeType,
  type ExternType,
  type FuncType,
  type InstanceType,
  partsOf,
  printWorld,
  type ValueType,
  valuesOf,
} from './binary/index.ts';
export { type HostFunction, type HostInstance, HostResourceType } from './host.ts';
export {
  type Call,
  type CallSource,
  CompiledComponent,
  type CompileOptions,
  type ComponentArtifact,
  ComponentInstance,
  type ComponentSource,
  compileComponent,
  type ExportedFunction,
  FUEL_SLICE,
  type FuelSupply,
  type GrowRefusal,
  type HostImports,
  type InstantiateOptions,
  matchImport,
} from './link/index.ts';
export { wrapPreview1 } from './preview1/index.ts';
export {
  limitNode,
  NodeRoom,
  nodeRoom,
  type RoomClaim,
  type RoomHandOver,
  type RoomLimits,
  type RoomUse,
  takeSharedRoom,
} from './room/index.ts';
