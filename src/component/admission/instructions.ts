import { RuntimeError } from '../../errors/index.ts';
import type { Cursor } from './bytes.ts';

/** Patches found in one expression: triples of (start, end, function index as it was). Reused between bodies. */
export class FunctionUses {
  private items = new Int32Array(256);
  count = 0;

  reset(): void {
    this.count = 0;
  }

  add(start: number, end: number, index: number): void {
    const base = this.count * 3;
    if (base + 3 > this.items.length) {
      const grown = new Int32Array(this.items.length * 2);
      grown.set(this.items);
      this.items = grown;
    }
    this.items[base] = start;
    this.items[base + 1] = end;
    this.items[base + 2] = index;
    this.count++;
  }

  start(nth: number): number {
    return this.items[nth * 3] as number;
  }

  end(nth: number): number {
    return this.items[nth * 3 + 1] as number;
  }

  index(nth: number): number {
    return this.items[nth * 3 + 2] as number;
  }
}

/** How many of a kind there are before any are appended. An index beyond them could become valid, and is refused. */
export interface IndexSpaces {
  readonly typeCount: number;
  readonly globalCount: number;
  readonly elementCount: number;
  /** Of the function at hand, parameters included. */
  localCount: number;
}

/** What an expression may use, and what it uses beyond plain instructions. */
export interface ExpressionFacts extends IndexSpaces {
  usesLegacyExceptions: boolean;
  /** Changes a table, or drops a segment: what nobody but the module's own code can see or undo. */
  changesTables: boolean;
  usesExceptionReferences: boolean;
}

/** Passes over the immediates of one instruction. */
type Skip = (cursor: Cursor, facts: ExpressionFacts) => void;

function unsupported(cursor: Cursor, what: string): never {
  throw new RuntimeError('COMPONENT_UNSUPPORTED', `Core module uses ${what} at byte ${cursor.at}`, {
    details: { offset: cursor.at, feature: what },
  });
}

/** Passes over a value type; 0x63 and 0x64 are references with a heap type. Gives its first byte. */
export function skipValueType(cursor: Cursor, typeCount = Number.POSITIVE_INFINITY): number {
  const byte = cursor.u8();
  if (byte === 0x63 || byte === 0x64) skipHeapType(cursor, typeCount);
  return byte;
}

/** A type of the module, or below 0 one that there always is. */
function skipHeapType(cursor: Cursor, typeCount: number): void {
  const type = cursor.s33();
  if (type >= typeCount) cursor.fail(`type ${type} of ${typeCount}`);
}

const none: Skip = () => undefined;
/** An index, a label or a 32-bit constant. */
const index: Skip = (cursor) => cursor.skipLeb(5);
const twoIndices: Skip = (cursor) => {
  cursor.skipLeb(5);
  cursor.skipLeb(5);
};
const wide: Skip = (cursor) => cursor.skipLeb(10);
const bytes =
  (count: number): Skip =>
  (cursor) =>
    cursor.skip(count);
const heapType: Skip = (cursor, { typeCount }) => skipHeapType(cursor, typeCount);
const within =
  (what: string, count: keyof IndexSpaces): Skip =>
  (cursor, facts) => {
    const found = cursor.u32();
    if (found >= facts[count]) cursor.fail(`${what} ${found} of ${facts[count]}`);
  };
const typeIndex = within('type', 'typeCount');
const localIndex = within('local', 'localCount');
const globalIndex = within('global', 'globalCount');
const elementIndex = within('element segment', 'elementCount');
const elementAndTable: Skip = (cursor, facts) => {
  elementIndex(cursor, facts);
  cursor.skipLeb(5);
};
const typeAndIndex: Skip = (cursor, facts) => {
  typeIndex(cursor, facts);
  cursor.skipLeb(5);
};
const blockType: Skip = (cursor, facts) => {
  const byte = cursor.bytes[cursor.at] as number;
  if (byte === 0x63 || byte === 0x64) skipValueType(cursor, facts.typeCount);
  else skipHeapType(cursor, facts.typeCount);
};
const memoryArgument: Skip = (cursor) => {
  const flags = cursor.u32();
  if (flags >= 0x80) cursor.fail('memory argument is malformed');
  if (flags & 0x40) cursor.u32();
  cursor.skipLeb(10);
};
const memoryArgumentAndLane: Skip = (cursor, facts) => {
  memoryArgument(cursor, facts);
  cursor.skip(1);
};
const branchTable: Skip = (cursor) => {
  for (let count = cursor.u32(); count >= 0; count--) cursor.skipLeb(5);
};
const typedSelect: Skip = (cursor, { typeCount }) => {
  for (let count = cursor.u32(); count > 0; count--) skipValueType(cursor, typeCount);
};
const tryTable: Skip = (cursor, facts) => {
  blockType(cursor, facts);
  for (let count = cursor.u32(); count > 0; count--) {
    const kind = cursor.u8();
    if (kind > 3) cursor.fail('catch clause is malformed');
    if (kind < 2) cursor.u32();
    cursor.u32();
  }
};

