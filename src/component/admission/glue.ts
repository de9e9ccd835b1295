import { Emitter } from './bytes.ts';

/** Bytes that encode the four number types. */
export const NUMBER_TYPES = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c } as const;
export type NumberType = keyof typeof NUMBER_TYPES;

/** A host function that the glue calls; its place among the imports is the linker's to fill. */
export interface HostHook {
  readonly name: string;
  readonly params: readonly NumberType[];
  readonly results: readonly NumberType[];
}

/**
 * The hooks, by what they do. Only those that a module needs are imported.
 *
 * - `await`: suspends until what the last blocking call began is done.
 * - `result-T`: the flat result of the last blocking call.
 * - `refuel`: is given the fuel that is left, 0 or less; gives how much there is now, or 0 when there is to be a wait first. Or it
 *   is given pages, above zero, by which a memory was not allowed to grow; then what it gives means nothing.
 * - `take`: lowers the next message; gives 0 when the turn is over, else 1 + the number of the function to call.
 * - `arg-T`: the next flat argument of the message taken.
 * - `done`, `done-T`: lifts the result of the message taken, and takes the next one unless a post-return runs before it.
 *
 * `take` and `done` are given the fuel that is left as their last argument; 0 where none is charged.
 */
export function hook(name: string): HostHook {
  const type = name.slice(name.indexOf('-') + 1) as NumberType;
  if (name === 'await') return { name, params: [], results: [] };
  if (name === 'take' || name === 'done' || name === 'refuel') return { name, params: ['i32'], results: ['i32'] };
  if (name.startsWith('done-')) return { name, params: [type, 'i32'], results: ['i32'] };
  return { name, params: [], results: [type] };
}

/** How an exception is caught inside wasm; V8 refuses a module that mixes the two encodings. */
export type ExceptionEncoding = 'legacy' | 'references';

export interface Trampoline {
  /** The import that it stands before. */
  readonly target: number;
  /** Flat parameters as their type bytes. */
  readonly params: readonly number[];
  /** Result type byte of the *guest's* view of the function, if any. */
  readonly result: number | undefined;
  /** Whether the host function answers "pending" (then its own result is an i32). */
  readonly blocking: boolean;
}

/** Opcodes used below. */
const OP = {
  unreachable: 0x00,
  block: 0x02,
  loop: 0x03,
  if: 0x04,
  try: 0x06,
  end: 0x0b,
  br: 0x0c,
  call: 0x10,
  catchAll: 0x19,
  tryTable: 0x1f,
  localGet: 0x20,
  localSet: 0x21,
  brTable: 0x0e,
  return: 0x0f,
  drop: 0x1a,
  localTee: 0x22,
  globalGet: 0x23,
  globalSet: 0x24,
  memoryGrow: 0x40,
  i32Const: 0x41,
  i64Const: 0x42,
  select: 0x1b,
  i32Eq: 0x46,
  i64Eq: 0x51,
  i64GtU: 0x56,
  i32GtU: 0x4b,
  i32WrapI64: 0xa7,
  i32LtS: 0x48,
  i32Sub: 0x6b,
  i32Eqz: 0x45,
} as const;
const EMPTY_BLOCK = 0x40;
const CATCH_ALL = 2;
/** Local of the pump: the function to run next. Results of the functions have the ones after it. */
const NEXT = 0;

const typeName = (byte: number): NumberType =>
  (Object.keys(NUMBER_TYPES) as NumberType[]).find((name) => NUMBER_TYPES[name] === byte) as NumberType;

/** Name of the hook that fetches the result of a blocking call. */
export function resultHook(result: number): string {
  return `result-${typeName(result)}`;
}

/**
 * Units that a call of the host is charged, besides what it takes to get there: a host function takes from 0.1 µs to some
 * µs, a look into the table of handles a tenth of it. So two hundred calls use up a slice of fuel, and a guest that does
 * nothing but call lets others have their turn after a millisecond.
 */
const HOST_CALL_UNITS = { blocking: 1_000, sync: 100 };

/** Where the fuel of a module is. */
export interface TrampolineFuel {
  /** Index of the global that holds it, and of the function that gets more. */
  readonly global: number;
  readonly refuel: number;
}

/** How the trampolines of a module are written. */
export interface TrampolinePlan {
  readonly encoding: ExceptionEncoding;
  /** Undefined: none is charged. */
  readonly fuel: TrampolineFuel | undefined;
  readonly hookIndex: (name: string) => number;
}

