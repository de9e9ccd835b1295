import type { Cursor } from './bytes.ts';
import { CALLEE_FREE_MAX, COSTS, FLOW, FLOWS, TABLE_GROW_UNITS } from './flow.ts';

/**
 * Units that may be charged with a stretch although they may not run then. More makes fewer charges; but an
 * interpreter, which is one loop around a hundred short arms, would pay for all of them each time around.
 */
const SLACK = 48;

/**
 * Parameters and locals that a call pays for. Each of the others costs a unit whenever the function begins, since V8 sets them
 * all to zero then: ten thousand take longer than a thousand instructions.
 */
const LOCALS_FREE = 32;

/** The stretch of code that no control reaches. What is charged to it is forgotten. */
const NOWHERE = 0;

/** The parent of a stretch that has none: it is charged by itself, or not at all. */
const NONE = -1;

/** What is put into a body, before the byte at which it stands. */
export const INSERT = {
  /** A charge; the value is its stretch. */
  charge: 0,
  /** What follows may look at the fuel, or leaves the function. */
  store: 1,
  /** What went before may have used fuel. */
  load: 2,
  /** A charge by the length on top of the stack; the value is a {@link bulkOf}. */
  bulk: 3,
  /** `memory.grow`, in whose place a call stands; the value is its memory. */
  grow: 4,
} as const;

/** How a bulk instruction is charged: its length, 64 bits wide or not, divided by a power of two or multiplied with it. */
function bulkOf(shift: BulkShift, isWide: boolean): number {
  const by = isWide ? shift.wide | BULK_WIDE : shift.narrow;
  return shift.multiplies ? by | BULK_MULTIPLIES : by;
}

interface BulkShift {
  readonly narrow: number;
  readonly wide: number;
  readonly multiplies: boolean;
}

const BULK_WIDE = 0x100;
const BULK_MULTIPLIES = 0x200;

export function bulkShift(value: number): number {
  return value & 0xff;
}

export function bulkMultiplies(value: number): boolean {
  return (value & BULK_MULTIPLIES) !== 0;
}

export function isBulkWide(value: number): boolean {
  return (value & BULK_WIDE) !== 0;
}

/**
 * Bytes that are copied or filled for a unit, as a power of two; 64-bit lengths are divided by more, so that the units of
 * the longest that a memory can have fit. An element of a table costs 16 units: V8 takes up to 40 ns for it.
 */
const BYTES_SHIFT: BulkShift = { narrow: 2, wide: 4, multiplies: false };
const ELEMENTS_SHIFT: BulkShift = { narrow: 4, wide: 4, multiplies: true };

/** Bulk instructions, by the number after 0xfc, and whose indices follow it. */
const BULK: Readonly<Record<number, { shift: BulkShift; of: (keyof WideIndices)[] }>> = {
  8: { shift: BYTES_SHIFT, of: [] }, // memory.init
  10: { shift: BYTES_SHIFT, of: ['memories', 'memories'] }, // memory.copy
  11: { shift: BYTES_SHIFT, of: ['memories'] }, // memory.fill
  12: { shift: ELEMENTS_SHIFT, of: [] }, // table.init
  14: { shift: ELEMENTS_SHIFT, of: ['tables', 'tables'] }, // table.copy
  17: { shift: ELEMENTS_SHIFT, of: ['tables'] }, // table.fill
};
const TABLE_GROW = 15;

/** Which memories and tables have 64-bit addresses. */
export interface WideIndices {
  readonly memories: readonly boolean[];
  readonly tables: readonly boolean[];
}

/** A construct of structured control that is open. */
interface Frame {
  flow: number;
  /** The stretch in which it was entered. */
  entry: number;
  /** Whether control may leave it for somewhere beyond its end. */
  exits: boolean;
  /** Of a loop: whether it calls functions. */
  calls: boolean;
}

/**
 * Finds out where fuel is charged in a function body, and how much. It is told of each instruction in turn.
 *
 * A *stretch* begins where control can arrive in more than one way, or may not arrive at all, and is charged as a whole
 * before it runs. The parent of a stretch runs whenever the stretch does, so that what is cheap can be charged there instead:
 *
 *     (func              stretch 1, of the function
 *       …  if            stretch 2, parent 1
 *            …
 *          end           stretch 3, parent 1: nothing else can follow, so it is exact there
 *       loop             stretch 4: without a parent, since it runs again and again
 */
export class Meter {
  /** Inserted so far, in the order of their places. */
  count = 0;
  private kinds = new Uint8Array(256);
  private places = new Uint32Array(256);
  private values = new Uint32Array(256);

  /** By stretch. */
  private costs = new Float64Array(128);
  private parents = new Int32Array(128);
  /** Units charged with a stretch that may not run then. */
  private absorbed = new Float64Array(128);
  /** Whether a stretch runs whenever its parent does. */
  private certain = new Uint8Array(128);
  private stretches = 0;
  private current = NOWHERE;

  private readonly frames: Frame[] = [];
  private depth = 0;
  private hasLoops = false;
  private hasCalls = false;
  private hasBulk = false;
  private hasHandlers = false;
  private hasQuickLoop = false;
  private readonly wide: WideIndices;

