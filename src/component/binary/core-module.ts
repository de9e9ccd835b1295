import {
  type CoreTypeSpace,
  type CoreTypes,
  readCoreValueType,
  readHeapType,
  readMutability,
  readReferenceType,
  typeNumber,
} from './core-types.ts';
import { quote, unsupported } from './failure.ts';
import { EXTERNS_MAX, FUNCTIONS_MAX, MEMORY_PAGES_MAX, MEMORY64_PAGES_MAX, TYPES_MAX } from './limits.ts';
import type { Reader } from './reader.ts';
import type { CoreFunc, CoreGlobal, CoreImport, CoreItem, CoreMemory, CoreModule, CoreTable } from './types.ts';

/** Sections of a core module by id, in the order in which they must come. Custom sections (0) come anywhere. */
const SECTION_ORDER: readonly number[] = [1, 2, 3, 4, 5, 13, 6, 7, 8, 9, 12, 10, 11];

const PAGE_BITS = 16;

/**
 * Reads the type of a core module: what it imports and exports. Of everything else only the frame is read; whether
 * the module is valid is for the engine that compiles it to say.
 */
export function readCoreModule(reader: Reader, types: CoreTypes): CoreModule {
  const module = new ModuleReader(types);
  for (const byte of [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]) {
    if (reader.u8() !== byte) reader.fail('a core module does not begin with the bytes of a core module');
  }
  let last = -1;
  while (!reader.done) {
    const id = reader.u8();
    const section = reader.window(reader.u32());
    if (id === 0) {
      section.name();
      continue;
    }
    const order = SECTION_ORDER.indexOf(id);
    if (order < 0) reader.fail(`a core module has no section ${id}`);
    if (order <= last) reader.fail(`section ${id} of a core module is out of order`);
    last = order;
    module.section(id, section);
  }
  return { imports: module.imports, exports: module.exports };
}

/** A core type index space that cannot hold module types. */
export class PlainTypeSpace implements CoreTypeSpace {
  readonly #numbers: number[] = [];

  get length(): number {
    return this.#numbers.length;
  }

  at(index: number): number | undefined {
    return this.#numbers[index];
  }

  /** Reads a group of types into the space. */
  read(reader: Reader, types: CoreTypes): void {
    for (const number of types.readGroup(reader, this)) this.#numbers.push(number);
    if (this.#numbers.length > TYPES_MAX) reader.fail(`there are more than ${TYPES_MAX} core types`);
  }

  /** Adds the type with that number. */
  add(number: number): void {
    this.#numbers.push(number);
  }
}

/** The index spaces of one module while its sections are read. */
class ModuleReader {
  readonly imports: CoreImport[] = [];
  readonly exports = new Map<string, CoreItem>();
  readonly #types: CoreTypes;
  readonly #items: Record<CoreItem['kind'], CoreItem[]> = { func: [], table: [], memory: [], global: [], tag: [] };
  readonly #importNames = new Set<string>();
  readonly #space = new PlainTypeSpace();

  constructor(types: CoreTypes) {
    this.#types = types;
  }

  section(id: number, reader: Reader): void {
    const items = new CoreItemReader(reader, this.#types, this.#space);
    switch (id) {
      case 1:
        this.#each(reader, TYPES_MAX, () => this.#space.read(reader, this.#types));
        break;
      case 2:
        this.#each(reader, EXTERNS_MAX, () => this.#import(items));
        break;
      case 3:
        this.#each(reader, FUNCTIONS_MAX, () => this.#items.func.push(items.func()));
        break;
      case 4:
        this.#each(reader, EXTERNS_MAX, () => this.#items.table.push(items.definedTable()));
        break;
      case 5:
        this.#each(reader, EXTERNS_MAX, () => this.#items.memory.push(items.memory()));
        break;
      case 6:
        this.#each(reader, EXTERNS_MAX, () => this.#items.global.push(items.definedGlobal()));
        break;
      case 7:
        this.#each(reader, EXTERNS_MAX, () => this.#export(reader));
        break;
      case 13:
        this.#each(reader, EXTERNS_MAX, () => this.#items.tag.push(items.tag()));
        break;
      default: // start, elements, data and code say nothing about the type
    }
  }

  #each(reader: Reader, max: number, read: () => void): void {
    for (let left = reader.count(max, 'items of a core module'); left > 0; left -= 1) read();
    reader.finish('a section of a core module');
  }

