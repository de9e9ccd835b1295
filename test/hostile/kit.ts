/**
 * Guests that mean harm. Each is tried plainly and inside both forms of a guest's `catch_all`: what ends a guest must
 * end it in all three.
 */
import assert from 'node:assert/strict';
import {
  type CompiledComponent,
  type CompileOptions,
  type ComponentInstance,
  compileComponent,
  type ExportedFunction,
  type HostFunction,
  HostResourceType,
} from '../../src/component/index.ts';
import { parseWat } from '../../src/component/tooling/index.ts';
import { type ErrorCode, RuntimeError } from '../../src/errors/index.ts';

/** How a guest guards what it does. The last two continue after whatever they can catch, and then return. */
export const GUARDS = ['plain', 'legacy catch_all', 'try_table catch_all'] as const;
export type Guard = (typeof GUARDS)[number];

/** Core instructions without a result, inside a guard. */
export function guarded(guard: Guard, body: string): string {
  if (guard === 'plain') return body;
  if (guard === 'legacy catch_all') return `try\n${body}\ncatch_all\nend`;
  return `(block $caught (try_table (catch_all $caught) ${body}))`;
}

export interface Guest {
  /** What the exported function `f` does; core instructions without a result. */
  readonly attack: string;
  /** Further fields of the same core module. */
  readonly fields?: string;
  /** What the allocator does; core instructions with a pointer as result. Default: 0x8000. */
  readonly realloc?: string;
  /** Further fields of the allocator's core module. */
  readonly allocFields?: string;
  /** What the guest's destructor does, parameter 0 being the representation. */
  readonly dtor?: string;
  /** What the post-return of `p` does. */
  readonly post?: string;
  /** Pages of memory, as in text. Default: `1`. */
  readonly pages?: string;
}

/** What every hostile guest may import: one function for each way of passing values. */
const HOST_FUNCTIONS = `
  (export "r" (type $r (sub resource)))
  (export "call" (func))
  (export "number" (func (param "x" u32) (result u32)))
  (export "text" (func (param "x" string)))
  (export "numbers" (func (param "x" (list u64))))
  (export "lists" (func (param "x" (list (list (list u8))))))
  (export "strings" (func (param "x" (list string))))
  (export "char" (func (param "x" char)))
  (export "choice" (func (param "x" (option u8))))
  (export "get" (func (result string)))
  (export "get-many" (func (result (list string))))
  (export "pair" (func (result (tuple u32 u32))))
  (export "make" (func (result (own $r))))
  (export "take" (func (param "x" (own $r))))
  (export "use" (func (param "x" (borrow $r))))
  (export "give-and-use" (func (param "x" (own $r)) (param "y" (borrow $r))))`;

/** Core types of what {@link HOST_FUNCTIONS} become, and which of them need the memory. */
const CORE_TYPES: Readonly<Record<string, readonly [type: string, memory: boolean]>> = {
  call: ['', false],
  number: ['(param i32) (result i32)', false],
  text: ['(param i32 i32)', true],
  numbers: ['(param i32 i32)', true],
  lists: ['(param i32 i32)', true],
  strings: ['(param i32 i32)', true],
  char: ['(param i32)', false],
  choice: ['(param i32 i32)', false],
  get: ['(param i32)', true],
  'get-many': ['(param i32)', true],
  pair: ['(param i32)', true],
  make: ['(result i32)', false],
  take: ['(param i32)', false],
  use: ['(param i32)', false],
  'give-and-use': ['(param i32 i32)', false],
};

