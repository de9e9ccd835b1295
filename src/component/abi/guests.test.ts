import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import fc from 'fast-check';
import { flatten, type ValueType } from '../binary/index.ts';
import { parseWat } from '../tooling/index.ts';
import { anyTyped, arrived } from './arbitraries.suite.ts';
import { ENCODINGS, exported, imported, list, params } from './harness.suite.ts';
import { CanonContext, compileExport, compileImport, InstanceState } from './index.ts';

/**
 * A guest that gives back what it gets, whatever its type: one flat value as it is, a list or string by its pointer and
 * length, spilled values by their pointer. `through` passes them on to an import first. Its allocator makes the memory
 * grow when it has to.
 */
const GUEST = `(module
  (import "host" "list" (func $list (param i32 i32 i32)))
  (import "host" "spilled" (func $spilled (param i32 i32)))
  (memory (export "memory") 1)
  (global $next (mut i32) (i32.const 64))
  (func (export "realloc") (param $old i32) (param $old-size i32) (param $align i32) (param $size i32) (result i32)
    (local $ptr i32)
    (local.set $ptr (i32.and
      (i32.add (global.get $next) (i32.sub (local.get $align) (i32.const 1)))
      (i32.sub (i32.const 0) (local.get $align))))
    (global.set $next (i32.add (local.get $ptr) (local.get $size)))
    (block $fits
      (loop $more
        (br_if $fits (i32.le_u (global.get $next) (i32.mul (memory.size) (i32.const 65536))))
        (br_if $more (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))
        (unreachable)))
    (local.get $ptr))
  (func (export "i32") (param i32) (result i32) (local.get 0))
  (func (export "i64") (param i64) (result i64) (local.get 0))
  (func (export "f32") (param f32) (result f32) (local.get 0))
  (func (export "f64") (param f64) (result f64) (local.get 0))
  (func (export "list") (param i32 i32) (result i32)
    (i32.store (i32.const 16) (local.get 0))
    (i32.store (i32.const 20) (local.get 1))
    (i32.const 16))
  (func (export "spilled") (param i32) (result i32) (local.get 0))
  (func (export "list-through") (param i32 i32) (result i32)
    (call $list (local.get 0) (local.get 1) (i32.const 24))
    (i32.const 24))
  (func (export "spilled-through") (param i32) (result i32)
    (call $spilled (local.get 0) (local.get 0))
    (local.get 0)))`;

let guestModule: WebAssembly.Module;

type Core = (...flats: (number | bigint)[]) => number | bigint | undefined;

/** A new instance, whose imports can be bound afterwards. */
class RealGuest {
  readonly ctx = new CanonContext(new InstanceState());
  readonly imports: Record<string, Core> = {};
  readonly core: Record<string, Core>;

  constructor() {
    const through =
      (name: string) =>
      (...flats: number[]) =>
        this.imports[name]!(...flats);
    const host = { list: through('list'), spilled: through('spilled') };
    const { exports } = new WebAssembly.Instance(guestModule, { host });
    this.core = exports as unknown as Record<string, Core>;
    this.ctx.setMemory(exports.memory as WebAssembly.Memory);
    this.ctx.setRealloc(exports.realloc as never);
  }
}

/** Seventeen flat values at least, so that they are spilled: the value, then numbers. */
function spill(type: ValueType, value: unknown): { type: ValueType; value: unknown } {
  const types = [type, ...Array.from({ length: 17 }, (): ValueType => ({ kind: 'u16' }))];
  return { type: { kind: 'tuple', types }, value: [value, ...types.slice(1).map((_, at) => at)] };
}

const RUNS = { numRuns: 100 };

describe('real guests', () => {
  before(async () => {
    guestModule = await WebAssembly.compile((await parseWat(GUEST)) as Uint8Array<ArrayBuffer>);
  });

  test('a value of any type passes through a guest, as a list, spilled, and flat', () => {
    fc.assert(
      fc.property(anyTyped, fc.constantFrom(...ENCODINGS), ({ type, value }, encoding) => {
        const guest = new RealGuest();
        const echo = (of: ValueType, name: string, given: unknown) =>
          exported(guest.ctx, compileExport({ params: params(of), result: of }, encoding), guest.core[name]!)(given);
        const boxed = echo(list(type), 'list', [value]);
        assert.deepEqual((boxed as unknown[])[0], arrived(value));
        const many = spill(type, value);
        assert.deepEqual(echo(many.type, 'spilled', many.value), arrived(many.value));
        const flats = flatten(type);
        if (flats.length === 1) assert.deepEqual(echo(type, flats[0]!, value), arrived(value));
      }),
      RUNS,
    );
  });

  test('a value of any type passes through a guest, an import and the guest again', () => {
    fc.assert(
      fc.property(anyTyped, fc.constantFrom(...ENCODINGS), ({ type, value }, encoding) => {
        const guest = new RealGuest();
        const seen: unknown[] = [];
        const host = (given: unknown) => {
          seen.push(given);
          return given;
        };
        const many = spill(type, value);
        for (const [name, of, given] of [
          ['list', list(type), [value]],
          ['spilled', many.type, many.value],
        ] as const) {
          const func = { params: params(of), result: of };
          guest.imports[name] = imported(guest.ctx, compileImport(func, encoding), host);
          const call = exported(guest.ctx, compileExport(func, encoding), guest.core[`${name}-through`]!);
          const back = call(given);
          assert.deepEqual(back, seen.at(-1));
        }
        assert.deepEqual((seen[0] as unknown[])[0], arrived(value));
        assert.deepEqual(seen[1], arrived(many.value));
      }),
      RUNS,
    );
  });

  test('strings and lists of every length around the limits of the fast paths pass through a guest', () => {
    const guest = new RealGuest();
    const letters = ['a', 'é', '€', '😀'];
    for (const encoding of ENCODINGS) {
      const stub = compileExport({ params: params({ kind: 'string' }), result: { kind: 'string' } }, encoding);
      const echo = exported(guest.ctx, stub, guest.core.list!);
      for (const letter of letters) {
        for (const length of [0, 1, 7, 8, 9, 15, 16, 17, 18, 95, 96, 97, 1000, 70_000]) {
          for (const text of [letter.repeat(length), `${'x'.repeat(length)}${letter}`]) {
            assert.equal(echo(text), text);
          }
        }
      }
    }
    const bytes = compileExport({ params: params(list({ kind: 'u8' })), result: list({ kind: 'u8' }) }, 'utf8');
    const echo = exported(guest.ctx, bytes, guest.core.list!);
    for (const length of [0, 1, 63, 64, 65, 4096, 200_000]) {
      const data = Uint8Array.from({ length }, (_, at) => at);
      assert.deepEqual(echo(data), data);
    }
  });
});