  #import(items: CoreItemReader): void {
    const entry = readCoreImport(items);
    addCoreImport(entry, this.#importNames, items.reader);
    this.imports.push(entry);
    this.#items[entry.type.kind].push(entry.type);
  }

  #export(reader: Reader): void {
    const name = reader.name();
    const kind = CORE_KINDS[reader.u8()] ?? reader.fail('that is not a kind of core export');
    const index = reader.u32();
    const item = this.#items[kind][index] ?? reader.fail(`core ${kind} ${index} is not defined in its module`);
    if (this.exports.has(name)) reader.fail(`a core module exports ${quote(name)} twice`);
    this.exports.set(name, item);
  }
}

/** Kinds of core imports and exports by their code. */
export const CORE_KINDS: Readonly<Record<number, CoreItem['kind']>> = {
  0: 'func',
  1: 'table',
  2: 'memory',
  3: 'global',
  4: 'tag',
};

export function readCoreImport(items: CoreItemReader): CoreImport {
  return { module: items.reader.name(), name: items.reader.name(), type: items.externType() };
}

/** Refuses a second import of the same two names: the component model could not tell them apart. */
export function addCoreImport(entry: CoreImport, seen: Set<string>, reader: Reader): void {
  const key = JSON.stringify([entry.module, entry.name]);
  if (seen.has(key)) reader.fail(`a core module imports ${quote(entry.name)} of ${quote(entry.module)} twice`);
  seen.add(key);
}

/** Reads the types of core imports, exports and definitions. */
export class CoreItemReader {
  readonly reader: Reader;
  readonly #types: CoreTypes;
  readonly #space: CoreTypeSpace;

  constructor(reader: Reader, types: CoreTypes, space: CoreTypeSpace) {
    this.reader = reader;
    this.#types = types;
    this.#space = space;
  }

  externType(): CoreItem {
    const kind = this.reader.u8();
    switch (kind) {
      case 0:
        return this.func();
      case 1:
        return this.table();
      case 2:
        return this.memory();
      case 3:
        return this.global();
      case 4:
        return this.tag();
      case 0x20:
        return unsupported(this.reader.offset - 1, 'exact core function types');
      case 0x7e:
      case 0x7f:
        return unsupported(this.reader.offset - 1, 'compact core imports');
      default:
        return this.reader.fail(`0x${kind.toString(16)} is not a kind of core import`);
    }
  }

