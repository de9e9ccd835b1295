/**
 * Admission: a core module is checked and rewritten before V8 compiles it, so that the host stays in control.
 *
 * Guarantees
 *   AD1  Every import of the host is entered through a trampoline in wasm. Whatever JavaScript throws there becomes
 *        `unreachable`, which no guest handler can catch.
 *   AD2  All memories of a module together, and each table, have maxima within the limits; shared memory, atomics and
 *        garbage-collected types are refused by name, and so is every instruction that is not on the list.
 *   AD3  A `start` function becomes an export: nothing of a guest runs while its module is instantiated.
 *   AD4  The result is a function of the bytes and the request alone, and V8 validates it.
 *   AD5  Of what an author wrote beside code, the names of functions are kept if asked for: at most 1 MiB of them, each cut and
 *        without control characters.
 *   AD6  An admitted module says which exports are all that its code can change, or that there is more.
 *   AD7  If fuel is asked for, no code of the module runs on for ever without asking for more: each time around a loop and each
 *        call of a function is charged, bulk instructions by their length, and the charge is part of the code. What is
 *        charged is a function of what is run alone.
 *   AD8  Nothing that is appended to a module can be named by its code: an index behind its own is refused.
 *   AD9  What V8 takes to compile a function is bounded, since it does so on the thread that calls it: code beyond the
 *        bounds is refused by name while it is read. Reading and rewriting take time in proportion to the bytes.
 * Limits      one module: 64 MiB unless told otherwise; of its code see {@link CODE_LIMITS}. Work is yielded every 128 KiB of code.
 * Not here    what is called when (link/), values (abi/), who gives fuel and how much.
 *
 * @module
 */

export { Emitter } from './bytes.ts';
export { CODE_LIMITS } from './complexity.ts';
export { type CoreModule, type FunctionType, readCoreModule, SECTION } from './core-module.ts';
export { type HostHook, NUMBER_TYPES, type NumberType } from './glue.ts';
export { ADMISSION_DEFAULTS, type AdmissionLimits, checkMemoryClaim, checkTableClaim, PAGE_BYTES } from './limits.ts';
export {
  type AdmissionRequest,
  type AdmittedModule,
  admitModule,
  IMPORT_LIST,
  type ImportEntry,
  type ModuleState,
  type OwnFunctions,
} from './rewrite.ts';
