import { Buffer } from 'node:buffer';
import { assert, type RuntimeError } from '../../errors/index.ts';
import type { HostResourceType } from '../host.ts';
import { ALLOCATE_UNITS, DEBT_MAX, Debt } from './debt.ts';
import { type CallScope, type Handle, HandleTable } from './handles.ts';
import { LIFT_BUDGET_BYTES, LOWER_BUDGET_BYTES } from './limits.ts';
import { exceed, trap } from './trap.ts';

/** A resource type as an instance uses it. */
// biome-ignore lint/suspicious/noExplicitAny: what represents it is known to the host's interface alone
export type ResourceType = HostResourceType<any> | GuestResourceType;

/** A resource type that a component defines. Its representation is a 32-bit number of the guest's own. */
export class GuestResourceType {
  /** For messages. */
  readonly name: string;
  /** The instance that defines it. */
  readonly owner: InstanceState;
  /** The guest's destructor; set when the core function exists. */
  dtor: ((rep: number) => void) | undefined;

  constructor(name: string, owner: InstanceState) {
    this.name = name;
    this.owner = owner;
    this.dtor = undefined;
  }
}

/** Where a call of a host function leaves what the engine has to wait for, if anything, and then its flat result. */
interface Suspension {
  /** Settles when the results are in guest memory and `value` is set; rejects when the instance failed. */
  promise: Promise<unknown> | undefined;
  /** The flat result, if there is one. */
  value: number | bigint | undefined;
}

/** What the Canonical ABI keeps for one component instance. */
export class InstanceState {
  readonly handles: HandleTable;
  /**
   * False while the guest runs code from which it may not call out: `realloc` and `post-return`. And once it was
   * killed: a call of an import that is under way then throws `failure` when the host returns.
   */
  mayLeave: boolean;
  /** False while the host may not enter the instance: during a call of an export, and a destructor. */
  mayEnter: boolean;
  /** True while the guest waits for the destructor of another instance, which may not enter this one again. */
  isDropping: boolean;
  /**
   * How many times its code runs above a frame of JavaScript: `realloc` and destructors. V8 cannot suspend it there.
   */
  entered: number;
  /** Bytes of host memory that the lift under way may still take. */
  liftBudget: number;
  /** The least that a lift left of it. */
  liftLeast: number;
  /** What `liftBudget` starts with at every lift. Default {@link LIFT_BUDGET_BYTES}. */
  liftBudgetMax: number;
  /** Bytes of guest memory that the lowering under way may still ask for. */
  lowerBudget: number;
  /** What `lowerBudget` starts with at every lowering. Default {@link LOWER_BUDGET_BYTES}. */
  lowerBudgetMax: number;
  /** What the host does for the instance: by values that cross, one unit for a byte. Its host functions add to it. */
  debt: Debt;
  /**
   * Pays the debt; gives a promise if the guest has to wait, of when it may go on. Set by the linker. What it throws, or
   * its promise rejects with, is recorded already.
   */
  pay: () => Promise<void> | undefined;
  /** By the slot of the resource symbol; filled by the linker. */
  readonly resourceTypes: ResourceType[];
  /** Why the instance died: what was thrown first. */
  failure: RuntimeError | undefined;
  readonly suspension: Suspension;
  /** `this` of the host functions that it calls. */
  hostContext: unknown;
  /** The call of an export under way, if it takes resources. */
  scope: CallScope | undefined;
  /** Handles lent to calls of imports under way, innermost last. Bounded by the lift budget. */
  readonly lenders: Handle[];
  /** Handles that a lift took out of the table and has not handed over yet. Bounded by the lift budget. */
  readonly taken: Handle[];

  constructor(handlesMax?: number) {
    this.handles = new HandleTable(handlesMax);
    this.mayLeave = true;
    this.mayEnter = true;
    this.isDropping = false;
    this.entered = 0;
    this.liftBudget = LIFT_BUDGET_BYTES;
    this.liftBudgetMax = LIFT_BUDGET_BYTES;
    this.liftLeast = Number.POSITIVE_INFINITY;
    this.lowerBudget = LOWER_BUDGET_BYTES;
    this.lowerBudgetMax = LOWER_BUDGET_BYTES;
    this.debt = new Debt();
    this.pay = nothingToPay;
    this.resourceTypes = [];
    this.failure = undefined;
    this.suspension = { promise: undefined, value: undefined };
    this.hostContext = undefined;
    this.scope = undefined;
    this.lenders = [];
    this.taken = [];
  }

  /** Makes it what it was at first. It holds no handles, and is in no call. */
  reset(): void {
    this.mayLeave = true;
    this.mayEnter = true;
    this.isDropping = false;
    this.liftBudget = this.liftBudgetMax;
    this.liftLeast = Number.POSITIVE_INFINITY;
    this.lowerBudget = this.lowerBudgetMax;
    this.suspension.promise = undefined;
    this.suspension.value = undefined;
    this.hostContext = undefined;
    this.scope = undefined;
  }
}

function nothingToPay(): undefined {
  return undefined;
}

/** Pays what is owed at the end of a call that the guest made, if it is much: 1 if the guest has to wait before it goes on. */
export function pay(state: InstanceState): 0 | 1 {
  if (state.debt.units < DEBT_MAX) return 0;
  const promise = state.pay();
  return promise === undefined ? 0 : leave(state, promise);
}