  constructor(wide: WideIndices) {
    this.wide = wide;
  }

  kind(nth: number): number {
    return this.kinds[nth] as number;
  }

  place(nth: number): number {
    return this.places[nth] as number;
  }

  value(nth: number): number {
    return this.values[nth] as number;
  }

  /** Units that are charged where `stretch` begins; 0: nothing is. */
  charge(stretch: number): number {
    return this.costs[stretch] as number;
  }

  /**
   * Whether the function should keep its fuel in a local: it has a loop that calls nothing, in which storing the fuel each
   * time around would take longer than the loop. Where exceptions are caught, nobody knows which of the two is right.
   */
  get keepsLocal(): boolean {
    return this.hasQuickLoop && !this.hasHandlers;
  }

  /** Whether anything is charged by length: 32 and 64 bits wide. */
  hasBulkOf(isWide: boolean): boolean {
    if (!this.hasBulk) return false;
    for (let nth = 0; nth < this.count; nth++) {
      if (this.kind(nth) === INSERT.bulk && isBulkWide(this.value(nth)) === isWide) return true;
    }
    return false;
  }

  /** Begins a body with so many parameters and locals, whose instructions begin at `at`. */
  begin(at: number, locals: number): void {
    this.count = 0;
    this.stretches = 1;
    this.costs[NOWHERE] = 0;
    this.parents[NOWHERE] = NONE;
    this.depth = 0;
    this.hasLoops = false;
    this.hasCalls = false;
    this.hasBulk = false;
    this.hasHandlers = false;
    this.hasQuickLoop = false;
    this.push(FLOW.block);
    // Nothing, where the fuel is in no local.
    this.insert(INSERT.load, at, 0);
    this.current = this.stretch(at, NONE);
    this.costs[this.current] = Math.max(0, locals - LOCALS_FREE);
  }

  /** An instruction: its opcode is at `at`, and `cursor` is behind it. */
  visit(opcode: number, at: number, cursor: Cursor): void {
    (this.costs[this.current] as number) += COSTS[opcode] as number;
    const flow = FLOWS[opcode] as number;
    if (flow !== FLOW.next) this.follow(flow, at, cursor);
  }

  private follow(flow: number, at: number, cursor: Cursor): void {
    switch (flow) {
      case FLOW.block:
      case FLOW.try:
      case FLOW.tryTable:
        this.push(flow);
        if (flow !== FLOW.block) this.catches();
        return;
      case FLOW.loop:
        this.hasLoops = true;
        this.push(flow);
        if (this.current !== NOWHERE) this.current = this.stretch(cursor.at, NONE);
        return;
      case FLOW.if:
        this.push(flow);
        this.current = this.stretch(cursor.at, this.current);
        return;
      case FLOW.else:
      case FLOW.catch:
        this.current = this.stretch(cursor.at, this.top.entry);
        return;
      case FLOW.end:
      case FLOW.delegate:
        this.pop(at, cursor.at);
        return;
      case FLOW.branch:
      case FLOW.branchIf:
        this.branch(new Targets(cursor.bytes, at + 1).next(), at);
        this.current = flow === FLOW.branch ? NOWHERE : this.stretch(cursor.at, this.current);
        return;
      case FLOW.branchTable:
        this.branchTable(at, cursor);
        return;
      default:
        this.leave(flow, at, cursor);
    }
  }

  /** Instructions that leave the function, for ever or until a callee returns; and bulk instructions. */
  private leave(flow: number, at: number, cursor: Cursor): void {
    switch (flow) {
      case FLOW.call:
        this.call();
        this.insert(INSERT.store, at, 0);
        this.insert(INSERT.load, cursor.at, 0);
        return;
      case FLOW.tailCall:
        this.call();
        this.exit(0);
        this.insert(INSERT.store, at, 0);
        this.current = NOWHERE;
        return;
      case FLOW.return:
        this.exit(0);
        this.insert(INSERT.store, at, 0);
        this.current = NOWHERE;
        return;
      case FLOW.throw:
        this.insert(INSERT.store, at, 0);
        this.current = NOWHERE;
        return;
      case FLOW.trap:
        this.current = NOWHERE;
        return;
      case FLOW.grow:
        this.grow(at, new Targets(cursor.bytes, at + 1).next());
        return;
      case FLOW.prefixed:
        this.prefixed(at, cursor.bytes);
    }
  }

  private get top(): Frame {
    return this.frames[this.depth - 1] as Frame;
  }

  private push(flow: number): void {
    const entry = this.current;
    const frame = this.frames[this.depth++];
    if (frame === undefined) {
      this.frames.push({ flow, entry, exits: false, calls: false });
      return;
    }
    frame.flow = flow;
    frame.entry = entry;
    frame.exits = false;
    frame.calls = false;
  }

  private pop(at: number, next: number): void {
    const frame = this.top;
    this.depth--;
    if (this.depth === 0) {
      this.insert(INSERT.store, at, 0);
      this.settle();
      return;
    }
    if (frame.flow === FLOW.loop && !frame.calls) this.hasQuickLoop = true;
    this.current = this.stretch(next, frame.entry);
    if (!frame.exits) this.certain[this.current] = 1;
  }

