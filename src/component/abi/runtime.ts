import { DEBT_MAX } from './debt.ts';
import { LIST_BYTES_MAX } from './limits.ts';
import { lengthOfList, lengthOfTyped } from './lists.ts';
import { bitsOfF32, bitsOfF64, canonicalizeNaNs, f32OfBits, f64OfBits } from './numbers.ts';
import {
  cannotLeave,
  closeScope,
  fitsResource,
  liftBorrow,
  liftOwn,
  lowerBorrow,
  lowerOwn,
  openScope,
  releaseLends,
} from './resources.ts';
import { type CanonContext, charge, checkPointer, fresh, leave, pay } from './state.ts';
import { liftChar, lowerChar, scalarValueOf } from './strings.ts';
import { mismatch, trap } from './trap.ts';

/** What generated code calls, by the names it uses. */
export const RUNTIME = {
  badDiscriminant,
  badList,
  bitsOfF32,
  bitsOfF64,
  cannotLeave,
  canonicalizeNaNs,
  charge,
  checkPointer,
  closeScope,
  f32OfBits,
  f64OfBits,
  fitsResource,
  fresh,
  hasOwn: Object.hasOwn,
  indexOfCase,
  isThenable,
  lengthOfList,
  lengthOfTyped,
  liftBorrow,
  liftChar,
  liftOwn,
  lowerBorrow,
  lowerChar,
  lowerOwn,
  mismatch,
  openScope,
  pay,
  releaseLends,
  scalarValueOf,
  suspend,
} as const;

function badDiscriminant(index: number, count: number): never {
  trap('discriminant', `The component passed case ${index} of a type that has ${count}`);
}

function badList(ptr: number, length: number, shape: { sizeBytes: number; align: number }): never {
  const sizeBytes = length * shape.sizeBytes;
  if (sizeBytes > LIST_BYTES_MAX) trap('list-length', `The component passed a list of ${sizeBytes} bytes`);
  if ((ptr & (shape.align - 1)) !== 0) {
    trap('list-align', `The component passed a list at ${ptr}, which is not a multiple of ${shape.align}`);
  }
  trap('list-bounds', `The component passed a list of ${sizeBytes} bytes at ${ptr}, outside of its memory`);
}

function indexOfCase(cases: ReadonlyMap<unknown, number>, tag: unknown): number {
  return cases.get(tag) ?? -1;
}

function isThenable(value: unknown): boolean {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}

/** A call of a host function that has to be waited for. */
interface Pending {
  readonly ctx: CanonContext;
  readonly promise: PromiseLike<unknown>;
  /** Length of `lenders` before the call. */
  readonly base: number;
  /** Where a result that is no single register goes. */
  readonly out: number | undefined;
  readonly finish: (ctx: CanonContext, result: unknown, out: number | undefined) => number | bigint | undefined;
  readonly failed: (ctx: CanonContext, thrown: unknown, result: unknown) => unknown;
}

/** Leaves the engine a promise for the end of a call, and returns 1: the guest has to wait. */
function suspend(pending: Pending): 1 {
  const { ctx, promise } = pending;
  const settled = Promise.resolve(promise).then(
    (result) => resolve(pending, result),
    (thrown) => {
      releaseLends(ctx.state, pending.base);
      throw pending.failed(ctx, thrown, undefined);
    },
  );
  return leave(ctx.state, settled);
}

function resolve(pending: Pending, result: unknown): Promise<void> | undefined {
  const { ctx, base, finish, out } = pending;
  const { state } = ctx;
  releaseLends(state, base);
  if (state.failure !== undefined) throw pending.failed(ctx, state.failure, result);
  try {
    state.suspension.value = finish(ctx, result, out);
  } catch (thrown) {
    throw pending.failed(ctx, thrown, result);
  }
  return state.debt.units < DEBT_MAX ? undefined : state.pay();
}