  func(): CoreFunc {
    const index = this.reader.u32();
    const id = typeNumber(this.reader, this.#space, index);
    return this.#types.func(id) ?? this.reader.fail(`core type ${index} is not a function type`);
  }

  tag(): CoreFunc {
    if (this.reader.u8() !== 0) this.reader.fail('a core tag has an unknown attribute');
    const func = this.func();
    if (func.type.results.length > 0) this.reader.fail('the type of a core tag has results');
    return { ...func, kind: 'tag' };
  }

  memory(): CoreMemory {
    const flags = this.reader.u8();
    if (flags > 0x0f) this.reader.fail(`0x${flags.toString(16)} are not flags of a core memory`);
    const is64 = (flags & 4) !== 0;
    const shared = (flags & 2) !== 0;
    const { min, max } = this.#limits(flags, is64);
    if ((flags & 8) !== 0 && this.reader.u32() !== PAGE_BITS) {
      unsupported(this.reader.offset - 1, 'core memories with pages of another size than 64 KiB');
    }
    const pagesMax = is64 ? MEMORY64_PAGES_MAX : MEMORY_PAGES_MAX;
    if (min > pagesMax || (max !== undefined && max > pagesMax)) {
      this.reader.fail(`a core memory has more than ${pagesMax} pages`);
    }
    if (shared && max === undefined) this.reader.fail('a shared core memory has no maximum');
    return { kind: 'memory', min, max, shared, is64 };
  }

  table(): CoreTable {
    const element = readReferenceType(this.reader, this.#space);
    const flags = this.reader.u8();
    if ((flags & 2) !== 0) unsupported(this.reader.offset - 1, 'shared core tables');
    if (flags > 7) this.reader.fail(`0x${flags.toString(16)} are not flags of a core table`);
    const is64 = (flags & 4) !== 0;
    return { kind: 'table', element, ...this.#limits(flags, is64), is64 };
  }

  #limits(flags: number, is64: boolean): { readonly min: bigint; readonly max: bigint | undefined } {
    const read = (): bigint => (is64 ? this.reader.u64() : BigInt(this.reader.u32()));
    const min = read();
    const max = (flags & 1) === 0 ? undefined : read();
    if (max !== undefined && min > max) this.reader.fail('the minimum of a core limit is above its maximum');
    return { min, max };
  }

  global(): CoreGlobal {
    const type = readCoreValueType(this.reader, this.#space);
    const mutability = this.reader.peek();
    if ((mutability & 2) !== 0) unsupported(this.reader.offset, 'shared core globals');
    return { kind: 'global', type, mutable: readMutability(this.reader) };
  }

  /** A table as the table section has it: it may come with an expression for its elements. */
  definedTable(): CoreTable {
    if (this.reader.peek() !== 0x40) return this.table();
    this.reader.u8();
    if (this.reader.u8() !== 0) this.reader.fail('a core table has an unknown form');
    const table = this.table();
    this.#skipExpression();
    return table;
  }

  definedGlobal(): CoreGlobal {
    const global = this.global();
    this.#skipExpression();
    return global;
  }

  /** Skips a constant expression. Whether it is a valid one is for the engine that compiles the module to say. */
  #skipExpression(): void {
    for (;;) {
      const code = this.reader.u8();
      if (code === 0x0b) return;
      const skip =
        CONSTANT_INSTRUCTIONS[code] ?? this.reader.fail(`0x${code.toString(16)} is not a constant core instruction`);
      skip(this.reader, this.#space);
    }
  }
}

const nothing = (): void => {};
const index = (reader: Reader): void => reader.skipLeb(5);
const twoIndices = (reader: Reader): void => {
  index(reader);
  index(reader);
};

/** How to skip the immediates of each instruction that a constant expression may have. */
const CONSTANT_INSTRUCTIONS: Readonly<Record<number, (reader: Reader, space: CoreTypeSpace) => void>> = {
  35: index, // global.get
  65: (reader) => reader.skipLeb(5), // i32.const
  66: (reader) => reader.skipLeb(10), // i64.const
  67: (reader) => reader.skip(4), // f32.const
  68: (reader) => reader.skip(8), // f64.const
  106: nothing, // i32.add, sub, mul
  107: nothing,
  108: nothing,
  124: nothing, // i64.add, sub, mul
  125: nothing,
  126: nothing,
  208: (reader, space) => void readHeapType(reader, space), // ref.null
  210: index, // ref.func
  251: (reader) => {
    const code = reader.u32();
    const skip = { 0: index, 1: index, 6: index, 7: index, 8: twoIndices, 26: nothing, 27: nothing, 28: nothing }[code];
    if (skip === undefined) return reader.fail(`0xfb 0x${code.toString(16)} is not a constant core instruction`);
    skip(reader);
  },
  253: (reader) => {
    if (reader.u32() !== 0x0c) reader.fail('that is not a constant core instruction'); // v128.const
    reader.skip(16);
  },
};
