/**
 * Compiling beside what runs: components that a process did not write itself, and may be asked for many times.
 *
 * Guarantees
 *   BG1  The same bytes with the same options are compiled once, for everybody who asks while somebody uses them or waits. They
 *        share the code, and nothing that an instance can change.
 *   BG2  A component of more than 512 KiB is checked, rewritten and compiled on a thread of its own, which its deadline, the
 *        last of those who wait, and a bound of its memory end. What is left for the calling thread is done in slices.
 *   BG3  Two such threads run at a time; the others wait. When none has work, none is there.
 *   BG4  A failure is everybody's who waits, and is not remembered.
 * Limits      what V8 takes to compile native code is not part of the bound of memory.
 * Not here    what compiling is (link/).
 *
 * @module
 */
export { compileShared, type SharedCompileOptions } from './compile-shared.ts';