/** The component's text. Exports: `f` attacks, `ok` answers 1, `p` answers 7, `echo` a string, `mine` a resource. */
export function componentOf(guest: Guest, guard: Guard): string {
  const names = Object.keys(CORE_TYPES);
  const lowered = names.map((name) => {
    const memory = CORE_TYPES[name]?.[1] ? '(memory $a "mem") (realloc (func $a "realloc"))' : '';
    return `(core func $${name} (canon lower (func $h "${name}") ${memory}))`;
  });
  const imported = names.map((name) => `(import "h" "${name}" (func $${name} ${CORE_TYPES[name]?.[0]}))`);
  const given = names.map((name) => `(export "${name}" (func $${name}))`);
  const alloc = guest.realloc ?? '(i32.const 0x8000)';
  return `(component
  (import "host" (instance $h ${HOST_FUNCTIONS}))
  (alias export $h "r" (type $r))
  (core func $early (canon lower (func $h "call")))
  (core module $A
    (import "" "call" (func $call))
    (memory (export "mem") ${guest.pages ?? '1'})
    ${guest.allocFields ?? ''}
    (func $alloc (param i32 i32 i32 i32) (result i32) (local $result i32)
      ${guarded(guard, `(local.set $result ${alloc})`)}
      (local.get $result))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (call $alloc (local.get 0) (local.get 1) (local.get 2) (local.get 3))))
  (core instance $a (instantiate $A (with "" (instance (export "call" (func $early))))))
  (core module $D (import "" "call" (func $call))
    (func (export "dtor") (param i32) ${guarded(guard, guest.dtor ?? '')}))
  (core instance $d (instantiate $D (with "" (instance (export "call" (func $early))))))
  (type $mine' (resource (rep i32) (dtor (func $d "dtor"))))
  (export $mine "mine-type" (type $mine'))
  ${lowered.join('\n  ')}
  (core func $drop (canon resource.drop $r))
  (core func $new-mine (canon resource.new $mine'))
  (core func $drop-mine (canon resource.drop $mine'))
  (core module $M
    (import "a" "mem" (memory 1))
    ${imported.join('\n    ')}
    (import "h" "drop" (func $drop (param i32)))
    (import "h" "new-mine" (func $new-mine (param i32) (result i32)))
    (import "h" "drop-mine" (func $drop-mine (param i32)))
    ${guest.fields ?? ''}
    (func (export "f") ${guarded(guard, guest.attack)})
    (func (export "ok") (result i32) (i32.const 1))
    (func (export "p") (result i32) (i32.const 7))
    (func (export "post") (param i32) ${guarded(guard, guest.post ?? '')})
    (func (export "mine") (result i32) (call $new-mine (i32.const 3)))
    (func (export "echo") (param i32 i32) (result i32)
      (i32.store (i32.const 32) (local.get 0)) (i32.store (i32.const 36) (local.get 1)) (i32.const 32)))
  (core instance $m (instantiate $M (with "a" (instance $a)) (with "h" (instance ${given.join(' ')}
    (export "drop" (func $drop)) (export "new-mine" (func $new-mine)) (export "drop-mine" (func $drop-mine))))))
  (func (export "f") (canon lift (core func $m "f")))
  (func (export "ok") (result u32) (canon lift (core func $m "ok")))
  (func (export "p") (result u32) (canon lift (core func $m "p") (post-return (func $m "post"))))
  (func (export "mine") (result (own $mine)) (canon lift (core func $m "mine")))
  (func (export "echo") (param "x" string) (result string)
    (canon lift (core func $m "echo") (memory $a "mem") (realloc (func $a "realloc")))))`;
}

export interface Host {
  readonly functions: Record<string, HostFunction | HostResourceType>;
  /** Names of the functions that were called, and `drop` for a resource dropped. */
  readonly log: string[];
}

/** A host that answers everything sensibly and notes what it was asked. `more` replaces some of it. */
export function hostOf(more: Readonly<Record<string, HostFunction>> = {}): Host {
  const log: string[] = [];
  const answers: Record<string, unknown> = { get: 'text', 'get-many': ['a', 'b'], pair: [1, 2] };
  const functions: Host['functions'] = { r: new HostResourceType('r', () => void log.push('drop')) };
  for (const name of Object.keys(CORE_TYPES)) {
    functions[name] = (...args) => {
      log.push(name);
      const own = more[name];
      if (own !== undefined) return own(...args);
      if (name === 'make') return { made: true };
      return name === 'number' ? args[0] : answers[name];
    };
  }
  return { functions, log };
}

/** Compiles a guest. */
export async function compile(guest: Guest, guard: Guard, options?: CompileOptions): Promise<CompiledComponent> {
  return compileComponent(await parseWat(componentOf(guest, guard)), options);
}

/** The exported function of that name. */
export function exported(component: CompiledComponent, name: string): ExportedFunction {
  const found = component.export(name);
  assert.ok(found);
  return found;
}

/** Compiles a guest and makes an instance of it. */
export async function start(
  guest: Guest,
  guard: Guard,
  { host = hostOf(), options = {} }: { host?: Host; options?: CompileOptions } = {},
): Promise<ComponentInstance> {
  const component = await compile(guest, guard, options);
  return component.instantiate({ host: host.functions });
}

/** What must come out: a code, and what the details must at least say. */
export interface End {
  readonly code: ErrorCode;
  readonly details?: Readonly<Record<string, unknown>>;
}

/** The named trap of an instruction. */
export const trap = (name: string): End => ({ code: 'COMPONENT_TRAPPED', details: { trap: name } });
/** A broken rule of the canonical ABI. */
export const rule = (name: string): End => ({ code: 'COMPONENT_TRAPPED', details: { trap: 'abi', rule: name } });
/** A limit of ours. */
export const limit = (name: string): End => ({ code: 'COMPONENT_LIMIT', details: { limit: name } });

/** Asserts that `work` ends as described. */
export async function assertEnds(work: () => unknown, end: End): Promise<RuntimeError> {
  try {
    await work();
  } catch (error) {
    assert.ok(RuntimeError.is(error), `not one of ours: ${String(error)}`);
    const details = Object.fromEntries(Object.keys(end.details ?? {}).map((key) => [key, error.details[key]]));
    assert.deepEqual({ code: error.code, details }, { code: end.code, details: end.details ?? {} }, error.message);
    return error;
  }
  assert.fail(`expected ${end.code} ${JSON.stringify(end.details ?? {})}, but it went on`);
}

let neighbour: Promise<ComponentInstance> | undefined;

/** Asserts that the instance is dead, and that a healthy one beside it is not. */
export async function assertDead(instance: ComponentInstance, end: End): Promise<void> {
  assert.equal(instance.failure?.code, end.code);
  assert.equal(instance.busy, false);
  await assertEnds(() => instance.call('ok'), { code: 'COMPONENT_DEAD', details: { reason: end.code } });
  neighbour ??= start({ attack: '' }, 'plain');
  assert.equal(await (await neighbour).call('echo', ['still here']), 'still here');
}
