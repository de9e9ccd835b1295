import { RuntimeError } from '../../errors/index.ts';
import { Cursor, Emitter } from './bytes.ts';

/** Bytes of names that are kept of one module. Chosen: the names of a compiled JavaScript engine take half of it. */
const NAMES_BYTES_MAX = 1024 * 1024;

/** Bytes of one name. Chosen: a line of a log. */
const NAME_BYTES_MAX = 120;

const NAME_SECTION = [4, 0x6e, 0x61, 0x6d, 0x65];
const MODULE_NAME = 0;
const FUNCTION_NAMES = 1;
const QUESTION_MARK = 0x3f;

/** Tells whether the custom section at `start` is the one with names. */
export function isNameSection(bytes: Uint8Array, start: number): boolean {
  return NAME_SECTION.every((byte, at) => bytes[start + at] === byte);
}

/** What the name section of an admitted module is made of. */
export interface NameRequest {
  /** How the module is called in V8's stack traces: what finds it again. */
  readonly module: string;
  /** The author's name section, if there is one. */
  readonly section: Cursor | undefined;
  /** Functions before this one are imported, and their names are left out. */
  readonly firstDefined: number;
  /** What is added to the index of each function. */
  readonly shift: number;
}

/** Content of a name section: the module's key, and the names of its functions with nothing in them that could garble a line. */
export function nameSection(request: NameRequest): Emitter {
  const content = new Emitter();
  content.u8(...NAME_SECTION);
  const module = new Emitter();
  module.name(request.module);
  content.section(MODULE_NAME, module);
  const names = functionNames(request);
  if (names !== undefined) content.section(FUNCTION_NAMES, names);
  return content;
}

/** A name section that is malformed is as good as none: it says nothing about whether the module is valid. */
function functionNames(request: NameRequest): Emitter | undefined {
  const { section } = request;
  if (section === undefined) return undefined;
  try {
    section.skip(NAME_SECTION.length);
    while (section.at < section.end) {
      const id = section.u8();
      const size = section.u32();
      const start = section.at;
      section.skip(size);
      if (id === FUNCTION_NAMES) return copyNames(new Cursor(section.bytes, start, section.at), request);
    }
  } catch (error) {
    if (!RuntimeError.is(error)) throw error;
  }
  return undefined;
}

function copyNames(cursor: Cursor, { firstDefined, shift }: NameRequest): Emitter {
  const entries = new Emitter();
  let kept = 0;
  for (let count = cursor.u32(); count > 0 && entries.length < NAMES_BYTES_MAX; count--) {
    const index = cursor.u32();
    const size = cursor.u32();
    const start = cursor.at;
    cursor.skip(size);
    if (index < firstDefined) continue;
    entries.u32(index + shift);
    copyName(entries, cursor.bytes.subarray(start, start + size));
    kept++;
  }
  const content = new Emitter(entries.length + 5);
  content.u32(kept);
  content.append(entries);
  return content;
}

/** Cut before a character that does not fit, and without control characters. */
function copyName(into: Emitter, name: Uint8Array): void {
  let length = Math.min(name.length, NAME_BYTES_MAX);
  while (length < name.length && length > 0 && ((name[length] as number) & 0xc0) === 0x80) length--;
  into.u32(length);
  for (let at = 0; at < length; at++) {
    const byte = name[at] as number;
    into.u8(byte < 0x20 || byte === 0x7f ? QUESTION_MARK : byte);
  }
}