const changesTable =
  (skip: Skip): Skip =>
  (cursor, facts) => {
    facts.changesTables = true;
    skip(cursor, facts);
  };

/** Instructions after 0xfc: saturating conversions, bulk memory, tables. */
const MISC: readonly Skip[] = [
  ...new Array<Skip>(8).fill(none),
  ...[twoIndices, changesTable(index), twoIndices, index], // memory.init, data.drop, memory.copy, memory.fill
  ...[changesTable(elementAndTable), changesTable(elementIndex), changesTable(twoIndices)], // table.init, elem.drop, table.copy
  ...[changesTable(index), index, changesTable(index)], // table.grow, table.size, table.fill
];
/** Names for those after 0xfc that are refused on purpose. */
const REFUSED_MISC: Readonly<Record<number, string>> = {
  18: 'memory control',
  19: 'wide arithmetic',
  20: 'wide arithmetic',
  21: 'wide arithmetic',
  22: 'wide arithmetic',
};
const misc: Skip = (cursor, facts) => {
  const opcode = cursor.u32();
  const skip = MISC[opcode];
  if (skip === undefined) unsupported(cursor, REFUSED_MISC[opcode] ?? `the instruction 0xfc ${opcode}`);
  skip(cursor, facts);
};

/** Last opcode of the vector instructions, relaxed ones included. */
const SIMD_LAST = 0x113;
const vector: Skip = (cursor, facts) => {
  const opcode = cursor.u32();
  if (opcode > SIMD_LAST) unsupported(cursor, `the vector instruction 0x${opcode.toString(16)}`);
  if (opcode <= 11 || opcode === 92 || opcode === 93) memoryArgument(cursor, facts);
  else if (opcode === 12 || opcode === 13) cursor.skip(16);
  else if (opcode >= 21 && opcode <= 34) cursor.skip(1);
  else if (opcode >= 84 && opcode <= 91) memoryArgumentAndLane(cursor, facts);
};

/**
 * Opcodes of WebAssembly that may be run, with their immediates. What is not listed is refused: an allow-list, so that
 * a new proposal in V8 opens nothing here by itself. One whose effects last anywhere but in memories and globals is marked
 * by {@link changesTable}.
 */
const ALLOWED: readonly (readonly [first: number, last: number, skip: Skip | 'function'])[] = [
  [0x00, 0x01, none], // unreachable, nop
  [0x02, 0x04, blockType], // block, loop, if
  [0x05, 0x05, none], // else
  [0x06, 0x06, blockType], // try
  [0x07, 0x09, index], // catch, throw, rethrow
  [0x0a, 0x0b, none], // throw_ref, end
  [0x0c, 0x0d, index], // br, br_if
  [0x0e, 0x0e, branchTable],
  [0x0f, 0x0f, none], // return
  [0x10, 0x10, 'function'], // call
  [0x11, 0x11, typeAndIndex], // call_indirect
  [0x12, 0x12, 'function'], // return_call
  [0x13, 0x13, typeAndIndex], // return_call_indirect
  [0x14, 0x15, typeIndex], // call_ref, return_call_ref
  [0x18, 0x18, index], // delegate
  [0x19, 0x1b, none], // catch_all, drop, select
  [0x1c, 0x1c, typedSelect],
  [0x1f, 0x1f, tryTable],
  [0x20, 0x22, localIndex], // local.*
  [0x23, 0x24, globalIndex], // global.*
  [0x25, 0x25, index], // table.get
  [0x26, 0x26, changesTable(index)], // table.set
  [0x28, 0x3e, memoryArgument], // loads and stores
  [0x3f, 0x41, index], // memory.size, memory.grow, i32.const
  [0x42, 0x42, wide], // i64.const
  [0x43, 0x43, bytes(4)],
  [0x44, 0x44, bytes(8)],
  [0x45, 0xc4, none], // numeric
  [0xd0, 0xd0, heapType], // ref.null
  [0xd1, 0xd1, none], // ref.is_null
  [0xd2, 0xd2, 'function'], // ref.func
  [0xd4, 0xd4, none], // ref.as_non_null
  [0xd5, 0xd6, index], // br_on_null, br_on_non_null
  [0xfc, 0xfc, misc],
  [0xfd, 0xfd, vector],
];
const SKIPS: (Skip | undefined)[] = new Array(256).fill(undefined);
const NAMES_FUNCTION = new Uint8Array(256);
for (const [first, last, skip] of ALLOWED) {
  for (let opcode = first; opcode <= last; opcode++) {
    SKIPS[opcode] = skip === 'function' ? none : skip;
    NAMES_FUNCTION[opcode] = skip === 'function' ? 1 : 0;
  }
}

