/**
 * Globals of a component in JavaScript or TypeScript beside those of the language (`es2023`): what `troupe build` puts
 * there. For `types` of `tsconfig.json`, as `troupe/guest/globals`; not together with the types of the Web or of Node.js.
 */

/** `log`, `info` and `debug` go to standard output, the others to standard error, as far as granted. */
declare const console: Readonly<
  Record<'log' | 'info' | 'debug' | 'warn' | 'error' | 'trace', (...values: unknown[]) => void>
>;

/** Timers run while a message or a request is being handled. */
declare function setTimeout(work: (...args: never[]) => void, delayMs?: number, ...args: unknown[]): number;
declare function setInterval(work: (...args: never[]) => void, delayMs?: number, ...args: unknown[]): number;
declare function clearTimeout(id: number | undefined): void;
declare function clearInterval(id: number | undefined): void;
declare function queueMicrotask(job: () => void): void;

declare class TextEncoder {
  readonly encoding: string;
  encode(text?: string): Uint8Array;
  encodeInto(text: string, target: Uint8Array): { read: number; written: number };
}

/** UTF-8, whole texts. */
declare class TextDecoder {
  constructor(label?: string, options?: { readonly fatal?: boolean; readonly ignoreBOM?: boolean });
  readonly encoding: string;
  readonly fatal: boolean;
  readonly ignoreBOM: boolean;
  decode(input?: ArrayBuffer | ArrayBufferView): string;
}

/** Random numbers of the host; `Math.random` is too. */
declare const crypto: {
  getRandomValues<T extends ArrayBufferView>(array: T): T;
  randomUUID(): string;
};

declare const performance: { now(): number };
declare function atob(text: string): string;
declare function btoa(text: string): string;
