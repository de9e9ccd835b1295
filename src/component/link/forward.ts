import { layoutOf } from '../abi/index.ts';
import { Emitter, NUMBER_TYPES, SECTION } from '../admission/index.ts';
import { type CoreFuncType, type FuncType, flatten, flattenFunc, type ValueType } from '../binary/index.ts';

/**
 * Core modules that the planner makes, for what a component joins without code of its own. Each imports its functions
 * from module "" under "0", "1" and so on.
 */

/** A module that imports functions and exports them under the same names. */
export function passOnModule(types: readonly CoreFuncType[]): Uint8Array {
  const exports = types.map((_, at) => ({ name: String(at), kind: FUNC, index: at }));
  return moduleOf([typeSection(types), importSection(types.map((_, at) => at)), exportSection(exports)]);
}

/** A module that lifts a function which it imports lowered, and what it needs. */
export interface Forward {
  readonly bytes: Uint8Array;
  /** Whether it exports `memory`, `realloc` and `post-return` beside `f`. */
  readonly hasMemory: boolean;
  /** Resources of the borrowed handles that it drops after each call; it imports `resource.drop` for each after "0". */
  readonly borrows: readonly Borrowed['resource'][];
}

type Borrowed = Extract<ValueType, { kind: 'borrow' }>;

/** Where its allocator begins, and begins anew after each call. */
const HEAP_START = 8;
const FUNC = 0;
const MEMORY = 2;
const EMPTY_BLOCK = 0x40;

/**
 * A module that hands each call on to a function of type `type`, with a memory of its own in which values stand
 * meanwhile.
 *
 * @returns Undefined if it could not drop the handles that a call borrows, since it does not know where they are.
 */
export function forwardModule(type: FuncType): Forward | undefined {
  const borrows = borrowsOf(type);
  if (borrows === undefined) return undefined;
  const lowered = flattenFunc(type, 'lower');
  const lifted = flattenFunc(type, 'lift');
  const returnsPointer = lowered.params.length > lifted.params.length;
  const values = [...type.params.map((param) => param.type), ...(type.result === undefined ? [] : [type.result])];
  const flatParams = type.params.reduce((count, param) => count + flatten(param.type).length, 0);
  const hasMemory =
    returnsPointer || flatParams > lifted.params.length || values.some((value) => layoutOf(value).inMemory);
  const drop: CoreFuncType = { params: ['i32'], results: [] };
  const postReturn: CoreFuncType = { params: lifted.results, results: [] };
  const imported = 1 + borrows.length;
  const body = forwardBody({
    params: lifted.params.length,
    resultBytes: returnsPointer ? layoutOf(type.result as ValueType).sizeBytes : undefined,
    realloc: imported + 1,
    borrows: borrows.map((item) => item.at),
  });
  const exports = [{ name: 'f', kind: FUNC, index: imported }];
  if (hasMemory) {
    exports.push({ name: 'realloc', kind: FUNC, index: imported + 1 });
    exports.push({ name: 'post-return', kind: FUNC, index: imported + 2 });
    exports.push({ name: 'memory', kind: MEMORY, index: 0 });
  }
  const bytes = moduleOf([
    typeSection([lowered, drop, lifted, REALLOC, postReturn]),
    importSection([0, ...borrows.map(() => 1)]),
    vectorSection(SECTION.function, hasMemory ? [[2], [3], [4]] : [[2]]),
    hasMemory ? vectorSection(SECTION.memory, [[0, 1]]) : undefined,
    hasMemory ? vectorSection(SECTION.global, [[NUMBER_TYPES.i32, 1, 0x41, HEAP_START, 0x0b]]) : undefined,
    exportSection(exports),
    codeSection(hasMemory ? [body, REALLOC_BODY, RESET_BODY] : [body]),
  ]);
  return { bytes, hasMemory, borrows: borrows.map((item) => item.resource) };
}

interface BorrowedParam {
  /** Its place among the flat parameters. */
  readonly at: number;
  readonly resource: Borrowed['resource'];
}

/** The flat parameters that are borrowed handles; undefined if there are others that stand in memory or in one case only. */
function borrowsOf(type: FuncType): readonly BorrowedParam[] | undefined {
  const found: BorrowedParam[] = [];
  let at = 0;
  let known = true;
  const visit = (value: ValueType): void => {
    if (value.kind === 'record') for (const field of value.fields) visit(field.type);
    else if (value.kind === 'tuple') for (const part of value.types) visit(part);
    else {
      if (value.kind === 'borrow') found.push({ at, resource: value.resource });
      else if (layoutOf(value).hasBorrow) known = false;
      at += flatten(value).length;
    }
  };
  for (const param of type.params) visit(param.type);
  const spilled = at > flattenFunc(type, 'lift').params.length;
  return known && !(spilled && found.length > 0) ? found : undefined;
}

