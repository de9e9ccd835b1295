/**
 * Bounds on what one binary may hold. Unless a line says otherwise the figure is that of wasm-tools (`limits.rs` of
 * wasmparser), so that what its validator accepts is accepted here. They are read by counts of items: a count that the
 * input claims is never used to allocate.
 */

/** Bytes in one name. */
export const NAME_BYTES_MAX = 100_000;
/** Types, core or not, in one index space of a component. */
export const TYPES_MAX = 1_000_000;
/** Functions, core or not, in one component. */
export const FUNCTIONS_MAX = 1_000_000;
/** Core memories, tables, globals or tags in one component: aliases, so many are cheap. */
export const CORE_ITEMS_MAX = 1_000_000;
/** Imports or exports of one component. */
export const EXTERNS_MAX = 1_000_000;
/** Core modules in one component. */
export const MODULES_MAX = 1_000;
/** Nested components in one component. */
export const COMPONENTS_MAX = 1_000;
/** Instances in one component, core ones counted too. */
export const INSTANCES_MAX = 1_000;
/** Arguments of one instantiation, or exports of one instance that is put together. */
export const INSTANTIATION_ARGS_MAX = 100_000;
/** Declarations in one component or instance type. */
export const TYPE_DECLARATIONS_MAX = 1_000_000;
/** Declarations in one core module type. */
export const MODULE_TYPE_DECLARATIONS_MAX = 100_000;
/** Parameters or results of one function. */
export const FUNCTION_PARAMS_MAX = 1_000;
/** Fields of a record, cases of a variant or an enum, members of a tuple. */
export const MEMBERS_MAX = 10_000;
/** Members of flags. The Component Model's own limit: they are one 32-bit word in a core function. */
export const FLAGS_MAX = 32;
/** Options of one canonical definition. */
export const CANON_OPTIONS_MAX = 10;
/** Parts of one type, counted as a tree. */
export const TYPE_SIZE_MAX = 1_000_000;
/** Levels of one value type. */
export const VALUE_DEPTH_MAX = 100;
/** Levels of any type. Chosen: room for a function in an instance in a component around the deepest value. */
export const TYPE_DEPTH_MAX = 120;
/** Components and types nested in each other in the binary. Chosen: the stack of the host bounds recursion. */
export const NESTING_MAX = 100;
/** Fields of a core struct type. */
export const STRUCT_FIELDS_MAX = 10_000;
/** Core types in one recursion group. */
export const REC_GROUP_MAX = 1_000_000;
/** Pages of 64 KiB in a memory with 32-bit addresses. Core specification. */
export const MEMORY_PAGES_MAX = 65_536n;
/** Pages of 64 KiB in a memory with 64-bit addresses. Core specification. */
export const MEMORY64_PAGES_MAX = 2n ** 48n;

/**
 * Steps of type checking in one binary: parts of types that are compared, substituted or translated. Chosen: a component
 * that imports most of WASI needs a few thousand, and this many take half a second. Without a bound a few kilobytes
 * can ask for hours, because types share parts.
 */
export const STEPS_MAX = 1_000_000;

/** Steps and definitions between two chances to do other work: some 5 ms, before V8 has compiled the validator. */
export const SLICE_STEPS = 1_000;