  /** A branch to the label `target` levels up. */
  private branch(target: number, at: number): void {
    const level = this.depth - 1 - target;
    this.exit(Math.max(0, level + 1));
    // The outermost label is that of the function itself.
    if (level <= 0) this.insert(INSERT.store, at, 0);
  }

  private branchTable(at: number, cursor: Cursor): void {
    const targets = new Targets(cursor.bytes, at + 1);
    let outermost = 0;
    for (let count = targets.next(); count >= 0; count--) outermost = Math.max(outermost, targets.next());
    this.branch(outermost, at);
    this.current = NOWHERE;
  }

  /** Control leaves every construct from `level` inwards. */
  private exit(level: number): void {
    for (let index = level; index < this.depth; index++) (this.frames[index] as Frame).exits = true;
  }

  /** From here on, a call may continue at any label around it. */
  private catches(): void {
    this.hasHandlers = true;
    this.exit(0);
  }

  private call(): void {
    this.hasCalls = true;
    for (let index = this.depth - 1; index >= 0; index--) {
      const frame = this.frames[index] as Frame;
      if (frame.calls) return;
      frame.calls = true;
    }
  }

  /** A memory that is not there is for V8 to refuse. */
  private grow(at: number, memory: number): void {
    if (memory < this.wide.memories.length) this.insert(INSERT.grow, at, memory);
  }

  private prefixed(at: number, bytes: Uint8Array): void {
    const operands = new Targets(bytes, at + 1);
    const opcode = operands.next();
    if (opcode === TABLE_GROW) {
      (this.costs[this.current] as number) += TABLE_GROW_UNITS;
      return;
    }
    const shape = BULK[opcode];
    if (shape === undefined) return;
    const { shift, of } = shape;
    // A length is as wide as the addresses of both ends are; one that comes from a segment never is.
    let isWide = of.length > 0;
    for (const kind of of) if (this.wide[kind][operands.next()] !== true) isWide = false;
    this.hasBulk = true;
    this.insert(INSERT.bulk, at, bulkOf(shift, isWide));
  }

  /** A new stretch that begins at `at`; nowhere, if its parent is. */
  private stretch(at: number, parent: number): number {
    if (parent === NOWHERE) return NOWHERE;
    const stretch = this.stretches++;
    if (stretch === this.costs.length) this.growStretches();
    this.costs[stretch] = 0;
    this.parents[stretch] = parent;
    this.absorbed[stretch] = 0;
    this.certain[stretch] = 0;
    this.insert(INSERT.charge, at, stretch);
    return stretch;
  }

  /** The body is over: decides where what is charged. */
  private settle(): void {
    const { costs, parents, absorbed, certain } = this;
    // A child comes after its parent, so that it has its own children's share when its turn comes.
    for (let stretch = this.stretches - 1; stretch > NOWHERE; stretch--) {
      const parent = parents[stretch] as number;
      const cost = costs[stretch] as number;
      if (parent === NONE || cost === 0) continue;
      const unsure = certain[stretch] === 1 ? (absorbed[stretch] as number) : cost;
      if ((absorbed[parent] as number) + unsure > SLACK) continue;
      (costs[parent] as number) += cost;
      (absorbed[parent] as number) += unsure;
      costs[stretch] = 0;
    }
    if (this.hasLoops || this.hasCalls || this.hasBulk) return;
    let units = 0;
    for (let stretch = 1; stretch < this.stretches; stretch++) units += costs[stretch] as number;
    if (units <= CALLEE_FREE_MAX) costs.fill(0, 0, this.stretches);
  }

  private insert(kind: number, place: number, value: number): void {
    if (this.count === this.kinds.length) this.growInserts();
    this.kinds[this.count] = kind;
    this.places[this.count] = place;
    this.values[this.count] = value;
    this.count++;
  }

  private growInserts(): void {
    this.kinds = grown(this.kinds, Uint8Array);
    this.places = grown(this.places, Uint32Array);
    this.values = grown(this.values, Uint32Array);
  }

  private growStretches(): void {
    this.costs = grown(this.costs, Float64Array);
    this.parents = grown(this.parents, Int32Array);
    this.absorbed = grown(this.absorbed, Float64Array);
    this.certain = grown(this.certain, Uint8Array);
  }
}

function grown<T extends Uint8Array | Uint32Array | Int32Array | Float64Array>(
  items: T,
  make: new (length: number) => T,
): T {
  const larger = new make(items.length * 2);
  larger.set(items);
  return larger;
}

/** Reads once more the numbers after an opcode, which were found to be well-formed. */
class Targets {
  private readonly bytes: Uint8Array;
  private at: number;

  constructor(bytes: Uint8Array, at: number) {
    this.bytes = bytes;
    this.at = at;
  }

  next(): number {
    let result = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.bytes[this.at++] as number;
      result |= (byte & 0x7f) << shift;
      if (byte < 0x80) return result >>> 0;
    }
  }
}
