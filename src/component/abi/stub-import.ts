import {
  type CanonOptions,
  type CoreFuncType,
  type FuncType,
  flatten,
  flattenFunc,
  type ValueType,
} from '../binary/index.ts';
import type { HostFunction } from '../host.ts';
import { FlatReader, liftFlat, loadAll, withViews } from './codegen-lift.ts';
import { lowerFlat, store } from './codegen-lower.ts';
import { resultInvalid } from './explain.ts';
import { layoutOf, layoutOfAll } from './layout.ts';
import { assertLittleEndian } from './numbers.ts';
import { dropUnreceived } from './owned.ts';
import { Body, Program } from './program.ts';
import { fail } from './resources.ts';
import { RUNTIME } from './runtime.ts';
import type { CanonContext } from './state.ts';
import { stringCodec } from './strings.ts';
import { MISMATCH } from './trap.ts';

/** A host function as the engine's trampoline calls it: flat parameters in, whether the guest has to wait out. */
type CoreFunction = (...flat: (number | bigint)[]) => 0 | 1;

/** The compiled form of `canon lower`: makes host functions callable by a component. */
export interface ImportStub {
  /** The type of the core function. */
  readonly flat: CoreFuncType;
  /**
   * Makes the core function for a host function. It returns 0 when the call is done, the flat result (if any) being in
   * `state.suspension.value`; or 1 when the guest has to wait for `state.suspension.promise`, which is fulfilled when
   * the same holds. A guest for which the host has worked much waits until it is its turn. Whatever goes wrong is recorded as the instance's `failure` and thrown, or rejects the promise.
   */
  bind(ctx: CanonContext, host: HostFunction): CoreFunction;
}

/** What of a function type decides how its stub is written. */
interface Shape {
  readonly type: FuncType;
  /** Names of the flat parameters, without the pointer to a spilled result. */
  readonly params: readonly string[];
  /** Name of the pointer to a spilled result, or `undefined`. */
  readonly out: string;
  readonly spillsParams: boolean;
  readonly spillsResult: boolean;
  readonly hasBorrow: boolean;
}

function shapeOf(type: FuncType, flat: CoreFuncType): Shape {
  const names = flat.params.map((_, at) => `p${at}`);
  const spillsResult = type.result !== undefined && flatten(type.result).length > 1;
  const params = spillsResult ? names.slice(0, -1) : names;
  return {
    type,
    params,
    out: spillsResult ? names.at(-1)! : 'undefined',
    spillsParams: type.params.flatMap((param) => flatten(param.type)).length > params.length,
    spillsResult,
    hasBorrow: type.params.some((param) => layoutOf(param.type).hasBorrow),
  };
}

/** Compiles `canon lower` for one type. The result serves every instance; keep it with the compiled component. */
export function compileImport(type: FuncType, encoding: CanonOptions['encoding']): ImportStub {
  assertLittleEndian();
  const flat = flattenFunc(type, 'lower');
  const shape = shapeOf(type, flat);
  const program = new Program();
  const { lift: liftString, lower: lowerString } = stringCodec(encoding);
  program.append(writeFinish(program, shape));
  program.append(writeBind(program, shape));
  const failed = (ctx: CanonContext, thrown: unknown, result: unknown): unknown => {
    const { state } = ctx;
    if (type.result === undefined) return fail(state, thrown);
    if (layoutOf(type.result).hasHandle) dropUnreceived(state, type.result, result);
    return fail(state, thrown === MISMATCH ? resultInvalid(state, type.result, result) : thrown);
  };
  const runtime = { ...RUNTIME, liftString, lowerString, registers: [], failed };
  return { flat, bind: program.build('bind', runtime) as ImportStub['bind'] };
}

/** Writes the function that lowers the host's result `r`, through the pointer `out` if it is no single register. */
function writeFinish(program: Program, shape: Shape): string {
  const { result } = shape.type;
  const body = new Body(program);
  if (result !== undefined) {
    const { inMemory } = layoutOf(result);
    if (inMemory || shape.spillsResult) body.emit('fresh(ctx);');
    if (inMemory) body.emit('ctx.state.lowerBudget = ctx.state.lowerBudgetMax;');
    if (shape.spillsResult) storeResult(body, result);
    else body.emit(`return ${lowerFlat(body, result, 'r')[0]};`);
  }
  return `function finish(ctx, r, out) {\n${body}\n}`;
}

function storeResult(body: Body, result: ValueType): void {
  const { align, sizeBytes } = layoutOf(result);
  body.emit('const p = out >>> 0;', `checkPointer(ctx, p, ${body.program.constant({ align, sizeBytes })});`);
  store(body, { type: result, name: 'r' }, { base: 'p', offset: 0 });
}

/** Writes the statements that check the call, lift its arguments, and leave the host's result in `r`. */
function writeHostCall(program: Program, shape: Shape): string {
  const { type, params } = shape;
  const body = new Body(program);
  body.emit('if (!state.mayLeave) cannotLeave();');
  const layouts = type.params.map((param) => layoutOf(param.type));
  const hasHandle = layouts.some((part) => part.hasHandle);
  const inMemory = layouts.some((part) => part.inMemory);
  if (inMemory || shape.spillsParams) body.emit('fresh(ctx);');
  if (inMemory || hasHandle) body.emit('state.liftBudget = state.liftBudgetMax;');
  const args = (shape.spillsParams ? loadArguments(body, type) : liftArguments(body, type, params)).map((arg) =>
    body.bind(arg),
  );
  if (hasHandle) body.emit('state.taken.length = 0;');
  body.emit(`r = host.call(${['state.hostContext', ...args].join(', ')});`);
  return `${body}`;
}

function liftArguments(body: Body, type: FuncType, params: readonly string[]): string[] {
  const flats = new FlatReader(params);
  return type.params.map((param) => liftFlat(body, param.type, flats));
}

function loadArguments(body: Body, type: FuncType): string[] {
  const types = type.params.map((param) => param.type);
  const { align, sizeBytes } = layoutOfAll(types);
  body.emit('const p = p0 >>> 0;', `checkPointer(ctx, p, ${body.program.constant({ align, sizeBytes })});`);
  withViews(body);
  return loadAll(body, types, 'p');
}

/** Writes `bind`. In it, `r` is what {@link dropUnreceived} has to see when the call fails: a promise is not. */
function writeBind(program: Program, shape: Shape): string {
  const flats = shape.spillsResult ? [...shape.params, shape.out] : shape.params;
  const release = shape.hasBorrow ? 'releaseLends(state, base);' : '';
  return `
function bind(ctx, host) {
const state = ctx.state;
return (${flats.join(', ')}) => {
let r;
const base = state.lenders.length;
try {
${writeHostCall(program, shape)}
if (isThenable(r)) {
const promise = r;
r = undefined;
return suspend({ ctx, promise, base, out: ${shape.out}, finish, failed });
}
if (!state.mayLeave) throw state.failure;
${release}
state.suspension.value = finish(ctx, r, ${shape.out});
} catch (thrown) {
${release}
throw failed(ctx, thrown, r);
}
return pay(state);
};
}`;
}
