import { type Cursor, Emitter } from './bytes.ts';
import { Complexity, checkCode, type TypesOfCode } from './complexity.ts';
import { type ExpressionFacts, FunctionUses, skipValueType, visitExpression } from './instructions.ts';
import { bulkMultiplies, bulkShift, INSERT, isBulkWide, Meter, type WideIndices } from './metering.ts';

/** Bytes of code that are rewritten between two chances to do other work: about 2 ms. */
const SLICE_BYTES = 128 * 1024;

const OP = {
  if: 0x04,
  end: 0x0b,
  call: 0x10,
  localGet: 0x20,
  localSet: 0x21,
  localTee: 0x22,
  globalGet: 0x23,
  globalSet: 0x24,
  i32Const: 0x41,
  i64Const: 0x42,
  i32LtS: 0x48,
  i32Sub: 0x6b,
  i32And: 0x71,
  i32WrapI64: 0xa7,
  refFunc: 0xd2,
} as const;
/** Shifts of 32 and 64 bits, to the left and to the right. */
const SHIFT = { multiply: { narrow: 0x74, wide: 0x86 }, divide: { narrow: 0x76, wide: 0x88 } } as const;
const EMPTY_BLOCK = 0x40;
const I32 = 0x7f;
const I64 = 0x7e;

/** Units that one bulk instruction costs at most: what is longer traps by itself, and the fuel must not overflow. */
const BULK_UNITS_MAX = 0x3fff_ffff;

/** Where the fuel of a module is, by the indices that the rewritten module has. */
export interface FuelPlan {
  /** A mutable `i32` global: units that are left, below zero when more is needed. */
  readonly global: number;
  /** A function without parameters and results that gets more, or does not return. */
  readonly refuel: number;
  readonly wide: WideIndices;
  /** Index of a function that grows a memory, and tells the host if that is refused. */
  grower(memory: number): number;
}

/** What the rewriting of code has to know of its module. */
export interface CodePlan {
  readonly module: TypesOfCode;
  readonly facts: ExpressionFacts;
  /** Undefined: nothing is charged. */
  readonly fuel: FuelPlan | undefined;
  /** The new index of the first function that has a body. */
  readonly firstDefined: number;
  /** The new index of a function; throws if there is none of that index. */
  newIndex(func: number): number;
  /** Parameters of the module's own function number `nth`. */
  paramCount(nth: number): number;
}

/** Locals that a body gets besides its own. */
interface Added {
  /** Holds the fuel; −1: it stays in its global. */
  fuel: number;
  /** Holds the length of a bulk instruction, by its width. */
  length: number;
  lengthWide: number;
}

/** Rewrites the bodies of a module's functions: new function indices, and charges of fuel. */
export class CodeRewriter {
  /** Functions, by their new indices, that code takes references of. */
  readonly referenced = new Set<number>();
  readonly #plan: CodePlan;
  readonly #meter: Meter | undefined;
  readonly #complexity: Complexity;
  readonly #uses = new FunctionUses();
  /** The body being written: its size stands before it. */
  readonly #body = new Emitter(4096);
  readonly #hints = new BranchHints();
  #added: Added = { fuel: -1, length: -1, lengthWide: -1 };

  constructor(plan: CodePlan) {
    this.#plan = plan;
    this.#meter = plan.fuel && new Meter(plan.fuel.wide);
    this.#complexity = new Complexity(plan.module, this.#meter);
  }

  /** Rewrites `count` bodies, one after the other, into `into`. */
  *bodies(cursor: Cursor, count: number, into: Emitter): Generator<undefined, undefined> {
    checkCode('functions', count);
    let sliceStart = cursor.at;
    for (let nth = 0; nth < count; nth++) {
      this.#rewrite(cursor, this.#plan.paramCount(nth), into);
      this.#hints.endFunction(this.#plan.firstDefined + nth);
      if (cursor.at - sliceStart < SLICE_BYTES) continue;
      sliceStart = cursor.at;
      yield;
    }
    if (cursor.at !== cursor.end) cursor.fail('section is longer than what it holds');
    return undefined;
  }

  /** Content of a custom section that stands before the code; undefined if there is nothing to say. */
  get branchHints(): Emitter | undefined {
    return this.#hints.section();
  }

