import { RuntimeError } from '../../errors/index.ts';
import type { Cursor } from './bytes.ts';
import type { FunctionType } from './core-module.ts';
import { FLOW, FLOWS } from './flow.ts';
import type { Visitor } from './instructions.ts';

/**
 * What V8 is given to compile. It compiles a function on the thread that calls it first, and no deadline ends that; and where
 * control flows together it goes over everything that the function holds, some 40 ns each. So a function of 20 KB could
 * hold its thread for ten seconds. The largest guests of today need a third of each of these at most.
 */
export const CODE_LIMITS = {
  /** Parameters and results of the types of a module together. */
  signatures: 1_000_000,
  /** Functions of a module. */
  functions: 100_000,
  /** Bytes of one function. */
  bodyBytes: 1_048_576,
  /** Parameters and locals of one function. */
  locals: 10_000,
  /** Parameters and locals of all functions of a module together. */
  localsTogether: 4_000_000,
  /** Blocks inside of each other. */
  depth: 20_000,
  /** Targets of one `br_table`. */
  targets: 20_000,
  /** Locals and operands of one function, counted at each place where control branches or flows together. */
  joins: 4_000_000,
} as const;

/** How the bounds are called in messages. */
const TITLES: Readonly<Record<keyof typeof CODE_LIMITS, string>> = {
  signatures: 'parameters and results in its types together',
  functions: 'functions',
  bodyBytes: 'bytes in one function',
  locals: 'locals in one function',
  localsTogether: 'locals in its functions together',
  depth: 'blocks inside of each other',
  targets: 'targets of one branch table',
  joins: 'locals and operands at the branches of one function',
};

/** Refuses code that has more of something than it may. */
export function checkCode(limit: keyof typeof CODE_LIMITS, found: number): void {
  if (found <= CODE_LIMITS[limit]) return;
  throw new RuntimeError(
    'COMPONENT_LIMIT',
    `Cannot admit the component: a core module has ${found} ${TITLES[limit]}, and ${CODE_LIMITS[limit]} is the limit; split it into smaller functions or modules`,
    { details: { limit: `code.${limit}`, limitCount: CODE_LIMITS[limit], found } },
  );
}

/** Refuses types that are long lists: decoding them takes a thread longer than they are worth. */
export function withFewTypes<Module extends { readonly types: readonly FunctionType[] }>(module: Module): Module {
  checkCode(
    'signatures',
    module.types.reduce((sum, { params, results }) => sum + params.length + results.length, 0),
  );
  return module;
}

/**
 * By how much the stack grows, by opcode, where it is not by types or targets. Where several instructions share a
 * number the largest counts: what is estimated is never less than what is there.
 */
const GROWTH_OF: readonly (readonly [first: number, last: number, growth: number])[] = [
  [0x04, 0x04, -1], // if
  [0x0d, 0x0d, -1], // br_if
  [0x11, 0x11, -1], // call_indirect, besides its type
  [0x14, 0x14, -1], // call_ref, besides its type
  [0x1a, 0x1a, -1], // drop
  [0x1b, 0x1c, -2], // select
  [0x20, 0x20, 1], // local.get
  [0x21, 0x21, -1], // local.set
  [0x23, 0x23, 1], // global.get
  [0x24, 0x24, -1], // global.set
  [0x26, 0x26, -2], // table.set
  [0x36, 0x3e, -2], // stores
  [0x3f, 0x3f, 1], // memory.size
  [0x41, 0x44, 1], // constants
  [0x46, 0x4f, -1], // comparisons and arithmetic of two operands
  [0x51, 0x66, -1],
  [0x6a, 0x78, -1],
  [0x7c, 0x8a, -1],
  [0x92, 0x98, -1],
  [0xa0, 0xa6, -1],
  [0xd0, 0xd0, 1], // ref.null
  [0xd2, 0xd2, 1], // ref.func
];
const GROWTHS = new Int8Array(256);
for (const [first, last, growth] of GROWTH_OF) GROWTHS.fill(growth, first, last + 1);

const PREFIX_VECTOR = 0xfd;
const TABLE_GROW = 15;
const TABLE_SIZE = 16;
const V128_CONST = 12;
const EMPTY_BLOCK = 0x40;

/** The types that instructions name. */
export interface TypesOfCode {
  readonly types: readonly FunctionType[];
  /** Type index of each function. */
  readonly functionTypes: readonly number[];
}