/**
 * Body of a trampoline: charges the call, calls the host, and turns whatever JavaScript throws into `unreachable`, which
 * no guest can catch.
 *
 *     global.get $fuel  i32.const units  i32.sub  global.set $fuel
 *     global.get $fuel  i32.const 0  i32.lt_s  if  call $refuel  end
 *     try (result T)
 *       local.get 0 … n            call $host
 *       [blocking: if  call $await  end   call $result]
 *     catch_all  unreachable  end
 */
export function trampolineBody(trampoline: Trampoline, { encoding, fuel, hookIndex }: TrampolinePlan): Emitter {
  const body = new Emitter();
  const blockType = trampoline.result ?? EMPTY_BLOCK;
  body.u8(0); // no locals
  if (fuel !== undefined) chargeCall(body, fuel, HOST_CALL_UNITS[trampoline.blocking ? 'blocking' : 'sync']);
  if (encoding === 'legacy') body.u8(OP.try, blockType);
  else body.u8(OP.block, EMPTY_BLOCK, OP.tryTable, blockType, 1, CATCH_ALL, 0);
  for (let index = 0; index < trampoline.params.length; index++) {
    body.u8(OP.localGet);
    body.u32(index);
  }
  call(body, trampoline.target);
  if (trampoline.blocking) {
    body.u8(OP.if, EMPTY_BLOCK);
    call(body, hookIndex('await'));
    body.u8(OP.end);
    if (trampoline.result !== undefined) call(body, hookIndex(resultHook(trampoline.result)));
  }
  if (encoding === 'legacy') body.u8(OP.catchAll, OP.unreachable, OP.end);
  else body.u8(OP.end, OP.return, OP.end, OP.unreachable);
  body.u8(OP.end);
  return body;
}

function chargeCall(body: Emitter, { global, refuel }: TrampolineFuel, units: number): void {
  body.u8(OP.globalGet);
  body.u32(global);
  body.u8(OP.i32Const);
  body.s32(units);
  body.u8(OP.i32Sub, OP.globalSet);
  body.u32(global);
  body.u8(OP.globalGet);
  body.u32(global);
  body.u8(OP.i32Const, 0, OP.i32LtS, OP.if, EMPTY_BLOCK);
  call(body, refuel);
  body.u8(OP.end);
}

/**
 * Body of the function that gets more fuel, or does not return. What the host throws becomes `unreachable`.
 *
 *     try
 *       loop  global.get $fuel  call $refuel  local.tee 0  global.set $fuel
 *             local.get 0  i32.eqz  if  call $await  br $loop  end
 *       end
 *     catch_all  unreachable  end
 */
export function refuelBody(fuel: number, encoding: ExceptionEncoding, hookIndex: (name: string) => number): Emitter {
  const body = new Emitter();
  body.u8(1, 1, NUMBER_TYPES.i32);
  if (encoding === 'legacy') body.u8(OP.try, EMPTY_BLOCK);
  else body.u8(OP.block, EMPTY_BLOCK, OP.tryTable, EMPTY_BLOCK, 1, CATCH_ALL, 0);
  body.u8(OP.loop, EMPTY_BLOCK, OP.globalGet);
  body.u32(fuel);
  call(body, hookIndex('refuel'));
  body.u8(OP.localTee, 0, OP.globalSet);
  body.u32(fuel);
  body.u8(OP.localGet, 0, OP.i32Eqz, OP.if, EMPTY_BLOCK);
  call(body, hookIndex('await'));
  body.u8(OP.br, 1, OP.end, OP.end);
  if (encoding === 'legacy') body.u8(OP.catchAll, OP.unreachable, OP.end);
  else body.u8(OP.return, OP.end, OP.end, OP.unreachable);
  body.u8(OP.end);
  return body;
}

/** Pages that are told of at most: as an `i32` they are above zero. */
const PAGES_TOLD_MAX = 0x7fff_ffff;

/**
 * Body of the function that grows a memory, and tells the host if it may not.
 *
 *     local.get 0  memory.grow  local.tee 1  const -1  eq
 *     if  local.get 0 (or the most)  call $refuel  drop  end
 *     local.get 1
 */
export function growerBody(memory: number, isWide: boolean, hookIndex: (name: string) => number): Emitter {
  const body = new Emitter();
  const [constant, equal, above] = isWide ? [OP.i64Const, OP.i64Eq, OP.i64GtU] : [OP.i32Const, OP.i32Eq, OP.i32GtU];
  const most = (): void => {
    body.u8(constant);
    body.s32(PAGES_TOLD_MAX);
  };
  body.u8(1, 1, isWide ? NUMBER_TYPES.i64 : NUMBER_TYPES.i32);
  body.u8(OP.localGet, 0, OP.memoryGrow);
  body.u32(memory);
  body.u8(OP.localTee, 1, constant, 0x7f, equal, OP.if, EMPTY_BLOCK);
  most();
  body.u8(OP.localGet, 0, OP.localGet, 0);
  most();
  body.u8(above, OP.select);
  if (isWide) body.u8(OP.i32WrapI64);
  call(body, hookIndex('refuel'));
  body.u8(OP.drop, OP.end, OP.localGet, 1, OP.end);
  return body;
}

