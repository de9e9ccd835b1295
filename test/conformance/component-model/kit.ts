/**
 * What the cases are made of: a component in text, a call, and what must come of it. Every case has an instance of its
 * own, since a trap ends it.
 */
import assert from 'node:assert/strict';
import { type ComponentInstance, compileComponent, type HostImports } from '../../../src/component/index.ts';
import { parseWat } from '../../../src/component/tooling/index.ts';
import { type ErrorCode, RuntimeError } from '../../../src/errors/index.ts';

/** An error that must come out: its code, and what its details must at least say. */
export interface Failure {
  readonly code: ErrorCode;
  readonly details?: Readonly<Record<string, unknown>>;
}

/** One expectation of the Component Model. */
export interface Case {
  readonly name: string;
  readonly run: () => Promise<void>;
}

/** Cases about one thing. */
export interface Group {
  readonly name: string;
  readonly cases: readonly Case[];
}

/** The guest broke a rule of the Canonical ABI; `rule` is the name that the error gives it. */
export function breaks(rule: string): Failure {
  return { code: 'COMPONENT_TRAPPED', details: { trap: 'abi', rule } };
}

/** The guest trapped by an instruction of its own. */
export function traps(trap: string): Failure {
  return { code: 'COMPONENT_TRAPPED', details: { trap } };
}

export function isFailure(value: unknown): value is Failure {
  return typeof value === 'object' && value !== null && 'code' in value;
}

/** Compiles the text and makes an instance. */
export async function instantiate(wat: string, imports: HostImports = {}): Promise<ComponentInstance> {
  const component = await compileComponent(await parseWat(wat));
  return component.instantiate(imports);
}

/** Asserts that `work` fails as described, and gives the error. */
export async function assertFails(work: () => Promise<unknown>, expected: Failure): Promise<RuntimeError> {
  let result: unknown;
  try {
    result = await work();
  } catch (error) {
    if (!RuntimeError.is(error)) throw error;
    const got = { code: error.code, ...pick(error.details, expected.details) };
    assert.deepEqual(got, { code: expected.code, ...expected.details }, `${error.code}: ${error.message}`);
    return error;
  }
  assert.fail(`expected ${expected.code} ${JSON.stringify(expected.details ?? {})}, got ${show(result)}`);
}

function pick(details: Readonly<Record<string, unknown>>, wanted: Failure['details']): Record<string, unknown> {
  return Object.fromEntries(Object.keys(wanted ?? {}).map((key) => [key, details[key]]));
}

function show(value: unknown): string {
  return JSON.stringify(value, (_, item) => (typeof item === 'bigint' ? `${item}n` : item)) ?? 'nothing';
}

/** Calls, and asserts the result or the failure. A call that trapped must leave its instance dead. */
export async function assertCall(
  instance: ComponentInstance,
  call: readonly [name: string, ...args: unknown[]],
  expected: unknown,
): Promise<void> {
  const [name, ...args] = call;
  if (!isFailure(expected)) {
    assert.deepEqual(plain(await instance.call(name, args)), plain(expected));
    return;
  }
  await assertFails(() => instance.call(name, args), expected);
  if (expected.code === 'VALUE_INVALID') assert.equal(instance.failure, undefined, 'a refused argument ends nothing');
  else
    await assertFails(() => instance.call(name, args), { code: 'COMPONENT_DEAD', details: { reason: expected.code } });
}

/** Typed arrays compare as arrays; what is not there and `undefined` are the same. */
export function plain(value: unknown): unknown {
  if (ArrayBuffer.isView(value)) return Array.from(value as unknown as ArrayLike<unknown>);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  return Object.fromEntries(entries.map(([key, item]) => [key, plain(item)]));
}

/** A case that needs no more than text, a call and what comes of it. */
export function callCase(
  name: string,
  wat: string,
  { imports, call, expect }: { imports?: () => HostImports; call: readonly [string, ...unknown[]]; expect: unknown },
): Case {
  return {
    name,
    run: async () => assertCall(await instantiate(wat, imports?.()), call, expect),
  };
}

/** A case of a component that must be refused before anything of it runs. */
export function refusedCase(name: string, wat: string, expected: Failure): Case {
  return { name, run: async () => void (await assertFails(() => instantiate(wat), expected)) };
}

// ── components of one core module over a memory with an allocator ──

