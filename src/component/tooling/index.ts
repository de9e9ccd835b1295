/**
 * Tooling: wasm-tools as functions, for tests and for the commands that build components.
 *
 * Guarantees
 *   T1  The package behind it is optional: it is loaded at the first call, once for each process.
 *   T2  What the tools refuse comes out as one `RuntimeError` with their text.
 * Limits      Binaries are trusted as much as their author: nothing here is called with a guest's bytes at run time.
 * Not here    decoding and validating a component that is to run (binary/).
 *
 * @module
 */
export {
  componentEmbed,
  componentNew,
  componentWit,
  type EmbedOptions,
  loadWasmTools,
  parseWat,
  printWasm,
  validateComponent,
} from './tooling.ts';