/** Adds up what compiling a body takes, and refuses it while it is read. */
export class Complexity implements Visitor {
  readonly #module: TypesOfCode;
  readonly #next: Visitor | undefined;
  #localsTogether = 0;
  #locals = 0;
  #height = 0;
  #joins = 0;
  /** Of each open block: the height below its parameters, where it begins, and behind its end. */
  #bases: number[] = [];
  #starts: number[] = [];
  #afters: number[] = [];
  /** What a handler finds on the stack at most. */
  readonly #caughtMax: number;

  /** @param next Is told of each instruction too. */
  constructor(module: TypesOfCode, next: Visitor | undefined) {
    this.#module = module;
    this.#next = next;
    this.#caughtMax = module.types.reduce((most, { params }) => Math.max(most, params.length), 0);
  }

  /** Begins a body of so many bytes, with so many parameters and locals. */
  begin(bytes: number, locals: number): void {
    checkCode('bodyBytes', bytes);
    checkCode('locals', locals);
    this.#localsTogether += locals;
    checkCode('localsTogether', this.#localsTogether);
    this.#locals = locals;
    this.#height = 0;
    this.#joins = 0;
    this.#bases = [0];
    this.#starts = [0];
    this.#afters = [0];
  }

  visit(opcode: number, at: number, cursor: Cursor): void {
    this.#height += GROWTHS[opcode] as number;
    if (FLOWS[opcode] !== FLOW.next) this.#follow(opcode, cursor.bytes, at + 1);
    else if (opcode === PREFIX_VECTOR && numberAt(cursor.bytes, at + 1) === V128_CONST) this.#height++;
    this.#next?.visit(opcode, at, cursor);
  }

  #follow(opcode: number, bytes: Uint8Array, at: number): void {
    switch (FLOWS[opcode]) {
      case FLOW.block:
      case FLOW.loop:
      case FLOW.if:
      case FLOW.try:
      case FLOW.tryTable:
        this.#open(bytes, at);
        return;
      case FLOW.else:
        this.#height = this.#starts.at(-1) as number;
        this.#join();
        return;
      case FLOW.catch:
        this.#height = (this.#bases.at(-1) as number) + this.#caughtMax;
        this.#join();
        return;
      case FLOW.end:
      case FLOW.delegate:
        this.#height = this.#afters.pop() as number;
        this.#bases.pop();
        this.#starts.pop();
        this.#join();
        return;
      case FLOW.branch:
      case FLOW.branchIf:
        this.#join();
        return;
      case FLOW.branchTable:
        this.#joinAll(numberAt(bytes, at) + 1);
        return;
      case FLOW.call:
        this.#call(opcode, bytes, at);
        return;
      case FLOW.prefixed:
        this.#bulk(numberAt(bytes, at));
    }
    // Code without a way to it may take from the stack what is not there.
    this.#height = Math.max(this.#height, this.#bases.at(-1) as number);
  }

  #open(bytes: Uint8Array, at: number): void {
    const first = bytes[at] as number;
    let [params, results] = [0, first === EMPTY_BLOCK ? 0 : 1];
    // One byte below 0x40, or several: the index of a type; else the type of one result.
    if (first < EMPTY_BLOCK || first >= 0x80) {
      const type = this.#module.types[numberAt(bytes, at)];
      params = type?.params.length ?? 0;
      results = type?.results.length ?? 1;
    }
    const base = Math.max(this.#height - params, this.#bases.at(-1) as number);
    this.#bases.push(base);
    this.#starts.push(base + params);
    this.#afters.push(base + results);
    checkCode('depth', this.#bases.length);
    this.#join();
  }

  #call(opcode: number, bytes: Uint8Array, at: number): void {
    const index = numberAt(bytes, at);
    const type = this.#module.types[opcode === 0x10 ? (this.#module.functionTypes[index] ?? -1) : index];
    this.#height += (type?.results.length ?? 0) - (type?.params.length ?? 0);
  }

  #bulk(opcode: number): void {
    if (opcode < 8) return;
    if (opcode === TABLE_SIZE) this.#height++;
    else if (opcode === TABLE_GROW) this.#height--;
    else if (opcode !== 9 && opcode !== 13) this.#height -= 3;
  }

  #join(): void {
    this.#joinAll(1);
  }

  #joinAll(count: number): void {
    if (count > 1) checkCode('targets', count - 1);
    this.#joins += count * (1 + this.#locals + Math.max(0, this.#height));
    checkCode('joins', this.#joins);
  }
}

/** An unsigned number that was found to be well-formed. */
function numberAt(bytes: Uint8Array, at: number): number {
  let result = 0;
  for (let place = at, shift = 0; ; place++, shift += 7) {
    const byte = bytes[place] as number;
    result |= (byte & 0x7f) << shift;
    if (byte < 0x80) return result >>> 0;
  }
}
