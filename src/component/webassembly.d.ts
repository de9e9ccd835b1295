/**
 * The part of the WebAssembly JavaScript API that the engine uses, with JavaScript Promise Integration. TypeScript
 * declares the API in its browser library only, which would let every other browser global pass the type check too.
 */
declare namespace WebAssembly {
  class Module {
    private constructor();
    static imports(module: Module): { module: string; name: string; kind: string }[];
    static exports(module: Module): { name: string; kind: string }[];
  }
  class Instance {
    constructor(module: Module, imports: object);
    readonly exports: Readonly<Record<string, unknown>>;
  }
  class Memory {
    constructor(descriptor: { initial: number; maximum?: number });
    readonly buffer: ArrayBuffer;
    grow(pages: number): number;
  }
  class Table {
    private constructor();
    readonly length: number;
    get(index: number): unknown;
    set(index: number, value: unknown): void;
  }
  class Global {
    private constructor();
    value: number | bigint;
  }
  class CompileError extends Error {}
  class LinkError extends Error {}
  class RuntimeError extends Error {}
  class Exception {}
  /** An import that suspends the wasm stack while its promise is pending. */
  class Suspending {
    // biome-ignore lint/suspicious/noExplicitAny: as wide as an import is
    constructor(fn: (...args: any[]) => unknown);
  }
  /** The export as a function that answers with a promise and may be suspended. */
  // biome-ignore lint/suspicious/noExplicitAny: as wide as an export is
  function promising(fn: unknown): (...args: any[]) => Promise<any>;
  function compile(bytes: Uint8Array<ArrayBuffer>): Promise<Module>;
  function validate(bytes: Uint8Array<ArrayBuffer>): boolean;
}
