/**
 * Linking: from a validated component to instances that run.
 *
 * Guarantees
 *   LK1  Everything static (nested components, aliases, shims) is decided once per component, not per instance.
 *   LK2  An instance handles one call or turn at a time; a second one is refused with `COMPONENT_BUSY`.
 *   LK3  A trap, a broken rule of the canonical ABI, a kill or an exit ends the instance, is named, and nothing else is
 *        hurt. A dead instance runs no more code and owns nothing.
 *   LK4  A kill of a suspended guest settles its pending call and cannot be caught by the guest.
 *   LK5  A missing import is refused before anything is instantiated, and all of them are named at once.
 *   LK6  Components of a composition call each other with copies of values; handles travel; one waits while the other
 *        does, and what ends one ends all of them.
 *   LK7  Components and core modules that a component imports are linked as if they were nested in it (`parts`).
 *   LK8  A trap in a call in which a memory might not grow names the limit (`COMPONENT_LIMIT`). A trap names up to ten functions of the guest that it came out of, in `details.backtrace`.
 *   LK9  An instance that was rewound is as one that was just made: nothing of the life before is left in it, and nobody is
 *        left who could use it. What cannot be put back is not rewound.
 *   LK10 Code of a metered component asks its supply for fuel again and again, and is ended or suspended there if that says
 *        so; the same call uses the same fuel, whatever was called before. What the host does for it is charged too; who
 *        owes a slice of fuel pays at the end of the call, and waits there.
 *   LK11 An instance that was linked ahead has called nobody; once it begins it is as one that was made in one go.
 * Limits      1,000 component instances and 1,000 core instances inside one component; 10,000 exported functions, host
 *             functions, resource types and core imports; 64 calls between its components inside each other.
 * Not here    what a value looks like (abi/), when a component may run (host/).
 *
 * @module
 */

export { artifactId, type ComponentArtifact } from './artifact.ts';
export type { Call, CallSource } from './calls.ts';
export { CompiledComponent, type CompileOptions, type ComponentSource, compileComponent } from './compile.ts';
export type { ExportedFunction } from './compiled.ts';
export type { GrowRefusal } from './failures.ts';
export { FUEL_SLICE, type FuelSupply } from './fuel.ts';
export { type HostImports, matchImport } from './imports.ts';
export { ComponentInstance, type InstantiateOptions } from './instance.ts';
