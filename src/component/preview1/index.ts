/**
 * Preview 1: programs for the WASI of before components.
 *
 * Guarantees
 *   P1  A core module with `_start` that imports functions of `wasi_snapshot_preview1` only becomes a component that
 *       exports `wasi:cli/run`, with nothing installed for it: the adapter that everybody uses is here, around a place
 *       for the program (`command.wasm`, made by `scripts/build-preview1.ts`).
 *   P2  What it is refused for is named; nothing of the program is changed or run.
 * Limits      programs only: a library needs a world, which its author must give it. The component imports all that the
 *             adapter could need, so it has to be granted clocks and random numbers even if the program uses neither.
 *             The adapter makes every exit code but 0 a 1, and has no sockets; programs of Go are known to fail in it.
 * Not here    validity of the module (admission/, binary/).
 *
 * @module
 */
export { wrapPreview1 } from './wrap.ts';