/** Core module with one page of memory and an allocator that counts up from 0x8000. Its calls are kept at 0x7000. */
export const LIBC = `(core module $Libc
    (memory (export "mem") 1)
    (global $next (mut i32) (i32.const 0x8000))
    (global $log (mut i32) (i32.const 0x7000))
    (func $log (param i32)
      (i32.store (global.get $log) (local.get 0))
      (global.set $log (i32.add (global.get $log) (i32.const 4))))
    (func (export "log") (result i32)
      (i32.store (i32.const 0x6ff0) (i32.const 0x7000))
      (i32.store (i32.const 0x6ff4) (i32.div_u (i32.sub (global.get $log) (i32.const 0x7000)) (i32.const 4)))
      (i32.const 0x6ff0))
    (func (export "realloc") (param $ptr i32) (param $old i32) (param $align i32) (param $new i32) (result i32)
      (local $result i32)
      (call $log (local.get $ptr)) (call $log (local.get $old))
      (call $log (local.get $align)) (call $log (local.get $new))
      (local.set $result (i32.and
        (i32.add (global.get $next) (i32.sub (local.get $align) (i32.const 1)))
        (i32.sub (i32.const 0) (local.get $align))))
      (global.set $next (i32.add (local.get $result) (local.get $new)))
      (local.get $result)))
  (core instance $libc (instantiate $Libc))`;

/** Options of a canonical definition that uses {@link LIBC}. */
export function canon(encoding = 'utf8'): string {
  return `(memory $libc "mem") (realloc (func $libc "realloc")) string-encoding=${encoding}`;
}

export interface Types {
  /** Definitions of `$t0`, `$t1`, …; each may name the ones before it. */
  readonly types?: readonly string[] | undefined;
  readonly encoding?: string | undefined;
  /** Data segments of the memory: `[address, bytes as in text]`. */
  readonly data?: readonly (readonly [at: number, bytes: string])[] | undefined;
}

function dataOf({ data }: Types): string {
  return (data ?? []).map(([at, bytes]) => `(data (i32.const ${at}) "${bytes}")`).join(' ');
}

function exportedTypes({ types }: Types): string {
  return (types ?? [])
    .map((type, at) => `(type $d${at} ${type}) (export $t${at} "t${at}" (type $d${at}))`)
    .join('\n  ');
}

function importedTypes({ types }: Types): string {
  return (types ?? [])
    .map((type, at) => `(type $d${at} ${type}) (export "t${at}" (type $t${at} (eq $d${at})))`)
    .join(' ');
}

/** Component that exports `f`, lifted from a core function. `func` is its core type and body, `type` its WIT type. */
export function lifted(type: string, func: string, options: Types = {}): string {
  return `(component
  ${LIBC}
  ${exportedTypes(options)}
  (core module $M
    (import "" "mem" (memory 1))
    ${dataOf(options)}
    (func (export "f") ${func}))
  (core instance $m (instantiate $M (with "" (instance $libc))))
  (func (export "f") ${type} (canon lift (core func $m "f") ${canon(options.encoding)}))
  (func (export "log") (result (list u32)) (canon lift (core func $libc "log") ${canon()})))`;
}

/** Component that exports `f`, whose core function calls the import `host#f` of type `type` as `$f` of core type `core`. */
export function lowered(
  type: string,
  core: string,
  { func, result = '', ...options }: Types & { func: string; result?: string },
): string {
  return `(component
  ${LIBC}
  (import "host" (instance $host ${importedTypes(options)} (export "f" (func ${type}))))
  (core func $f (canon lower (func $host "f") ${canon(options.encoding)}))
  (core module $M
    (import "" "mem" (memory 1))
    (import "h" "f" (func $f ${core}))
    ${dataOf(options)}
    (func (export "f") ${func}))
  (core instance $m (instantiate $M (with "" (instance $libc)) (with "h" (instance (export "f" (func $f))))))
  (func (export "f") ${result} (canon lift (core func $m "f") ${canon()})))`;
}

/** Bytes in hexadecimal, spaces allowed, as the text of a data segment. */
export function segment(hex: string): string {
  return hex.replaceAll(/\s/g, '').replaceAll(/../g, '\\$&');
}

/** Bytes in hexadecimal as numbers. */
export function bytes(hex: string): number[] {
  return Array.from(Buffer.from(hex.replaceAll(/\s/g, ''), 'hex'));
}

/** One function of the component's own that its core code uses: `[component-level name, core type]`. */
export type Use = readonly [func: string, type: string];

/** Component with definitions `defs`, one core module `core` that uses core functions of theirs, and exports. */
export function program(
  defs: string,
  { uses, core, exports }: { uses: Readonly<Record<string, Use>>; core: string; exports: string },
): string {
  const imports = Object.entries(uses).map(([name, [, type]]) => `(import "u" "${name}" (func $${name} ${type}))`);
  const given = Object.entries(uses).map(([name, [func]]) => `(export "${name}" (func ${func}))`);
  return `(component
  ${defs}
  (core module $M
    ${imports.join('\n    ')}
    ${core})
  (core instance $m (instantiate $M (with "u" (instance ${given.join(' ')}))))
  ${exports})`;
}