  #rewrite(cursor: Cursor, paramCount: number, into: Emitter): void {
    const size = cursor.u32();
    const start = cursor.at;
    if (size > cursor.end - start) cursor.fail('body is longer than its section');
    const sectionEnd = cursor.end;
    cursor.end = start + size;
    const groups = cursor.u32();
    const groupsAt = cursor.at;
    let locals = paramCount;
    for (let left = groups; left > 0; left--) {
      locals += cursor.u32();
      skipValueType(cursor, this.#plan.facts.typeCount);
    }
    const codeAt = cursor.at;
    this.#complexity.begin(size, locals);
    this.#plan.facts.localCount = locals;
    this.#meter?.begin(codeAt, locals);
    this.#walk(cursor);
    if (cursor.at !== cursor.end) cursor.fail('body is longer than its expression');
    const codeEnd = cursor.end;
    cursor.end = sectionEnd;
    this.#body.length = 0;
    const added = this.#addLocals(locals);
    this.#body.u32(groups + added.length);
    this.#body.copy(cursor.bytes, groupsAt, codeAt);
    for (const type of added) this.#body.u8(1, type);
    this.#copyCode(cursor.bytes, codeAt, codeEnd);
    into.u32(this.#body.length);
    into.append(this.#body);
  }

  #walk(cursor: Cursor): void {
    const uses = this.#uses;
    uses.reset();
    const { facts } = this.#plan;
    visitExpression(cursor, { uses, facts }, this.#complexity);
    for (let nth = 0; nth < uses.count; nth++) {
      if (cursor.bytes[uses.start(nth) - 1] === OP.refFunc) {
        this.referenced.add(this.#plan.newIndex(uses.index(nth)));
      }
    }
  }

  /** Types of the locals that the body needs; their places are noted. */
  #addLocals(first: number): number[] {
    const types: number[] = [];
    const add = (isNeeded: boolean, type: number): number => (isNeeded ? first + types.push(type) - 1 : -1);
    const meter = this.#meter;
    if (meter === undefined) return types;
    this.#added = {
      fuel: add(meter.keepsLocal, I32),
      length: add(meter.hasBulkOf(false), I32),
      lengthWide: add(meter.hasBulkOf(true), I64),
    };
    return types;
  }

  /** Copies code, with new indices of functions in place of the old ones, and what the meter inserts between. */
  #copyCode(bytes: Uint8Array, from: number, to: number): void {
    const uses = this.#uses;
    const meter = this.#meter;
    const inserted = meter?.count ?? 0;
    let nextInsert = 0;
    let at = from;
    for (let nth = 0; nth <= uses.count; nth++) {
      const until = nth < uses.count ? uses.start(nth) : to;
      while (meter !== undefined && nextInsert < inserted && meter.place(nextInsert) <= until) {
        this.#body.copy(bytes, at, meter.place(nextInsert));
        at = this.#insert(meter, nextInsert++, bytes);
      }
      this.#body.copy(bytes, at, until);
      if (nth === uses.count) return;
      this.#body.u32(this.#plan.newIndex(uses.index(nth)));
      at = uses.end(nth);
    }
  }