/** Names for what is refused on purpose. */
const GARBAGE_COLLECTED = 'garbage-collected types (their memory could not be limited)';
const REFUSED: Readonly<Record<number, string>> = {
  211: GARBAGE_COLLECTED, // ref.eq
  224: 'stack switching', // cont.new
  225: 'stack switching', // cont.bind
  226: 'stack switching', // suspend
  227: 'stack switching', // resume
  228: 'stack switching', // resume_throw
  229: 'stack switching', // resume_throw_ref
  230: 'stack switching', // switch
  251: GARBAGE_COLLECTED,
  254: 'threads and atomics',
};

/** Structured control and exceptions stand up to it; everything beyond leaves the nesting as it is. */
const LAST_CONTROL = 0x1f;
const LEGACY = new Set([0x06, 0x07, 0x09, 0x18, 0x19]);
const REFERENCES = new Set([0x0a, 0x1f]);

/** Opcodes that open a block that `end` (or `delegate`) closes. */
function opens(opcode: number): boolean {
  return (opcode >= 0x02 && opcode <= 0x04) || opcode === 0x06 || opcode === 0x1f;
}

/** Is told of each instruction: its opcode is at `at`, and `cursor` is behind it. */
export interface Visitor {
  visit(opcode: number, at: number, cursor: Cursor): void;
}

/**
 * Walks one expression up to and including the `end` that closes it, and records every place that names a function.
 * Types are not checked: V8 validates what comes out.
 */
export function walkExpression(cursor: Cursor, uses: FunctionUses, facts: ExpressionFacts): void {
  let depth = 1;
  while (depth > 0) depth += walkInstruction(cursor, uses, facts);
}

/** As {@link walkExpression}, and tells `visitor` of each instruction. */
export function visitExpression(cursor: Cursor, { uses, facts }: Walk, visitor: Visitor): void {
  let depth = 1;
  while (depth > 0) {
    const { at } = cursor;
    depth += walkInstruction(cursor, uses, facts);
    visitor.visit(cursor.bytes[at] as number, at, cursor);
  }
}

/** What a walk gathers. */
export interface Walk {
  readonly uses: FunctionUses;
  readonly facts: ExpressionFacts;
}

/** Passes over one instruction. Returns by how much deeper the nesting is after it. */
function walkInstruction(cursor: Cursor, uses: FunctionUses, facts: ExpressionFacts): number {
  const opcode = cursor.u8();
  const skip = SKIPS[opcode];
  if (skip === undefined) {
    unsupported(cursor, REFUSED[opcode] ?? `the instruction 0x${opcode.toString(16)}`);
  }
  if (NAMES_FUNCTION[opcode] === 1) {
    const start = cursor.at;
    const func = cursor.u32();
    uses.add(start, cursor.at, func);
  } else if (skip !== none) {
    skip(cursor, facts);
  }
  if (opcode > LAST_CONTROL) return 0;
  if (LEGACY.has(opcode)) facts.usesLegacyExceptions = true;
  else if (REFERENCES.has(opcode)) facts.usesExceptionReferences = true;
  if (opcode === 0x0b || opcode === 0x18) return -1;
  return opens(opcode) ? 1 : 0;
}