/** Calls function 0, and drops what was borrowed. A result that needs room is put where `realloc` says. */
function forwardBody(parts: {
  params: number;
  resultBytes: number | undefined;
  realloc: number;
  borrows: readonly number[];
}): Emitter {
  const { params, resultBytes, realloc, borrows } = parts;
  const body = new Emitter();
  const result = params;
  body.u8(...(resultBytes === undefined ? [0] : [1, 1, NUMBER_TYPES.i32]));
  if (resultBytes !== undefined) {
    for (const constant of [0, 0, 8, resultBytes]) {
      body.u8(0x41);
      body.s32(constant);
    }
    body.u8(0x10);
    body.u32(realloc);
    body.u8(0x21, result);
  }
  for (let index = 0; index < params; index++) body.u8(0x20, index);
  if (resultBytes !== undefined) body.u8(0x20, result);
  body.u8(0x10, 0);
  for (const [nth, at] of borrows.entries()) body.u8(0x20, at, 0x10, 1 + nth);
  if (resultBytes !== undefined) body.u8(0x20, result);
  body.u8(0x0b);
  return body;
}

const REALLOC: CoreFuncType = { params: ['i32', 'i32', 'i32', 'i32'], results: ['i32'] };

/**
 * Takes the next bytes that are aligned, and grows the memory if it has to:
 *
 *     result = (next + align − 1) & −align     next = result + size     unreachable if that is above 2^32 − 2^16
 *     pages = (next + 0xffff) >>> 16           unreachable if the memory cannot have as many
 */
const REALLOC_BODY = codeOf([
  ...[1, 2, NUMBER_TYPES.i32], // locals 4, result, and 5, pages
  ...[0x23, 0, 0x20, 2, 0x6a, 0x41, 1, 0x6b, 0x41, 0, 0x20, 2, 0x6b, 0x71, 0x22, 4],
  ...[0x20, 3, 0x6a, 0x24, 0],
  ...[0x23, 0, 0x20, 4, 0x49, 0x23, 0, 0x41, 0x80, 0x80, 0x7c, 0x4b, 0x72, 0x04, EMPTY_BLOCK, 0x00, 0x0b],
  ...[0x23, 0, 0x41, 0xff, 0xff, 0x03, 0x6a, 0x41, 16, 0x76, 0x21, 5],
  ...[0x20, 5, 0x3f, 0, 0x4b, 0x04, EMPTY_BLOCK],
  ...[0x20, 5, 0x3f, 0, 0x6b, 0x40, 0, 0x41, 0x7f, 0x46, 0x04, EMPTY_BLOCK, 0x00, 0x0b, 0x0b],
  ...[0x20, 4, 0x0b],
]);

/** What stood in memory for a call is not needed after it. */
const RESET_BODY = codeOf([0, 0x41, HEAP_START, 0x24, 0, 0x0b]);

// ── encoding ──

function codeOf(bytes: readonly number[]): Emitter {
  const code = new Emitter();
  code.u8(...bytes);
  return code;
}

interface Section {
  readonly id: number;
  readonly content: Emitter;
}

function moduleOf(sections: readonly (Section | undefined)[]): Uint8Array {
  const out = new Emitter();
  out.u8(0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00);
  for (const section of sections) if (section !== undefined) out.section(section.id, section.content);
  return out.take();
}

function vectorSection(id: number, items: readonly (readonly number[])[]): Section {
  const content = new Emitter();
  content.u32(items.length);
  for (const item of items) content.u8(...item);
  return { id, content };
}

function typeSection(types: readonly CoreFuncType[]): Section {
  const numbers = (list: CoreFuncType['params']) => list.map((type) => NUMBER_TYPES[type as keyof typeof NUMBER_TYPES]);
  const items = types.map(({ params, results }) => {
    return [0x60, params.length, ...numbers(params), results.length, ...numbers(results)];
  });
  return vectorSection(SECTION.type, items);
}

/** Imports of functions, by their types. */
function importSection(types: readonly number[]): Section {
  const content = new Emitter();
  content.u32(types.length);
  for (const [at, type] of types.entries()) {
    content.name('');
    content.name(String(at));
    content.u8(FUNC);
    content.u32(type);
  }
  return { id: SECTION.import, content };
}

function exportSection(exports: readonly { name: string; kind: number; index: number }[]): Section {
  const content = new Emitter();
  content.u32(exports.length);
  for (const { name, kind, index } of exports) {
    content.name(name);
    content.u8(kind);
    content.u32(index);
  }
  return { id: SECTION.export, content };
}

function codeSection(bodies: readonly Emitter[]): Section {
  const content = new Emitter();
  content.u32(bodies.length);
  for (const body of bodies) {
    content.u32(body.length);
    content.append(body);
  }
  return { id: SECTION.code, content };
}
