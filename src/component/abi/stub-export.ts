import { RuntimeError } from '../../errors/index.ts';
import {
  type CanonOptions,
  type CoreFuncType,
  type FuncType,
  flatten,
  flattenFunc,
  type ValueType,
} from '../binary/index.ts';
import { check } from './codegen-check.ts';
import { FlatReader, liftFlat, load, withViews } from './codegen-lift.ts';
import { lowerFlat, store } from './codegen-lower.ts';
import { argumentsInvalid, unreadable } from './explain.ts';
import { layoutOf, layoutOfAll, offsetsOf } from './layout.ts';
import { assertLittleEndian } from './numbers.ts';
import { dropUnreceived } from './owned.ts';
import { Body, Program } from './program.ts';
import { giveOwn, takeBack } from './resources.ts';
import { RUNTIME } from './runtime.ts';
import type { CanonContext } from './state.ts';
import { stringCodec } from './strings.ts';
import { MISMATCH } from './trap.ts';

/** The compiled form of `canon lift`: calls a function that a component exports. */
export interface ExportStub {
  /** The type of the core function. */
  readonly flat: CoreFuncType;
  /**
   * Lowers `args` and leaves the flat values in `into[0..n)`. Opens the scope of what the call borrows, which
   * {@link lift} ends.
   *
   * @throws {RuntimeError} `VALUE_INVALID` — an argument has not its type; the guest never saw any of them.
   * @throws {RuntimeError} `COMPONENT_TRAPPED`, `COMPONENT_LIMIT` — the guest broke a rule while it allocated; it has to
   *   be treated as dead. What it throws itself comes out as it is, and means the same.
   */
  lower(ctx: CanonContext, args: readonly unknown[], into: (number | bigint)[]): void;
  /**
   * Lifts the result and ends the scope of what the call borrowed.
   *
   * @throws {RuntimeError} `COMPONENT_TRAPPED` — the guest broke a rule; it has to be treated as dead.
   * @throws {RuntimeError} `COMPONENT_LIMIT` — the result is larger than the lift budget; the same.
   */
  lift(ctx: CanonContext, coreResult: number | bigint | undefined): unknown;
}

/** What of a function type decides how its stub is written. */
interface Shape {
  readonly type: FuncType;
  readonly flat: CoreFuncType;
  /** A parameter holds a resource, so that the call has a scope. */
  readonly hasHandle: boolean;
  /** Lowering asks the guest for memory. */
  readonly allocates: boolean;
  /** Lowering leaves traces before it has seen every argument. */
  readonly leavesTraces: boolean;
  readonly spillsParams: boolean;
  readonly spillsResult: boolean;
}

function shapeOf(type: FuncType): Shape {
  const flat = flattenFunc(type, 'lift');
  const layouts = typesOf(type).map(layoutOf);
  const spillsParams = typesOf(type).flatMap((param) => flatten(param)).length > flat.params.length;
  const hasHandle = layouts.some((part) => part.hasHandle);
  const allocates = spillsParams || layouts.some((part) => part.inMemory);
  return {
    type,
    flat,
    hasHandle,
    allocates,
    leavesTraces: allocates || hasHandle,
    spillsParams,
    spillsResult: type.result !== undefined && flatten(type.result).length > flat.results.length,
  };
}

/** Compiles `canon lift` for one type. The result serves every instance; keep it with the compiled component. */
export function compileExport(type: FuncType, encoding: CanonOptions['encoding']): ExportStub {
  assertLittleEndian();
  const shape = shapeOf(type);
  const program = new Program();
  const { lift: liftString, lower: lowerString } = stringCodec(encoding);
  program.append('let left = 0;');
  if (shape.leavesTraces) program.append(writeAdmit(program, shape));
  program.append(writeLower(program, shape));
  program.append(writeLift(program, shape));
  const runtime = {
    ...RUNTIME,
    liftString,
    lowerString,
    lowerOwn: giveOwn,
    registers: [],
    refuse: (ctx: CanonContext, args: readonly unknown[]) => argumentsInvalid(ctx.state, type, args),
    unreadable: (thrown: unknown) => unreadable('args', thrown),
    notLowered: ({ state }: CanonContext, thrown: unknown, args: readonly unknown[]) => {
      // What was thrown while the guest allocated, or for what it did, ends it; all else came out of the values.
      if (!state.mayLeave || (RuntimeError.is(thrown) && thrown.code !== 'VALUE_INVALID')) {
        if (shape.hasHandle) dropUnreceived(state, { kind: 'tuple', types: typesOf(type) }, args);
        return thrown;
      }
      if (shape.hasHandle) takeBack(state);
      return thrown === MISMATCH ? argumentsInvalid(state, type, args) : unreadable('args', thrown);
    },
  };
  const functions = program.build('{ lower, lift }', runtime) as Omit<ExportStub, 'flat'>;
  return { flat: shape.flat, ...functions };
}