  /** Gives the place from where the code goes on. */
  #insert(...[meter, nth, bytes]: [Meter, number, Uint8Array]): number {
    const value = meter.value(nth);
    const place = meter.place(nth);
    switch (meter.kind(nth)) {
      case INSERT.charge:
        this.#charge(meter.charge(value));
        break;
      case INSERT.bulk:
        this.#chargeLength(value);
        break;
      case INSERT.store:
        this.#store();
        break;
      case INSERT.load:
        this.#load();
        break;
      case INSERT.grow:
        this.#body.u8(OP.call);
        this.#body.u32((this.#plan.fuel as FuelPlan).grower(value));
        return behindNumber(bytes, place + 1);
    }
    return place;
  }

  /** `fuel −= units`, and more is got if that is less than none. */
  #charge(units: number): void {
    if (units === 0) return;
    this.#getFuel();
    this.#body.u8(OP.i32Const);
    this.#body.s32(units);
    this.#spend();
  }

  /** The same for the length on top of the stack, which stays there. */
  #chargeLength(value: number): void {
    const body = this.#body;
    const isWide = isBulkWide(value);
    const local = isWide ? this.#added.lengthWide : this.#added.length;
    body.u8(OP.localTee);
    body.u32(local);
    this.#getFuel();
    body.u8(OP.localGet);
    body.u32(local);
    const shift = bulkMultiplies(value) ? SHIFT.multiply : SHIFT.divide;
    body.u8(isWide ? OP.i64Const : OP.i32Const, bulkShift(value), isWide ? shift.wide : shift.narrow);
    if (isWide) body.u8(OP.i32WrapI64);
    body.u8(OP.i32Const);
    body.s32(BULK_UNITS_MAX);
    body.u8(OP.i32And);
    this.#spend();
  }

  #getFuel(): void {
    const { fuel } = this.#added;
    this.#body.u8(fuel === -1 ? OP.globalGet : OP.localGet);
    this.#body.u32(fuel === -1 ? (this.#plan.fuel as FuelPlan).global : fuel);
  }

  /** Takes the units on top of the stack from the fuel below them. */
  #spend(): void {
    const { global, refuel } = this.#plan.fuel as FuelPlan;
    const { fuel } = this.#added;
    const body = this.#body;
    body.u8(OP.i32Sub);
    if (fuel === -1) {
      body.u8(OP.globalSet);
      body.u32(global);
      this.#getFuel();
    } else {
      body.u8(OP.localTee);
      body.u32(fuel);
    }
    body.u8(OP.i32Const, 0, OP.i32LtS);
    this.#hints.unlikely(body.length);
    body.u8(OP.if, EMPTY_BLOCK);
    this.#store();
    body.u8(OP.call);
    body.u32(refuel);
    this.#load();
    body.u8(OP.end);
  }

  /** Puts the fuel where others find it, if it is in a local. */
  #store(): void {
    const { fuel } = this.#added;
    if (fuel === -1) return;
    this.#body.u8(OP.localGet);
    this.#body.u32(fuel);
    this.#body.u8(OP.globalSet);
    this.#body.u32((this.#plan.fuel as FuelPlan).global);
  }

  #load(): void {
    const { fuel } = this.#added;
    if (fuel === -1) return;
    this.#body.u8(OP.globalGet);
    this.#body.u32((this.#plan.fuel as FuelPlan).global);
    this.#body.u8(OP.localSet);
    this.#body.u32(fuel);
  }
}

/** Where a number ends that begins at `at`; it was found to be well-formed. */
function behindNumber(bytes: Uint8Array, at: number): number {
  let end = at;
  while ((bytes[end] as number) >= 0x80) end++;
  return end + 1;
}

/**
 * Says which branches are unlikely, so that V8 keeps what a loop needs in registers across them. The section is one of the
 * branch hinting proposal; a V8 that does not know it passes over it.
 */
class BranchHints {
  readonly #functions = new Emitter();
  readonly #ofFunction = new Emitter();
  #functionCount = 0;
  #count = 0;

  /** The branch at `offset` from where the locals of the body begin. */
  unlikely(offset: number): void {
    this.#ofFunction.u32(offset);
    this.#ofFunction.u8(1, 0);
    this.#count++;
  }

  endFunction(index: number): void {
    if (this.#count === 0) return;
    this.#functions.u32(index);
    this.#functions.u32(this.#count);
    this.#functions.append(this.#ofFunction);
    this.#functionCount++;
    this.#ofFunction.length = 0;
    this.#count = 0;
  }

  section(): Emitter | undefined {
    if (this.#functionCount === 0) return undefined;
    const content = new Emitter(this.#functions.length + 64);
    content.name('metadata.code.branch_hint');
    content.u32(this.#functionCount);
    content.append(this.#functions);
    return content;
  }
}

/** Copies `from` to `to` of `bytes` with new function indices: of code that only initialises, and costs no fuel. */
export function copyPatched(
  { bytes, from, to }: { readonly bytes: Uint8Array; readonly from: number; readonly to: number },
  uses: FunctionUses,
  { into, newIndex }: { readonly into: Emitter; readonly newIndex: (func: number) => number },
): void {
  let at = from;
  for (let nth = 0; nth < uses.count; nth++) {
    into.copy(bytes, at, uses.start(nth));
    into.u32(newIndex(uses.index(nth)));
    at = uses.end(nth);
  }
  into.copy(bytes, at, to);
}
