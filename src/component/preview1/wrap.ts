import { readFileSync } from 'node:fs';
import { RuntimeError } from '../../errors/index.ts';
import { readCoreModule } from '../admission/index.ts';

/** `\0asm`, version 1, layer 0. */
const CORE_MODULE = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
const CORE_MODULE_SECTION = 0x01;
const PREVIEW_1 = 'wasi_snapshot_preview1';
const FUNCTION = 0;
const MEMORY = 2;

/** A component with a place for a program. */
interface Frame {
  /** What stands before and after the section that holds the program. */
  readonly before: Uint8Array;
  readonly after: Uint8Array;
  /** Functions of preview 1 that it offers. */
  readonly functions: ReadonlySet<string>;
}

/** Read at the first program, once for each process. */
let frame: Frame | undefined;

/**
 * Makes a component of a program for WASI preview 1, by putting it behind the standard adapter. Anything else is
 * returned as it is: what does not even look like such a program is for the decoder to name.
 *
 * @param bytes Any bytes are safe to give.
 * @throws {RuntimeError} `COMPONENT_UNSUPPORTED` — it is for preview 1, but no program, or imports something else.
 * @throws {RuntimeError} `COMPONENT_INVALID` — it is a core module that cannot be read.
 */
export function wrapPreview1(bytes: Uint8Array): Uint8Array {
  if (!CORE_MODULE.every((byte, index) => bytes[index] === byte)) return bytes;
  const { imports, exports } = readCoreModule(bytes);
  const isProgram = exports.some(({ name, kind }) => name === '_start' && kind === FUNCTION);
  if (!isProgram && !imports.some(({ module }) => module === PREVIEW_1)) return bytes;
  if (!isProgram) {
    const help = 'wrap it with "wasm-tools component new --adapt", or build it for wasm32-wasip2';
    throw unsupported(`it is a library for WASI preview 1, not a program: it exports no "_start"; ${help}`);
  }
  frame ??= readFrame();
  for (const { module, name, kind } of imports) {
    if (module === PREVIEW_1 && kind === FUNCTION && frame.functions.has(name)) continue;
    throw unsupported(`it imports "${module}" "${name}", which WASI preview 1 does not have`);
  }
  if (!exports.some(({ name, kind }) => name === 'memory' && kind === MEMORY)) {
    throw unsupported('it exports no "memory", through which WASI preview 1 works');
  }
  return Buffer.concat([frame.before, leb128(bytes.length), bytes, frame.after]);
}

function unsupported(why: string): RuntimeError {
  return new RuntimeError('COMPONENT_UNSUPPORTED', `Cannot make a component of the core module: ${why}`);
}

/** `command.wasm` holds a dummy where the program goes: the first of its core modules. */
function readFrame(): Frame {
  const bytes = readFileSync(new URL('command.wasm', import.meta.url));
  let at = CORE_MODULE.length;
  for (;;) {
    const id = bytes[at] as number;
    const size = readLeb128(bytes, at + 1);
    const end = size.at + size.value;
    if (id === CORE_MODULE_SECTION) {
      const { imports } = readCoreModule(bytes.subarray(size.at, end));
      const functions = new Set(imports.map(({ name }) => name));
      return { before: bytes.subarray(0, at + 1), after: bytes.subarray(end), functions };
    }
    at = end;
  }
}

function readLeb128(bytes: Uint8Array, start: number): { readonly value: number; readonly at: number } {
  let value = 0;
  for (let at = start, shift = 0; ; at++, shift += 7) {
    const byte = bytes[at] as number;
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return { value: value >>> 0, at: at + 1 };
  }
}

function leb128(value: number): Uint8Array {
  const bytes: number[] = [];
  let left = value;
  for (; left >= 0x80; left >>>= 7) bytes.push((left & 0x7f) | 0x80);
  return Uint8Array.from([...bytes, left]);
}
