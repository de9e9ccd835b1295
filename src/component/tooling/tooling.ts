import { RuntimeError } from '../../errors/index.ts';

/** The part of `@bytecodealliance/jco-transpile/wasm-tools` that is used here. */
interface WasmTools {
  parse(wat: string): Promise<Uint8Array>;
  print(bytes: Uint8Array): Promise<string>;
  componentNew(bytes: Uint8Array, adapters?: [string, Uint8Array][]): Promise<Uint8Array>;
  componentWit(bytes: Uint8Array): Promise<string>;
  componentEmbed(options: ToolEmbedOptions): Promise<Uint8Array>;
}

interface ToolEmbedOptions {
  binary?: Uint8Array;
  witSource?: string;
  world?: string;
  stringEncoding?: 'utf8' | 'utf16' | 'compact-utf16';
  dummy?: boolean;
}

const TOOLS_PACKAGE = '@bytecodealliance/jco-transpile/wasm-tools';

/** One load for each process: it compiles several megabytes of WebAssembly. */
let tools: Promise<WasmTools> | undefined;

/**
 * Has the tools loaded by `load`, if they are not loaded already: a project may have its own, which are not beside Troupe.
 *
 * @throws What `load` rejects with; the next call tries again.
 */
export async function loadWasmTools(load: () => Promise<unknown>): Promise<void> {
  tools ??= load() as Promise<WasmTools>;
  try {
    await tools;
  } catch (error) {
    tools = undefined;
    throw error;
  }
}

async function wasmTools(): Promise<WasmTools> {
  try {
    await loadWasmTools(() => import(TOOLS_PACKAGE));
    return await (tools as Promise<WasmTools>);
  } catch (cause) {
    throw new RuntimeError(
      'FILE_NOT_FOUND',
      'Cannot load the WebAssembly tools: run `npm install @bytecodealliance/jco-transpile`',
      { cause },
    );
  }
}

/** What the tools throw is `{ payload: text }` or an error; either way the text is what a user can act on. */
async function run<T>(action: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (RuntimeError.is(cause)) throw cause;
    throw new RuntimeError('COMPONENT_INVALID', `Cannot ${action}: ${textOf(cause)}`, { cause });
  }
}

function textOf(cause: unknown): string {
  if (typeof cause === 'object' && cause !== null && 'payload' in cause) return String(cause.payload);
  return cause instanceof Error ? cause.message : String(cause);
}

/**
 * Assembles WebAssembly text, of a core module or of a component. What it says is encoded, not validated.
 *
 * @throws {RuntimeError} `COMPONENT_INVALID` — the text has a syntax error; the message shows the place.
 */
export async function parseWat(text: string): Promise<Uint8Array> {
  const loaded = await wasmTools();
  return run('assemble the WebAssembly text', () => loaded.parse(text));
}

/**
 * Prints a core module or a component as WebAssembly text.
 *
 * @throws {RuntimeError} `COMPONENT_INVALID` — the bytes cannot be decoded.
 */
export async function printWasm(bytes: Uint8Array): Promise<string> {
  const loaded = await wasmTools();
  return run('print the WebAssembly binary', () => loaded.print(bytes));
}

/**
 * Wraps a core module that holds its world (see {@link componentEmbed}) into a component.
 *
 * @param adapters Modules that translate other imports, by the name that is imported: `wasi_snapshot_preview1`.
 * @throws {RuntimeError} `COMPONENT_INVALID` — the module does not fit its world.
 */
export async function componentNew(
  module: Uint8Array,
  adapters: Readonly<Record<string, Uint8Array>> = {},
): Promise<Uint8Array> {
  const loaded = await wasmTools();
  return run('make a component of the module', () => loaded.componentNew(module, Object.entries(adapters)));
}

/** What {@link componentEmbed} puts together. */
export interface EmbedOptions {
  /** WIT source of the package with the world. */
  readonly wit: string;
  /** World of that package; may be left out if there is one only. */
  readonly world?: string;
  /** The core module. Left out: a module is made up that has the world's imports and exports, each of which traps. */
  readonly module?: Uint8Array;
  /** How the module encodes strings. Default `utf8`. */
  readonly encoding?: 'utf8' | 'utf16' | 'latin1+utf16';
}

/**
 * Writes a WIT world into a core module, which {@link componentNew} then makes a component of.
 *
 * @throws {RuntimeError} `COMPONENT_INVALID` — the WIT text or the module is wrong.
 */
export async function componentEmbed(options: EmbedOptions): Promise<Uint8Array> {
  const loaded = await wasmTools();
  const embed: ToolEmbedOptions = { witSource: options.wit, dummy: options.module === undefined };
  if (options.module !== undefined) embed.binary = options.module;
  if (options.world !== undefined) embed.world = options.world;
  if (options.encoding !== undefined) {
    embed.stringEncoding = options.encoding === 'latin1+utf16' ? 'compact-utf16' : options.encoding;
  }
  return run('embed the WIT world', () => loaded.componentEmbed(embed));
}

/**
 * Prints the world of a component as WIT text.
 *
 * @throws {RuntimeError} `COMPONENT_INVALID` — the bytes are not a component that WIT can describe.
 */
export async function componentWit(component: Uint8Array): Promise<string> {
  const loaded = await wasmTools();
  return run('print the WIT of the component', () => loaded.componentWit(component));
}

/**
 * Asks the validator of wasm-tools about a component, every proposal switched on.
 *
 * @returns What is wrong, with the byte offset, or `undefined` if the component is valid.
 */
export async function validateComponent(component: Uint8Array): Promise<string | undefined> {
  // Nested in an empty component: then there is no world to print, and what WIT cannot describe does no harm.
  const header = [0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00, 0x04, ...leb128(component.length)];
  try {
    await componentWit(Uint8Array.from([...header, ...component]));
    return undefined;
  } catch (error) {
    return textOf(error).replace(/\(at offset 0x([0-9a-f]+)\)/, (_, offset: string) => {
      return `(at byte ${Number.parseInt(offset, 16) - header.length})`;
    });
  }
}

function leb128(value: number): number[] {
  const bytes: number[] = [];
  for (let left = value; ; left >>>= 7) {
    if (left < 0x80) return [...bytes, left];
    bytes.push((left & 0x7f) | 0x80);
  }
}