function typesOf(type: FuncType): readonly ValueType[] {
  return type.params.map((param) => param.type);
}

/** Writes what refuses arguments before the guest is touched. */
function writeAdmit(program: Program, { type }: Shape): string {
  const body = new Body(program);
  for (const [at, param] of type.params.entries()) check(body, param.type, body.bind(`args[${at}]`));
  return `
function fits(ctx, args) {
if (args.length !== ${type.params.length}) return false;
${body}
return true;
}
function admit(ctx, args) {
left = ctx.state.lowerBudgetMax;
let ok = false;
try { ok = fits(ctx, args); } catch (thrown) { throw unreadable(thrown); }
if (!ok) throw refuse(ctx, args);
}`;
}

function writeLower(program: Program, shape: Shape): string {
  const { type } = shape;
  const body = new Body(program);
  if (shape.leavesTraces) body.emit('admit(ctx, args);');
  else body.emit(`if (args.length !== ${type.params.length}) throw refuse(ctx, args);`);
  if (shape.allocates) {
    // What was admitted is bounded already; a character takes up to three bytes, so this bound is never met first.
    body.emit('fresh(ctx);', 'ctx.state.lowerBudget = 4 * ctx.state.lowerBudgetMax;');
  }
  if (shape.hasHandle) body.emit('openScope(ctx.state);');
  body.block('try', () => {
    const args = type.params.map((_, at) => body.bind(`args[${at}]`));
    const flats = shape.spillsParams
      ? [storeArguments(body, type, args)]
      : type.params.flatMap((param, at) => lowerFlat(body, param.type, args[at]!));
    body.emit(...flats.map((flat, at) => `into[${at}] = ${flat};`));
  });
  body.emit('catch (thrown) { throw notLowered(ctx, thrown, args); }');
  return `function lower(ctx, args, into) {\n${body}\n}`;
}

function storeArguments(body: Body, type: FuncType, args: readonly string[]): string {
  const types = typesOf(type);
  const { align, sizeBytes } = layoutOfAll(types);
  const offsets = offsetsOf(types);
  const base = body.bind(`ctx.allocate(${align}, ${sizeBytes})`);
  for (const [at, part] of types.entries())
    store(body, { type: part, name: args[at]! }, { base, offset: offsets[at]! });
  return base;
}

function writeLift(program: Program, shape: Shape): string {
  const body = new Body(program);
  const { result } = shape.type;
  if (result !== undefined) {
    const { inMemory, hasHandle } = layoutOf(result);
    if (inMemory || shape.spillsResult) body.emit('fresh(ctx);');
    if (inMemory || hasHandle) body.emit('ctx.state.liftBudget = ctx.state.liftBudgetMax;');
    const value = body.bind(
      shape.spillsResult ? loadResult(body, result) : liftFlat(body, result, new FlatReader(['r'])),
    );
    if (shape.hasHandle) body.emit('closeScope(ctx.state);');
    if (hasHandle) body.emit('ctx.state.taken.length = 0;');
    body.emit(`return ${value};`);
  } else if (shape.hasHandle) {
    body.emit('closeScope(ctx.state);');
  }
  return `function lift(ctx, r) {\n${body}\n}`;
}

function loadResult(body: Body, result: ValueType): string {
  const { align, sizeBytes } = layoutOf(result);
  body.emit('const p = r >>> 0;', `checkPointer(ctx, p, ${body.program.constant({ align, sizeBytes })});`);
  withViews(body);
  return load(body, result, { base: 'p', offset: 0 });
}