function call(body: Emitter, index: number): void {
  body.u8(OP.call);
  body.u32(index);
}

/** A function that the pump calls. */
export interface PumpTarget {
  readonly func: number;
  readonly postReturn: number | undefined;
  readonly params: readonly number[];
  readonly result: number | undefined;
}

/** The fuel of a module, for its pump. */
export interface PumpFuel {
  /** Index of the global that holds it. */
  readonly global: number;
  /** Units that each message begins with. */
  readonly slice: number;
}

/** What the body of a pump is made of. */
export interface PumpPlan {
  readonly targets: readonly PumpTarget[];
  /** Undefined: none is charged. */
  readonly fuel: PumpFuel | undefined;
  readonly hookIndex: (name: string) => number;
}

/**
 * Body of the pump: one promising call drains many messages. Each call of a hook costs some 15 ns, so that `done` also
 * takes the next message where it can.
 *
 *     call $take  local.set $next
 *     loop $turn
 *       block $n … block $1
 *         block $over
 *           local.get $next   br_table $over $1 … $n
 *         end  return
 *       end  global.set $fuel  arg… call $f1 done [post-return take]  local.set $next  br $turn
 *       …
 */
export function pumpBody(plan: PumpPlan): Emitter {
  const { targets } = plan;
  const body = new Emitter();
  const resultTypes = [...new Set(targets.flatMap((target) => target.result ?? []))];
  body.u32(resultTypes.length + 1);
  body.u8(1, NUMBER_TYPES.i32);
  for (const type of resultTypes) body.u8(1, type);
  callWithFuel(body, 'take', plan);
  body.u8(OP.localSet, NEXT);
  body.u8(OP.loop, EMPTY_BLOCK);
  for (let index = 0; index <= targets.length; index++) body.u8(OP.block, EMPTY_BLOCK);
  body.u8(OP.localGet, NEXT, OP.brTable);
  body.u32(targets.length);
  for (let label = 0; label < targets.length; label++) body.u32(label);
  body.u32(targets.length);
  // Label 0 is the innermost block: the turn is over.
  body.u8(OP.end, OP.return);
  targets.forEach((target, index) => {
    body.u8(OP.end);
    pumpCall(body, target, { plan, resultTypes });
    body.u8(OP.localSet, NEXT, OP.br);
    body.u32(targets.length - 1 - index);
  });
  body.u8(OP.end, OP.end);
  return body;
}

/** Calls a hook that is told how much fuel is left. */
function callWithFuel(body: Emitter, hookName: string, { fuel, hookIndex }: PumpPlan): void {
  body.u8(fuel === undefined ? OP.i32Const : OP.globalGet);
  body.u32(fuel?.global ?? 0);
  call(body, hookIndex(hookName));
}

/** Calls one function; leaves the number of the next one on the stack. */
function pumpCall(
  body: Emitter,
  target: PumpTarget,
  { plan, resultTypes }: { plan: PumpPlan; resultTypes: readonly number[] },
): void {
  const { fuel, hookIndex } = plan;
  if (fuel !== undefined) {
    body.u8(OP.i32Const);
    body.s32(fuel.slice);
    body.u8(OP.globalSet);
    body.u32(fuel.global);
  }
  for (const param of target.params) call(body, hookIndex(`arg-${typeName(param)}`));
  call(body, target.func);
  const local = target.result === undefined ? undefined : NEXT + 1 + resultTypes.indexOf(target.result);
  if (local !== undefined && target.postReturn !== undefined) body.u8(OP.localTee, local);
  callWithFuel(body, target.result === undefined ? 'done' : `done-${typeName(target.result)}`, plan);
  if (target.postReturn === undefined) return;
  body.u8(OP.drop);
  if (local !== undefined) body.u8(OP.localGet, local);
  call(body, target.postReturn);
  callWithFuel(body, 'take', plan);
}

/** Names of the hooks that a pump over `targets` needs. */
export function pumpHooks(targets: readonly PumpTarget[]): string[] {
  const names = ['take'];
  for (const target of targets) {
    for (const param of target.params) names.push(`arg-${typeName(param)}`);
    names.push(target.result === undefined ? 'done' : `done-${typeName(target.result)}`);
  }
  return [...new Set(names)];
}