/** Leaves the engine a promise that the guest has to wait for, and returns 1. */
export function leave(state: InstanceState, promise: Promise<void>): 1 {
  // The engine may have given the instance up; whoever waits hears of it all the same.
  promise.catch(() => undefined);
  state.suspension.promise = promise;
  return 1;
}

/** Charges the lift under way for `bytes` of host memory, before they are taken. */
export function charge(state: InstanceState, bytes: number): void {
  state.debt.units += bytes;
  state.liftBudget -= bytes;
  if (state.liftBudget < state.liftLeast) {
    state.liftLeast = state.liftBudget;
    if (state.liftBudget < 0) exceedLift(state);
  }
}

function exceedLift({ liftBudgetMax }: InstanceState): never {
  exceed('lift-budget', `The component passes more than ${liftBudgetMax} bytes of values in one call`, liftBudgetMax);
}

/** `cabi_realloc` of a component: old pointer, old size, alignment, new size. */
type Realloc = (...args: [oldPtr: number, oldSize: number, align: number, newSize: number]) => number;

const NO_BYTES = new ArrayBuffer(0);
/** The views of a context that has not been used yet: shared, since most contexts of most instances never are. */
const NO_VIEWS = { bytes: new Uint8Array(NO_BYTES), data: new DataView(NO_BYTES), buffer: Buffer.from(NO_BYTES) };

/**
 * The memory and allocator that one canonical definition uses, with views that are kept until the memory grows.
 * Growing detaches the old buffer, so views of length zero have to be made again: {@link fresh} does.
 */
export class CanonContext {
  readonly state: InstanceState;
  bytes: Uint8Array;
  data: DataView;
  /** The same bytes, for Node's native string functions. */
  buffer: Buffer;
  /** Second result of what lowers a string or list: its length as the guest counts it. */
  length: number;
  private memory: WebAssembly.Memory | undefined;
  private realloc: Realloc | undefined;

  constructor(state: InstanceState) {
    this.state = state;
    this.bytes = NO_VIEWS.bytes;
    this.data = NO_VIEWS.data;
    this.buffer = NO_VIEWS.buffer;
    this.length = 0;
    this.memory = undefined;
    this.realloc = undefined;
  }

  /** @internal Called once, when the core instance exists. Views are made when they are first needed. */
  setMemory(memory: WebAssembly.Memory): void {
    this.memory = memory;
  }

  /** Lets go of the memory, since the instance is dead. A promise that is still pending may hold on to this. */
  release(): void {
    this.memory = undefined;
    this.realloc = undefined;
    this.refresh();
  }

  /** Called once, when the core instance exists. */
  setRealloc(realloc: Realloc): void {
    this.realloc = realloc;
  }

  /** Makes the views again. Called after guest or host code ran and the old ones are empty. */
  refresh(): void {
    if (this.memory === undefined) {
      this.bytes = NO_VIEWS.bytes;
      this.data = NO_VIEWS.data;
      this.buffer = NO_VIEWS.buffer;
      return;
    }
    const { buffer } = this.memory;
    this.bytes = new Uint8Array(buffer);
    this.data = new DataView(buffer);
    this.buffer = Buffer.from(buffer);
  }

  /**
   * Asks the guest for memory. Its code may not call out meanwhile; what it returns is checked, and the views are
   * right again afterwards.
   */
  allocate(align: number, sizeBytes: number): number {
    const { state, realloc } = this;
    assert(realloc !== undefined, 'validation requires realloc where values are lowered into memory');
    state.lowerBudget -= sizeBytes;
    if (state.lowerBudget < 0) {
      exceed(
        'lower-budget',
        `The values given to the component take more than ${state.lowerBudgetMax} bytes of its memory`,
        state.lowerBudgetMax,
      );
    }
    state.debt.units += sizeBytes + ALLOCATE_UNITS;
    state.mayLeave = false;
    state.entered++;
    state.debt.entries++;
    const ptr = realloc(0, 0, align, sizeBytes) >>> 0;
    state.entered--;
    state.mayLeave = state.failure === undefined; // it may have been killed by the values that are lowered
    if (this.bytes.length === 0) this.refresh();
    if ((ptr & (align - 1)) !== 0)
      trap('realloc-align', `The component allocated at ${ptr}, which is not a multiple of ${align}`);
    if (ptr + sizeBytes > this.bytes.length) {
      trap('realloc-bounds', `The component allocated ${sizeBytes} bytes at ${ptr}, outside of its memory`);
    }
    return ptr;
  }
}

/** Makes the views of `ctx` current. Has to run after any guest or host code, before memory is touched. */
export function fresh(ctx: CanonContext): void {
  if (ctx.bytes.length === 0) ctx.refresh();
}

/** Checks a pointer to values that did not fit into registers. */
export function checkPointer(ctx: CanonContext, ptr: number, shape: { align: number; sizeBytes: number }): void {
  if ((ptr & (shape.align - 1)) !== 0) {
    trap('pointer-align', `The component passed pointer ${ptr}, which is not a multiple of ${shape.align}`);
  }
  if (ptr + shape.sizeBytes > ctx.bytes.length) {
    trap('pointer-bounds', `The component passed pointer ${ptr} to ${shape.sizeBytes} bytes, outside of its memory`);
  }
}
